// A build that can take quarantined actors wakes them when it starts; without it they would go on only with their next message.
import { emptyCommit } from '#machines/commit.ts';
import type { Clock } from './clock.ts';
import { sha256 } from './hash.ts';
import type { Log } from './log.ts';
import { commitPatiently } from './patience.ts';
import type { ActorRecord } from './record.ts';
import type { Registry } from './registry.ts';
import type { StorePort } from './store-port.ts';
import { meet } from './versions.ts';

const from = 'host/versions';

/** The message is a promise in the store. What it says does not matter: whatever comes is met by the version first. */
export async function wakeQuarantined({ store, registry, clock, log }: { store: StorePort; registry: Registry; clock: Clock; log: Log }): Promise<void> {
  const quarantined = (await store.query('quarantined', {})) as { record: string }[];
  for (const { record: text } of quarantined) {
    const record = JSON.parse(text) as ActorRecord;
    const met = meet(registry, record, clock.now());
    if ('unfit' in met) continue;
    const { address: to, rev } = record;
    const id = `wake:${to}#${rev}:${sha256(`${met.definition.key} ${met.definition.hash}`).slice(0, 12)}`;
    await commitPatiently({ store, clock, log }, { ...emptyCommit(`${id}!sent`, clock.now(), from, { wake: to }), sends: [{ id, to, from, body: { kind: 'next' } }] });
  }
}
