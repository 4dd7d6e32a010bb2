// What happens to an actor whose step failed: a pure function over its machine's strategy and its restarts so far.
import type { supervisionSchema } from './hold.ts';
import type { z } from 'zod';

export type Verdict =
  | { do: 'restart'; nth: number; afterMs: number; how: 'retry' | 'fresh'; scope: 'one' | 'siblings'; reason: string }
  | { do: 'stop' | 'escalate'; reason: string };

/** `restarts`: when it was restarted before, in milliseconds since 1970. */
export function judgeFailure(strategy: z.output<typeof supervisionSchema> | null, restarts: readonly number[], nowMs: number): Verdict {
  if (strategy === null) return { do: 'escalate', reason: 'its machine declares no strategy for failures' };
  const recent = withinWindow(restarts, strategy.withinMs, nowMs).length;
  const seconds = Math.round(strategy.withinMs / 1000);
  if (recent >= strategy.restarts) return { do: strategy.otherwise, reason: strategy.restarts === 0 ? 'its machine allows no restarts' : `it was restarted ${recent} times within ${seconds} s; no more than ${strategy.restarts} are allowed` };
  const afterMs = Math.min(strategy.firstMs * 2 ** recent, strategy.maxMs);
  return { do: 'restart', nth: recent + 1, afterMs, how: strategy.how, scope: strategy.scope, reason: `restart ${recent + 1} of ${strategy.restarts} within ${seconds} s, after ${afterMs} ms` };
}

export const withinWindow = (times: readonly number[], withinMs: number, nowMs: number) => times.filter((at) => at > nowMs - withinMs);
