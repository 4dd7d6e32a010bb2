// The kill switch: one fact about the company itself. The gate reads it right before each call, in every process; it stays as it is
// until the operator says otherwise, whatever is restarted.
import { z } from 'zod';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { commandIdSchema, messageOf, operator, type Commands } from './desk-commands.ts';

export const effectsRequest = z.object({ reason: z.string().max(2_000).default(''), commandId: commandIdSchema });
type Request = z.output<typeof effectsRequest>;

export interface EffectsState {
  state: 'running' | 'stopped';
  reason: string;
  sinceMs: number | null;
  /** How many operations wait for it. */
  halted: number;
  /** Operations whose call may have begun before: it ends as it ends. No other begins. */
  onTheirWay: string[];
}

export interface Effects {
  stop(request: Request): Promise<EffectsState>;
  resume(request: Request): Promise<EffectsState>;
  /** What waits although effects are on goes on: the server that was to wake it died, or ran dry. */
  wake(): Promise<void>;
}

export const companyEntity = 'organisation/self';
/** Fewer messages than a commit may hold. */
const perCommit = 500;

export function createEffects({ store, commands, makeId }: { store: StorePort; commands: Commands; makeId: MakeId }): Effects {
  const addresses = async (query: string) => (await store.query(query, {})) as { address: string; value?: unknown }[];
  const said = async () => (await store.query('effects', {})) as Pick<EffectsState, 'state' | 'reason' | 'sinceMs'>;
  const now = async (): Promise<EffectsState> => {
    const onTheirWay = (await addresses('onTheirWay')).filter(({ value }) => value !== 'unknown').map(({ address }) => address);
    const { state, reason, sinceMs } = await said();
    return { state, reason, sinceMs, halted: (await addresses('halted')).length, onTheirWay };
  };

  const say = async (state: EffectsState['state'], { reason, commandId = makeId() }: Request): Promise<void> => {
    const content = { type: state === 'stopped' ? 'STOP_EFFECTS' : 'RESUME_EFFECTS', about: companyEntity, reason };
    await commands.write(`command:${commandId}`, content, { facts: [{ entity: companyEntity, predicate: 'company.effects', value: { state, reason }, label: 'operator', confidence: 1 }] });
  };

  const wake = async () => {
    if ((await said()).state === 'stopped') return;
    // Who is asked to prepare or to leave at this moment may have heard of the stop, and not have said so yet.
    // One may go from the first list to the second between the two reads.
    const waiting = [...new Set([...(await addresses('halted')), ...(await addresses('leaving'))].map(({ address }) => address))];
    for (let begin = 0; begin < waiting.length; begin += perCommit) {
      const id = `command:${makeId()}`;
      const content = { type: 'EFFECTS_RESUMED', about: companyEntity };
      await commands.write(id, content, { sends: waiting.slice(begin, begin + perCommit).map((address) => ({ id: `${id}:${address}`, to: address, from: operator, body: messageOf(content) })) });
    }
  };

  return {
    async stop(request) {
      await say('stopped', request);
      return now();
    },
    async resume(request) {
      await say('running', request);
      await wake();
      return now();
    },
    wake,
  };
}
