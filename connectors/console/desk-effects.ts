// The kill switch: one fact about the company itself. The gate reads it right before each call, in every process; it stays as it is
// until the operator says otherwise, whatever is restarted.
import { z } from 'zod';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { commandIdSchema, messageOf, operator, type Commands } from './desk-commands.ts';

export const effectsRequest = z.object({ reason: z.string().max(2_000).default(''), commandId: commandIdSchema });
type Request = z.output<typeof effectsRequest>;

export interface EffectsState { state: 'running' | 'stopped'; reason: string; sinceMs: number | null; halted: number }

export interface Effects {
  stop(request: Request): Promise<EffectsState>;
  /** Wakes what waited for it, in the same commit. */
  resume(request: Request): Promise<EffectsState>;
}

export const companyEntity = 'organisation/self';

export function createEffects({ store, commands, makeId }: { store: StorePort; commands: Commands; makeId: MakeId }): Effects {
  const halted = async () => (await store.query('halted', {})) as { address: string }[];
  const now = async (): Promise<EffectsState> => ({ ...((await store.query('effects', {})) as Omit<EffectsState, 'halted'>), halted: (await halted()).length });

  const say = async (state: EffectsState['state'], { reason, commandId = makeId() }: Request): Promise<EffectsState> => {
    const id = `command:${commandId}`;
    const content = { type: state === 'stopped' ? 'STOP_EFFECTS' : 'RESUME_EFFECTS', about: companyEntity, reason };
    const resumed = messageOf({ type: 'EFFECTS_RESUMED', about: companyEntity });
    const woken = state === 'running' ? await halted() : [];
    await commands.write(id, content, {
      facts: [{ entity: companyEntity, predicate: 'company.effects', value: { state, reason }, label: 'operator', confidence: 1 }],
      sends: woken.map(({ address }) => ({ id: `${id}:${address}`, to: address, from: operator, body: resumed })),
    });
    return now();
  };
  return { stop: (request) => say('stopped', request), resume: (request) => say('running', request) };
}
