// Something that was to be done or answered: each state it was in, and what it is about.
import type { Link } from '#machines/records.ts';
import { Moment, Pairs, quote, StateBadge } from '../parts/facts.tsx';
import { Empty, Loaded, Screen } from '../parts/frame.tsx';
import { ActorLink, LinkTo, readSource } from '../parts/link.tsx';
import { Json, Revealed } from '../parts/text.tsx';
import { query, queryPath } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at } from '../state/router.ts';
import { entityThen } from './record-around.tsx';
import { Remarks } from './record-remarks.tsx';

interface Intent { id: string; kind: string; state: string; actor: string; summary: string; data: { evidence?: Link[]; [name: string]: unknown }; created_ms: number; updated_ms: number }
interface Change { n: number; state: string; actor: string; at_ms: number }
interface Known { intent: Intent | null; changes: Change[]; about: string[] }

export function IntentRecord({ id }: { id: string }) {
  const live = useLive(async (): Promise<Known> => {
    const [intent, changes] = await Promise.all([query<Intent | null>('intent', { id }), query<Change[]>('intentChanges', { id })]);
    const sources = (intent?.data.evidence ?? []).filter(({ kind }) => kind === 'artifact').map((link) => readSource(link.id).artifact);
    return { intent, changes, about: sources.length === 0 ? [] : await query<string[]>('entitiesIn', { sources }) };
  }, [id], ({ records }) => records.some((record) => record.kind === 'intent' && record.id === id));
  return (
    <Screen title={live.data?.intent?.summary || id} cli={`keelson get intent ${quote(id)}`} raw={queryPath('intent', { id })} actions={<><a href={at.why('intent', id)}>Why?</a><a href={at.item(id)}>In the inbox</a></>}>
      <Loaded live={live}>
        {({ intent, changes, about }) => intent === null ? <Empty>There is no such intent. It was erased, or never here.</Empty> : (
          <>
            <Pairs pairs={[
              ['Id', <Revealed text={id} />], ['Kind', intent.kind], ['State', <StateBadge state={intent.state} />], ['Asked by', <ActorLink address={intent.actor} />],
              ['About', about.length === 0 ? null : about.map((entity) => <div key={entity}><LinkTo kind="entity" id={entity} /> · <a href={entityThen(entity, intent.updated_ms)}>what we knew then</a></div>)],
              ['Evidence', intent.data.evidence?.length ? intent.data.evidence.map((link) => <div key={`${link.kind} ${link.id}`}>{link.kind} <LinkTo {...link} /></div>) : null],
            ]} />
            <h2>States</h2>
            <ol class="timeline">{changes.map(({ n, state, actor, at_ms: ms }) => <li key={n}><StateBadge state={state} /> <Moment ms={ms} /> by <ActorLink address={actor} /></li>)}</ol>
            <h2>What was asked</h2>
            <Json value={intent.data} />
          </>
        )}
      </Loaded>
      <Remarks kind="intent" id={id} />
    </Screen>
  );
}
