// Nobody may stand still without a cause that will move it.
import { nextEvents } from '#actors/next-events.ts';
import type { ActorRecord } from '#actors/record.ts';
import type { Registry } from '#actors/registry.ts';
import type { Clock } from '#actors/clock.ts';
import type { Log } from '#actors/log.ts';
import type { StorePort } from '#actors/store-port.ts';
import { emptyCommit } from '#machines/commit.ts';
import { plainError } from '#machines/errors.ts';

const everyMs = 600_000;
const pageRows = 1_000;

/** Why nothing will ever move this actor, or null. `record` is one that no message is under way to. */
export function whyStuck(registry: Registry, record: ActorRecord): string | null {
  if (record.status !== 'active' || record.held || Object.keys(record.timers).length > 0) return null;
  if (Object.values(record.children).some((child) => !child.settled)) return null;
  const definition = registry.get(record.machine);
  if (!definition) return null; // quarantined, and said so
  const events = nextEvents(definition, record);
  if (events.length === 0) return `${JSON.stringify(record.snapshot.value)} is not final, but it waits for no timer, job, child or event`;
  const fromOperator = events.every((type) => definition.protocol.operatorOnly?.includes(type));
  return fromOperator && Object.keys(record.asks ?? {}).length === 0 ? `in ${JSON.stringify(record.snapshot.value)} it waits for the operator, but asks nothing` : null;
}

/** Looks at everybody at the start and every ten minutes; who stands still without a cause becomes the operator's business, once. */
export function watchStuck({ store, registry, clock, log }: { store: StorePort; registry: Registry; clock: Clock; log: Log }): () => void {
  let running = false;
  const run = async () => {
    if (running) return;
    running = true;
    try {
      for (let after: string | null = null; ;) {
        const rows = (await store.query('resting', { limit: pageRows, ...(after === null ? {} : { after }) })) as { address: string; record: ActorRecord }[];
        for (const { address, record } of rows) {
          const reason = whyStuck(registry, record);
          if (reason !== null) await raise(address, record.rev, reason);
        }
        if (rows.length < pageRows) return;
        after = rows.at(-1)!.address;
      }
    } catch (error) {
      log.error(plainError(error), 'could not look for actors that stand still');
    } finally {
      running = false;
    }
  };
  const raise = async (address: string, rev: number, reason: string) => {
    const summary = `${address} stands still for ever: ${reason}`.slice(0, 500);
    const answer = await store.commit({
      ...emptyCommit(`stuck:${address}:${rev}`, clock.now(), 'host/supervisor', { stuck: address, rev, reason }),
      intents: [{ id: `stuck-${address.replace('/', '-')}-${rev}`, kind: 'escalation', state: 'input-required', summary, data: { category: 'stuck', reasons: [reason], payload: { actor: address, rev }, payloadHash: `${address}:${rev}`, answers: `send it an event (keelson send ${address} TYPE) or end it (keelson cancel ${address}); then approve = seen` } }],
    });
    if (answer.outcome === 'written') log.warn({ address, rev, reason }, 'an actor stands still for ever');
  };
  const stop = clock.every(everyMs, () => void run());
  void run();
  return stop;
}
