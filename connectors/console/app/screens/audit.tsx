// Audit: every decision with the rule that spoke and the way back to the raw input, the chain that vouches for all of it, and the export.
import { Badge, Empty, Failed, Screen, type Tone } from '../parts/frame.tsx';
import { quote } from '../parts/facts.tsx';
import { ActorLink, LinkTo } from '../parts/link.tsx';
import { Revealed } from '../parts/text.tsx';
import { Task } from '../parts/task.tsx';
import { Time } from '../parts/time.tsx';
import { post, query, queryPath } from '../state/api.ts';
import { pageRows, usePages } from '../state/pages.ts';
import { at, goWith, search } from '../state/router.ts';
import './govern.css';

interface Decision {
  id: string; actor: string; at_ms: number; what: string; outcome: string; confidence: number | null; reasons: string[]; cursor: string;
  evidence: { kind: string; id: string }[]; policy: { id: string; version: string; rule: string } | null;
}
interface Verdict { ok: boolean; rows: number; head: string; firstBad?: { seq: number; reason: string } }

const filters = [
  { name: 'type', title: 'Agent', of: ({ actor }: Decision) => actor.split('/')[0]! },
  { name: 'what', title: 'About', of: ({ what }: Decision) => what },
  { name: 'outcome', title: 'Outcome', of: ({ outcome }: Decision) => outcome },
  { name: 'rule', title: 'Rule', of: ({ policy }: Decision) => policy?.rule },
  { name: 'version', title: 'Policy version', of: ({ policy }: Decision) => policy?.version },
] as const;

/** What `keelson find` calls some of them. */
const optionOf: Record<string, string> = { what: 'kind', outcome: 'state' };

const tones: Record<string, Tone> = { allow: 'good', approved: 'good', done: 'good', deny: 'bad', refused: 'bad', rejected: 'bad', failed: 'bad', ask: 'waiting', unknown: 'waiting' };

export function Audit(_: { params: Record<string, string> }) {
  const args = Object.fromEntries([...filters.map(({ name }) => name), 'actor'].flatMap((name) => (search.value.get(name) ? [[name, search.value.get(name)!]] : [])));
  const { rows, failure, isEnd, isOld, more, reload } = usePages((cursor) => query<Decision[]>('decisions', { ...args, limit: pageRows, ...(cursor === undefined ? {} : { cursor }) }), [args], ({ records }) => records.some(({ kind }) => kind === 'decision'));
  const flags = Object.entries(args).map(([name, value]) => ` --${optionOf[name] ?? name} ${quote(value)}`).join('');
  return (
    <Screen title="Audit" cli={`keelson find decision${flags}`} raw={queryPath('decisions', { ...args, limit: pageRows })}>
      <div class="cards"><Chain /><Export /></div>
      <h2>Decisions</h2>
      <form class="filters-row" aria-label="Filter decisions" onSubmit={(event) => event.preventDefault()}>
        {filters.map(({ name, title, of }) => (
          <label key={name}>{title}
            <input value={args[name] ?? ''} list={`seen-${name}`} placeholder="all" onChange={(event) => goWith({ [name]: event.currentTarget.value.trim() })} />
            <datalist id={`seen-${name}`}>{[...new Set((rows ?? []).map(of).filter((value) => value !== undefined))].map((value) => <option key={value} value={value} />)}</datalist>
          </label>
        ))}
        {Object.keys(args).length > 0 ? <button type="button" onClick={() => goWith(Object.fromEntries(Object.keys(args).map((name) => [name, null])))}>Show all</button> : null}
      </form>
      {failure ? <Failed failure={failure} /> : null}
      {isOld ? <p role="status"><button type="button" onClick={reload}>Something new was decided: show it</button></p> : null}
      {rows === undefined ? (failure ? null : <p class="faint">Loading …</p>) : rows.length === 0 ? (
        <Empty>{Object.keys(args).length > 0 ? 'No decision fits. Take a filter away.' : 'Nothing was decided yet. Hand in a mail, and each decision about it appears here.'}</Empty>
      ) : (
        <>
          <ol class="plain-list" aria-label="Decisions, newest first">{rows.map((row) => <Row key={row.id} row={row} />)}</ol>
          {isEnd ? <p class="faint">That is all.</p> : <p><button type="button" onClick={more}>Show older ones</button></p>}
        </>
      )}
    </Screen>
  );
}

function Row({ row: { id, actor, at_ms: atMs, what, outcome, confidence, reasons, evidence, policy } }: { row: Decision }) {
  return (
    <li>
      <div class="head-line">
        <Badge tone={tones[outcome] ?? 'plain'}><Revealed text={outcome} /></Badge>
        <strong><Revealed text={what} /></strong>
        <ActorLink address={actor} />
        <Time at={atMs} />
        {confidence === null ? null : <span class="faint">{Math.round(confidence * 100)} % sure</span>}
        <a href={at.why('decision', id)}>Why</a>
      </div>
      {reasons.map((reason, i) => <p key={i}><Revealed text={reason} /></p>)}
      {policy || evidence.length > 0 ? (
        <p class="faint">
          {policy ? <>Rule <a href={`/audit?rule=${encodeURIComponent(policy.rule)}`}><Revealed text={policy.rule} /></a>, version <a href={`/audit?version=${encodeURIComponent(policy.version)}`}><Revealed text={policy.version} /></a>{evidence.length > 0 ? '. ' : '.'}</> : null}
          {evidence.length > 0 ? <>From {evidence.map(({ kind, id: other }, i) => <span key={`${kind} ${other}`}>{i > 0 ? ', ' : ''}<LinkTo kind={kind} id={other} /></span>)}.</> : null}
        </p>
      ) : null}
    </li>
  );
}

function Chain() {
  return (
    <Task title="The chain" act="Verify the chain" running="Walking the chain" work={() => post<Verdict>('/api/audit/verify')} says={<>Everything that was written is chained by hashes. Verifying walks all of it: nothing was changed, taken out or cut off. The same as <code>keelson audit verify</code>.</>}>
      {({ ok, rows, head, firstBad }) => (ok ? (
        <p><Badge tone="good">whole</Badge> {rows.toLocaleString()} rows. The head is <code class="hash">{head}</code>: write it down elsewhere to notice a chain that was made anew.</p>
      ) : (
        <>
          <p><Badge tone="bad">broken</Badge> At row {firstBad?.seq}: <Revealed text={firstBad?.reason ?? ''} />.</p>
          <p>The database file was changed past the store. Keep a copy of it, then restore the newest backup that verifies: <code>keelson restore FILE</code>.</p>
        </>
      ))}
    </Task>
  );
}

function Export() {
  return (
    <Task title="Export" act="Export everything" running="Writing" work={() => post<{ exported: string; rows: number; files: number }>('/api/export')} says={<>All rows and documents in an open format, into a new folder of <code>exports/</code> in the company folder. It holds what people wrote too: erasing one of them deletes it. The same as <code>keelson export DIR</code>.</>}>
      {({ exported, rows, files }) => <p><Badge tone="good">exported</Badge> {rows.toLocaleString()} rows in {files.toLocaleString()} files: <code>{exported}</code></p>}
    </Task>
  );
}
