// What is said between those who wait for a model and `models/main`, which lets them go on.
import { z } from 'zod';
import { needSchema, type Climb, type Need } from '../ladder.ts';


/** The host states `from`. */
export const waitSchema = z.object({ from: z.string(), task: z.string().max(100), needs: z.array(needSchema).min(1).max(3), reason: z.string().max(500) });
export const leaveSchema = z.object({ from: z.string() });
/** `without`: with what there is, without asking again. */
export const goOn = z.object({ from: z.string(), without: z.boolean() });

/** I wait for these; said again, it takes the place of what was said before. */
export function toWait({ task, needs, trail }: Climb) {
  const reason = trail.filter(({ tier }) => Object.hasOwn(needs, tier)).map((rung) => `${rung.tier}: ${rung.reason}`).join('; ').slice(0, 500);
  return { type: 'WAIT', task, needs: [...new Set<Need>(Object.values(needs))], reason } as never;
}
/** I wait no more. */
export const toLeave = () => ({ type: 'LEAVE' }) as never;
