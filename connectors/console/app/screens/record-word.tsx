// A decision with its reasons, and a remark or correction with what it is about.
import type { Link } from '#machines/records.ts';
import { Diff } from '../parts/diff.tsx';
import { Moment, Pairs, quote } from '../parts/facts.tsx';
import { Empty, Loaded, Screen } from '../parts/frame.tsx';
import { ActorLink, LinkTo } from '../parts/link.tsx';
import { percent } from '../parts/percent.ts';
import { Revealed } from '../parts/text.tsx';
import { query, queryPath } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at } from '../state/router.ts';
import { Remarks } from './record-remarks.tsx';

interface Decision { what: string; outcome: string; confidence: number | null; reasons: string[]; evidence: Link[]; policy: { id: string; version: string; rule: string } | null; model: string | null; costMicros: number | null; actor: string; machine: string | null; at_ms: number }
interface Annotation { kind: string; target_kind: string; target: string; text: string; before?: string; after?: string; reason?: string; template?: string; rule?: string; actor: string; at_ms: number }

const gone = (what: string) => <Empty>There is no such {what}. It was erased, or never here.</Empty>;

export function DecisionRecord({ id }: { id: string }) {
  const live = useLive(() => query<Decision | null>('decision', { id }), [id]);
  const found = live.data;
  return (
    <Screen title={found ? `${found.what}: ${found.outcome}` : id} cli={`keelson get decision ${quote(id)}`} raw={queryPath('decision', { id })} actions={<a href={at.why('decision', id)}>Why?</a>}>
      <Loaded live={live}>
        {(decision) => decision === null ? gone('decision') : (
          <Pairs pairs={[
            ['Decided', <><Revealed text={decision.what} />: <strong><Revealed text={decision.outcome} /></strong></>], ['Confidence', decision.confidence === null ? null : percent(decision.confidence)],
            ['Because', decision.reasons.length === 0 ? null : <ul class="timeline">{decision.reasons.map((reason) => <li key={reason}><Revealed text={reason} /></li>)}</ul>],
            ['Evidence', decision.evidence.length === 0 ? null : decision.evidence.map((link) => <div key={`${link.kind} ${link.id}`}>{link.kind} <LinkTo {...link} /></div>)],
            ['Policy', decision.policy && <Revealed text={`${decision.policy.id} ${decision.policy.version}, rule ${decision.policy.rule}`} />], ['Model', decision.model && <Revealed text={decision.model} />],
            ['Cost', decision.costMicros === null ? null : (decision.costMicros / 1_000_000).toFixed(6)], ['By', <><ActorLink address={decision.actor} />{decision.machine ? ` (${decision.machine})` : ''}</>], ['When', <Moment ms={decision.at_ms} />],
          ]} />
        )}
      </Loaded>
      <Remarks kind="decision" id={id} />
    </Screen>
  );
}

export function AnnotationRecord({ id }: { id: string }) {
  const live = useLive(() => query<Annotation | null>('annotation', { id }), [id]);
  return (
    <Screen title={live.data?.kind === 'correction' ? `Correction ${id}` : `Remark ${id}`} cli={`keelson get annotation ${quote(id)}`} raw={queryPath('annotation', { id })} actions={<a href={at.why('annotation', id)}>Why?</a>}>
      <Loaded live={live}>
        {(annotation) => annotation === null ? gone('remark') : (
          <>
            <Pairs pairs={[
              ['On', <>{annotation.target_kind} <LinkTo kind={annotation.target_kind} id={annotation.target} /></>], ['Because', annotation.reason ? <Revealed text={annotation.reason} /> : null],
              ['Template', annotation.template ? <LinkTo kind="artifact" id={annotation.template} /> : null], ['Rule', annotation.rule ? <Revealed text={annotation.rule} /> : null], ['By', <ActorLink address={annotation.actor} />], ['When', <Moment ms={annotation.at_ms} />],
            ]} />
            <h2>Words</h2>
            <Revealed block text={annotation.text} />
            {annotation.before !== undefined && annotation.after !== undefined ? <><h2>What changed</h2><Diff before={annotation.before} after={annotation.after} label="Before and after" /></> : null}
          </>
        )}
      </Loaded>
    </Screen>
  );
}
