// All that is known of one bar of a run: when, what it waited for, what was tried, decided, sent and written.
import type { Span, Trace } from '../../trace.ts';
import type { DecisionRow, Operation } from '../../trace-rows.ts';
import { at } from '../state/router.ts';
import { Badge, StatusBadge } from './frame.tsx';
import { lengthOf, micros, money } from './length.ts';
import { Json, Revealed } from './text.tsx';
import { Time } from './time.tsx';
import { WouldHave } from './would.tsx';

export function SpanDetail({ span, trace, onRerun }: { span: Span; trace: Trace; onRerun(span: Span): void }) {
  const decisions = trace.decisions.filter(({ id }) => span.decisions.includes(id));
  const canRerun = span.kind === 'stage' && span.rev > 0 && trace.dryRun === null;
  return (
    <section class="card span-detail" aria-label="The bar that is selected">
      <h2 style={{ marginTop: 0 }}><Revealed text={span.name} /></h2>
      <dl class="pairs">
        <dt>What it is</dt><dd>{span.kind === 'actor' ? `an agent, ${span.machine}` : span.kind === 'stage' ? 'a stage' : 'a job'}</dd>
        <dt>State</dt><dd>{span.kind === 'actor' ? <><StatusBadge status={span.status} waitsForYou={span.waits.some(({ toMs }) => toMs === null)} /> </> : null}<Revealed text={span.state} /></dd>
        <dt>Began</dt><dd><Time at={span.startMs} /></dd>
        <dt>{span.endMs === null ? 'So far' : 'Took'}</dt><dd>{lengthOf((span.endMs ?? trace.atMs) - span.startMs)}{span.endMs === null ? ', and goes on' : ''}</dd>
        <dt>Agent</dt><dd><a href={`${at.actor(span.actor)}${span.kind === 'stage' ? `?at=${span.rev}` : ''}`}>{span.kind === 'stage' ? 'its statechart at this moment' : 'its statechart, live'}</a></dd>
        {span.error ? <><dt>Failed</dt><dd><Revealed text={span.error} /></dd></> : null}
      </dl>
      {canRerun ? <p><button type="button" onClick={() => onRerun(span)}>Try this stage again (dry run)</button></p> : null}
      {span.waits.length > 0 ? <><h3>Waited for you</h3><ul>{span.waits.map((wait) => <li key={`${wait.item} ${wait.fromMs}`}><a href={at.item(wait.item)}><Revealed text={wait.summary || wait.item} /></a> <span class="faint">{wait.toMs === null ? `since ${lengthOf(trace.atMs - wait.fromMs)}` : lengthOf(wait.toMs - wait.fromMs)}</span></li>)}</ul></> : null}
      {span.tries.length > 1 || span.tries.some(({ error }) => error !== null) ? <><h3>Tries</h3><ul>{span.tries.map(({ n, atMs, error, againMs }) => <li key={n}>{n}. <Time at={atMs} />: {error === null ? 'it came back' : <Revealed text={error} />}{againMs === null ? null : <span class="faint"> · again after {lengthOf(againMs - atMs)}</span>}</li>)}</ul></> : null}
      {span.operation ? <OperationDetail operation={span.operation} /> : null}
      {decisions.length > 0 ? <><h3>Decisions</h3><ul>{decisions.map((decision) => <DecisionLine key={decision.id} decision={decision} />)}</ul></> : null}
      {span.documents.length > 0 ? <><h3>Documents</h3><ul>{span.documents.map(({ id, version, kind }) => <li key={`${id}@${version}`}><a href={at.artifact(id)}><Revealed text={id} /></a> <span class="faint">{kind}, version {version}</span></li>)}</ul></> : null}
      {span.messages.length > 0 ? (
        <>
          <h3>Messages it took</h3>
          <ul>{span.messages.map(({ rev, atMs, from, what, outcome, note, would }) => (
            <li key={rev}><Revealed text={what} />{from ? <span class="faint"> from <Revealed text={from} /></span> : null} <span class="faint">{lengthOf(atMs - trace.startMs)} in{outcome === 'applied' ? '' : `, ${outcome}`}{note ? <>: <Revealed text={note} /></> : null}</span>{would ? <WouldHave would={would} /> : null}</li>
          ))}</ul>
        </>
      ) : null}
    </section>
  );
}

function DecisionLine({ decision: { id, what, outcome, confidence, policy, model, costMicros, reasons } }: { decision: DecisionRow }) {
  return (
    <li>
      <strong><Revealed text={`${what}: ${outcome}`} /></strong> {confidence === null ? null : <span class="faint">sure {confidence.toFixed(2)}</span>} <a href={at.why('decision', id)}>why</a>
      {reasons.length > 0 ? <div><Revealed text={reasons[0]!} /></div> : null}
      {policy ? <div class="faint">rule <Revealed text={`${policy.rule} of ${policy.id}@${policy.version}`} /></div> : null}
      {model ? <div class="faint">model <Revealed text={model} />, {costMicros === null ? 'its price is not known' : micros(costMicros)}</div> : null}
    </li>
  );
}

function OperationDetail({ operation: { action, mode, providerRef, outcome, done, reason, payload, money: sum, dispatches } }: { operation: Operation }) {
  const hasEnded = done !== null || dispatches > 0;
  return (
    <>
      <h3>What leaves</h3>
      <dl class="pairs">
        <dt>Action</dt><dd><Revealed text={action} /> {mode === 'dry-run' ? <Badge tone="waiting">dry run</Badge> : null}</dd>
        {sum ? <><dt>Money</dt><dd>{money(sum.amountMinor, sum.currency)} to <Revealed text={sum.payee} /></dd></> : null}
        <dt>Outcome</dt><dd>{hasEnded ? <Revealed text={`${outcome}${reason ? `: ${reason}` : ''}`} /> : 'nothing has left yet'}</dd>
        {providerRef ? <><dt>The provider calls it</dt><dd><Revealed text={providerRef} /></dd></> : null}
      </dl>
      <details><summary>Exactly what</summary><Json value={payload} /></details>
    </>
  );
}
