// One statement: what it says, who vouches for it, when it was true and known, where it was read, and what corrected it.
import { useState } from 'preact/hooks';
import { LabelBadge, Moment, Pairs, quote, Value } from '../parts/facts.tsx';
import { Empty, Loaded, Screen } from '../parts/frame.tsx';
import { ActorLink, LinkTo, SourceLink } from '../parts/link.tsx';
import { percent } from '../parts/percent.ts';
import { Json, Revealed } from '../parts/text.tsx';
import { query, queryPath } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at } from '../state/router.ts';
import { entityThen } from './record-around.tsx';
import type { StoredFact } from './record-entity.tsx';
import { FactForm } from './record-fact-form.tsx';
import { Remarks } from './record-remarks.tsx';

type Fact = StoredFact & { entity: string; supersededBy: { id: string; recorded_ms: number }[] };

export function FactRecord({ id }: { id: string }) {
  const live = useLive(() => query<Fact | null>('fact', { id }), [id], ({ records }) => records.some(({ kind }) => kind === 'fact'));
  const [isCorrecting, setCorrecting] = useState(false);
  const fact = live.data;
  return (
    <Screen title={fact ? `${fact.predicate} of ${fact.entity}` : id} cli={`keelson get fact ${quote(id)}`} raw={queryPath('fact', { id })} actions={<><a href={at.why('fact', id)}>Why?</a>{fact?.supersededBy.length === 0 ? <button type="button" onClick={() => setCorrecting(true)}>Correct it</button> : null}</>}>
      <Loaded live={live}>
        {(found) => found === null ? <Empty>There is no such fact. It was erased, or never here.</Empty> : (
          <>
            <Pairs pairs={[
              ['Says', <strong><Value value={found.value} /></strong>], ['About', <><LinkTo kind="entity" id={found.entity} /> · <a href={entityThen(found.entity, found.recorded_ms)}>what we knew then</a></>],
              ['Vouched for by', <><LabelBadge label={found.label} /> {percent(found.confidence)}</>],
              ['True', <>from <Moment ms={found.valid_from_ms} />{found.valid_to_ms === null ? ' on' : <> until <Moment ms={found.valid_to_ms} /></>}</>],
              ['Recorded', <><Moment ms={found.recorded_ms} /> by <ActorLink address={found.actor} /></>],
              ['Read in', found.source === null ? null : <SourceLink source={found.source} />],
              ['Corrects', found.supersedes === null ? null : <LinkTo kind="fact" id={found.supersedes} />],
              ['Corrected by', found.supersededBy.length === 0 ? null : found.supersededBy.map((later) => <div key={later.id}><LinkTo kind="fact" id={later.id} /> <Moment ms={later.recorded_ms} /></div>)],
              ['Id', <Revealed text={id} />],
            ]} />
            {found.value !== null && typeof found.value === 'object' ? <><h2>Value</h2><Json value={found.value} /></> : null}
            {isCorrecting ? <FactForm entity={found.entity} corrects={found} onClose={() => setCorrecting(false)} onDone={live.reload} /> : null}
          </>
        )}
      </Loaded>
      <Remarks kind="fact" id={id} />
    </Screen>
  );
}
