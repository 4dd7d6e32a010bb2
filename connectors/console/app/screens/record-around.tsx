// What hangs together with an entity: runs, operations, questions and documents that began with what was said about it.
import type { ComponentChildren } from 'preact';
import { Loaded, StatusBadge } from '../parts/frame.tsx';
import { StateBadge } from '../parts/facts.tsx';
import { LinkTo } from '../parts/link.tsx';
import { Revealed } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { query } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at } from '../state/router.ts';

interface Surroundings {
  actors: { address: string; status: string; updated_ms: number }[];
  intents: { id: string; kind: string; state: string; summary: string; updated_ms: number }[];
  artifacts: { id: string; kind: string; name: string | null; at_ms: number }[];
}

export function Around({ id }: { id: string }) {
  const live = useLive(() => query<Surroundings>('around', { id }), [id], ({ records }) => records.some(({ kind, entity }) => kind === 'intent' || entity === id));
  return (
    <Loaded live={live}>
      {({ actors, intents, artifacts }) => actors.length + intents.length + artifacts.length === 0 ? null : (
        <section aria-label="What came of it">
          <h2>What came of it</h2>
          <div class="cards">
            <List title="Questions and tasks" rows={intents}>{(intent) => <><StateBadge state={intent.state} /> <a href={intent.state === 'input-required' ? at.item(intent.id) : at.intent(intent.id)}><Revealed text={intent.summary || intent.id} /></a> <span class="faint"><Time at={intent.updated_ms} /></span></>}</List>
            <List title="Runs and operations" rows={actors.map((actor) => ({ id: actor.address, ...actor }))}>{({ address, status, updated_ms: ms }) => <><StatusBadge status={status} /> <a href={address.startsWith('mail/') ? at.run(address) : at.actor(address)}><Revealed text={address} /></a>{address.startsWith('operation/') ? <> <a href={at.why('actor', address)}>why</a> <a href={entityThen(id, ms)}>what we knew then</a></> : null} <span class="faint"><Time at={ms} /></span></>}</List>
            <List title="Documents" rows={artifacts}>{(artifact) => <><span class="faint">{artifact.kind}</span> <LinkTo kind="artifact" id={artifact.id} /> <span class="faint">{artifact.name === null ? null : <Revealed text={artifact.name.split('/').at(-1)!} />} <Time at={artifact.at_ms} /></span></>}</List>
          </div>
        </section>
      )}
    </Loaded>
  );
}

/** The entity as it was true and known at one moment. */
export function entityThen(id: string, ms: number): string {
  const then = new Date(ms).toISOString();
  return `${at.entity(id)}?${new URLSearchParams({ at: then, known: then }).toString()}`;
}

function List<T extends { id: string }>({ title, rows, children }: { title: string; rows: readonly T[]; children: (row: T) => ComponentChildren }) {
  return rows.length === 0 ? null : <div class="card"><h3>{title}</h3><ul class="timeline">{rows.map((row) => <li key={row.id}>{children(row)}</li>)}</ul></div>;
}
