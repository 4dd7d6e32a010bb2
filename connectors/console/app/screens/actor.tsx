// One agent or run: its statechart as it is now or was at any step, what it waits for, what it understands, and every step it made.
import { useMemo, useState } from 'preact/hooks';
import { activeNodes, takenEdges } from '#machines/chart.ts';
import type { ShownActor, ShownStep } from '../../actor-routes.ts';
import type { LaidChart } from '../../chart-layout.ts';
import { Answering } from '../parts/answering.tsx';
import { Changes } from '../parts/actor-changes.tsx';
import { EventLog } from '../parts/actor-log.tsx';
import { NextEvents } from '../parts/actor-next.tsx';
import { Orders } from '../parts/actor-orders.tsx';
import { stateWords } from '../parts/actor-state.ts';
import { Decisions, Facts } from '../parts/actor-facts.tsx';
import { TimeBar } from '../parts/actor-time.tsx';
import { Chart, useChart } from '../parts/chart.tsx';
import { Badge, Failed, Loaded, Screen, StatusBadge } from '../parts/frame.tsx';
import { Json, Revealed } from '../parts/text.tsx';
import { get, newCommandId, post, type Failure } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at, go, goWith, search } from '../state/router.ts';
import { useFollowed, useSettled, useSteps, type Steps } from '../state/steps.ts';
import './actor.css';

/** While the slider moves only the chart and the log go along; the rest is asked for when it rests. */
const restMs = 150;

export function Actor({ params: { address = '' } }: { params: Record<string, string> }) {
  const log = useSteps(address);
  const made = useMemo(() => log.steps.filter(({ rev }) => rev !== null), [log.steps]);
  const followed = useFollowed(made.length, log.isComplete, address);
  const wanted = search.value.get('at');
  const found = wanted === null ? -1 : made.findIndex(({ rev }) => rev === Number(wanted));
  const isNow = wanted === null;
  const index = isNow ? followed : found;

  const path = `/api/actors/${encodeURIComponent(address)}`;
  const asked = useSettled(wanted, restMs);
  const live = useLive(() => get<ShownActor>(path), [address], ({ actor }) => actor === address);
  const past = useLive(() => (asked === null ? Promise.resolve(null) : get<ShownActor>(`${path}?at=${encodeURIComponent(asked)}`)), [address, asked]);
  // Erased meanwhile, or another one's: nothing of it stays on the page.
  const actor = live.failure?.code === 'NOT_FOUND' || live.data?.address !== address ? undefined : live.data;
  const then = past.data?.address === address && past.data.rev === Number(wanted) ? past.data : null;
  const show = (rev: number | null) => goWith({ at: rev === null ? null : String(rev) });
  return (
    <Screen title={address} cli={`keelson show ${quoted(address)}${isNow ? '' : ` --at ${wanted}`}`} raw={`${path}${isNow ? '' : `?at=${encodeURIComponent(wanted)}`}`} actions={actor && isNow ? <><a href={at.why('actor', address)}>Why?</a><Orders actor={actor} /></> : null}>
      {actor && !isNow ? <p><Badge tone="waiting">as it was after revision {wanted}</Badge> <ForkButton address={address} rev={wanted} /></p> : null}
      {isNow || !past.failure ? null : <Failed failure={past.failure} />}
      <Loaded live={{ ...live, data: actor }}>{(now) => <Shown actor={isNow ? now : (then ?? now)} isThere={isNow || then !== null} log={log} made={made} index={index} wanted={wanted} onShow={show} />}</Loaded>
    </Screen>
  );
}

/** `isThere`: `actor` is of the moment that is shown, not of another one. */
interface ShownProps { actor: ShownActor; isThere: boolean; log: Steps; /** The steps with a revision. */ made: readonly ShownStep[]; index: number; wanted: string | null; onShow(rev: number | null): void }

