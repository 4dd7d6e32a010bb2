// Beside the chart of an actor: what it waits for, its deadlines, who started it, what it started, and what it decided.
import type { Chart } from '#machines/chart.ts';
import type { ShownActor } from '../../actor-routes.ts';
import { query, queryPath } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at } from '../state/router.ts';
import { Badge, Loaded } from './frame.tsx';
import { Revealed } from './text.tsx';
import { Time } from './time.tsx';

export function Facts({ actor, chart }: { actor: ShownActor; chart: Chart | undefined }) {
  const { asks, waitingFor, since, rev, newest, parent, children, address } = actor;
  const items = Object.entries(asks);
  return (
    <section>
      <h2>Where it stands</h2>
      <dl class="pairs">
        <dt>Since</dt><dd><Time at={since} />, revision {rev}{rev < newest ? ` of ${newest}` : ''}</dd>
        {items.length > 0 ? <><dt>Asks you</dt><dd>{items.map(([id, kind]) => <div key={id}><a href={at.item(id)}>{kind}: {id}</a></div>)}</dd></> : waitingFor === '' ? null : <><dt>Waits for</dt><dd><Revealed text={waitingFor} /></dd></>}
        {parent ? <><dt>Started by</dt><dd><a href={at.actor(parent.address)}><Revealed text={parent.address} /></a></dd></> : null}
        <dt>As a trace</dt><dd><a href={at.run(address)}>what it started, in time</a></dd>
      </dl>
      <Deadlines actor={actor} chart={chart} />
      {Object.keys(children).length > 0 ? (
        <>
          <h3>Started by it</h3>
          <ul class="plain">{Object.entries(children).map(([name, { kind, src, address: to, settled }]) => (
            <li key={name}>{kind === 'machine' ? <a href={at.actor(to)}><Revealed text={to} /></a> : <>job <code>{src}</code></>} {settled ? <Badge tone="good">has answered</Badge> : <Badge tone="busy">runs</Badge>}</li>
          ))}</ul>
        </>
      ) : null}
    </section>
  );
}

function Deadlines({ actor: { timers, held }, chart }: { actor: ShownActor; chart: Chart | undefined }) {
  const all = Object.entries(timers).toSorted(([, a], [, b]) => a.dueMs - b.dueMs);
  if (all.length === 0) return null;
  const words = (type: string) => chart?.edges.find(({ event }) => event === type)?.label ?? type.replace(/^xstate\.after\./, 'after ');
  return (
    <>
      <h3>Deadlines{held ? ' (they wait while it is held)' : ''}</h3>
      <ul class="plain">{all.map(([name, { dueMs, event, to }]) => <li key={name}><strong><Time at={dueMs} /></strong> {words(event.type)}{to ? <> to <a href={at.actor(to)}>{to}</a></> : null}</li>)}</ul>
    </>
  );
}

interface Decided { id: string; what: string; outcome: string; confidence: number | null; at_ms: number }
const decisionsMax = 50;

export function Decisions({ address }: { address: string }) {
  const asked = { actor: address, limit: decisionsMax };
  const live = useLive(() => query<Decided[]>('decisions', asked), [address], ({ actor, records }) => actor === address && records.some(({ kind }) => kind === 'decision'));
  return (
    <section>
      <h2>What it decided</h2>
      <Loaded live={live}>{(decisions) => decisions.length === 0 ? <p class="faint">Nothing.</p> : (
        <>
          <ul class="plain">{decisions.map(({ id, what, outcome, confidence, at_ms: atMs }) => (
            <li key={id}><a href={at.why('decision', id)}>{what}: <Revealed text={outcome} /></a> <span class="faint">{confidence === null ? '' : `${Math.round(confidence * 100)} % sure · `}<Time at={atMs} /></span></li>
          ))}</ul>
          {decisions.length === decisionsMax ? <p class="faint">The newest {decisionsMax}. <a href={queryPath('decisions', { actor: address, limit: 1_000 })}>More, as JSON</a></p> : null}
        </>
      )}</Loaded>
    </section>
  );
}