function Shown({ actor, isThere, log, made, index, wanted, onShow }: ShownProps) {
  const chart = useChart(actor.key);
  const isNow = wanted === null;
  const step = made[index];
  return (
    <>
      <Summary actor={actor} step={step} />
      <Answering address={actor.address} />
      {log.failure ? <Failed failure={log.failure} /> : null}
      <div class="actor-main">
        <section aria-label="Statechart" class="actor-chart">
          {log.isComplete && !isNow && !step ? <p class="faint">There is no revision {wanted}. <button type="button" onClick={() => onShow(null)}>Back to now</button></p> : null}
          <TimeBar steps={made} index={index} isNow={isNow} onShow={(place) => onShow(place === null ? null : (made[place]?.rev ?? null))} />
          {actor.known ? <Loaded live={chart}>{(laid) => <Chart laid={laid} active={activeNodes(laid.chart, step ? step.value : actor.value)} taken={step ? takenBy(laid.chart, step) : []} label={`Statechart of ${actor.address}`} />}</Loaded> : null}
        </section>
        <section class="actor-log">
          <h2>Event log</h2>
          <EventLog steps={log.steps} shown={step ? log.steps.indexOf(step) : -1} onShow={({ rev }) => onShow(rev)} />
        </section>
      </div>
      <div class="split">
        <div>
          {isNow ? <NextEvents key={actor.address} actor={actor} /> : null}
          <h2>{isNow ? 'What the last step changed' : 'What this step changed'}</h2>
          {!isThere ? <p class="faint">…</p> : actor.changes ? <Changes changes={actor.changes} /> : <p class="faint">{isNow ? 'Move the slider to see it.' : 'What was before cannot be computed any more.'}</p>}
          <h2>Data</h2>
          {isThere ? <Json value={actor.context} /> : <p class="faint">…</p>}
          {!isThere || actor.output === null ? null : <><h2>Output</h2><Json value={actor.output} /></>}
          {!isThere || actor.error === null ? null : <><h2>Error</h2><Json value={actor.error} /></>}
        </div>
        <div>
          {isThere ? <Facts actor={actor} chart={chart.data?.chart} /> : null}
          <Decisions address={actor.address} />
        </div>
      </div>
    </>
  );
}

/** What the host itself says is no event of the chart. */
const hostWords = new Set(['start', 'timer', 'done', 'error', 'stop', 'next', 'version', 'fork', 'gone', 'parked']);
const takenBy = (chart: LaidChart['chart'], { taken, event }: ShownStep) => takenEdges(chart, taken, hostWords.has(event) ? undefined : event);

const quoted = (text: string) => (/^[\w/.~@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function Summary({ actor: { status, held, dryRun, deeds, key, known, asks }, step }: { actor: ShownActor; step: ShownStep | undefined }) {
  const forYou = Object.keys(asks).length > 0 || held?.by === 'operator' || held?.by === 'failure';
  const state = stateWords(step?.value ?? null);
  return (
    <>
      <p class="toolbar">
        <StatusBadge status={status} waitsForYou={forYou && deeds.length > 0} />
        {state === '' ? null : <Badge tone="plain"><Revealed text={state} /></Badge>}
        {held?.by === 'operator' ? <Badge tone="waiting">paused</Badge> : null}
        {held?.by === 'failure' ? <Badge tone="bad">failed and held</Badge> : null}
        {held?.by === 'version' ? <Badge tone="bad">held: no machine that fits</Badge> : null}
        <a href={at.machine(key)}>{key}</a>
        {dryRun ? <span><Badge tone="waiting">dry run</Badge> a fork of <a href={`${at.actor(dryRun.of)}?at=${dryRun.rev}`}>{dryRun.of} at revision {dryRun.rev}</a>: nothing leaves it</span> : null}
      </p>
      {held && held.reason !== '' ? <p class="failure"><Revealed text={held.reason} />{held.waiting.length > 0 ? ` · ${held.waiting.length} wait for it` : ''}</p> : null}
      {known ? null : <p class="failure">This build has no machine {key}: it stays as it is until a build has it, and its past cannot be computed. Its log can be read.</p>}
    </>
  );
}

function ForkButton({ address, rev }: { address: string; rev: string }) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const fork = async () => {
    try {
      const forked = await post<{ address: string }>('/api/fork', { actor: address, at: Number(rev), commandId: newCommandId() });
      go(at.actor(forked.address));
    } catch (error) {
      setFailure(error as Failure);
    }
  };
  return (
    <>
      <button type="button" onClick={() => void fork()}>Fork from here</button> <span class="faint">A dry run of its own, made of what it was: nothing leaves it.</span>
      {failure ? <Failed failure={failure} /> : null}
    </>
  );
}
