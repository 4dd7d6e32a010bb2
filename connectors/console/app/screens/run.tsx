// One run: its waterfall, what is known of each bar, a stage tried again, and two runs side by side.
import { useRef, useState } from 'preact/hooks';
import type { Rerun } from '../../trace-routes.ts';
import type { Span, Trace } from '../../trace.ts';
import { Answering } from '../parts/answering.tsx';
import { Compare } from '../parts/compare.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Badge, Loaded, Screen, StatusBadge } from '../parts/frame.tsx';
import { lengthOf, micros } from '../parts/length.ts';
import { RunActions } from '../parts/run-actions.tsx';
import { SpanDetail } from '../parts/span-detail.tsx';
import { Revealed } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { Waterfall } from '../parts/waterfall.tsx';
import { WouldHave } from '../parts/would.tsx';
import { get, newCommandId, post } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at, goWith, search } from '../state/router.ts';

const tracePath = (address: string) => `/api/traces/${encodeURIComponent(address)}`;

export function Run({ params: { address = '' } }: { params: Record<string, string> }) {
  const mine = useRef<ReadonlySet<string>>(new Set([address]));
  // What an agent of the run did, and the results of its jobs.
  const live = useLive<Trace>(() => get(tracePath(address)), [address], ({ actor, id }) => mine.current.has(actor) || mine.current.has(id.split('#')[0]!));
  if (live.data) mine.current = new Set(live.data.spans.map((span) => span.actor));
  const other = search.value.get('with');
  const title = live.data?.title || address;
  return (
    <Screen title={title} cli={`keelson history ${address}`} raw={tracePath(address)} actions={live.data ? <RunActions trace={live.data} /> : null}>
      <Answering address={address} />
      <Loaded live={live}>{(trace) => (other ? <Compared trace={trace} other={other} /> : <Shown trace={trace} />)}</Loaded>
    </Screen>
  );
}

function Shown({ trace }: { trace: Trace }) {
  const [asked, setAsked] = useState<Span | null>(null);
  const [rerun, setRerun] = useState<Rerun | null>(null);
  const wanted = search.value.get('bar');
  const select = (id: string) => {
    goWith({ bar: id });
    // On a phone what is known of it stands below everything.
    if (matchMedia('(max-width: 700px)').matches) document.querySelector('.span-detail')?.scrollIntoView({ block: 'start' });
  };
  const selected = trace.spans.find(({ id }) => id === wanted) ?? trace.spans.find(({ waits }) => waits.some(({ toMs }) => toMs === null)) ?? trace.spans[0]!;
  return (
    <>
      <Summary trace={trace} />
      {rerun ? (
        <section class="card" role="status">
          <h2 style={{ marginTop: 0 }}>The stage was tried again, as a dry run</h2>
          <p>It stands at <strong><Revealed text={typeof rerun.value === 'string' ? rerun.value : JSON.stringify(rerun.value)} /></strong>. Nothing left, nothing was recorded for the company. <a href={at.run(rerun.address)}>Look at the dry run</a> or <a href={at.actor(rerun.address)}>send it events</a>.</p>
          {rerun.would ? <WouldHave would={rerun.would} /> : <p>It would have asked for nothing.</p>}
        </section>
      ) : null}
      <div class="split">
        <Waterfall trace={trace} selected={selected.id} onSelect={select} />
        <SpanDetail span={selected} trace={trace} onRerun={setAsked} />
      </div>
      {trace.forks.length > 0 ? <><h2>Dry runs of it</h2><ul>{trace.forks.map((fork) => <li key={fork.address}><a href={at.run(fork.address)}><Revealed text={fork.address} /></a> <span class="faint">from revision {fork.at}, <Time at={fork.updatedMs} /></span></li>)}</ul></> : null}
      {asked ? (
        <Dialog title={`Try “${asked.name}” again?`} act="Try it (dry run)" onClose={() => setAsked(null)} onDone={async () => setRerun(await post<Rerun>(`${tracePath(asked.actor)}/rerun`, { rev: asked.rev, commandId: newCommandId() }))}>
          <p>A copy of the agent is made as it was before this stage, and gets what led into the stage. You see what this build does with it.</p>
          <p>It is a dry run: nothing leaves, nobody is told, nothing is recorded but the copy. What it would have done is listed.</p>
        </Dialog>
      ) : null}
    </>
  );
}

function Summary({ trace: { status, state, startMs, endMs, atMs, waitingMs, workMs, waitsForYou, cost, machine, dryRun, gone, isCut } }: { trace: Trace }) {
  return (
    <>
      {dryRun ? <p><Badge tone="waiting">dry run</Badge> made of <a href={at.run(dryRun.of)}><Revealed text={dryRun.of} /></a> at revision {dryRun.rev}. Nothing leaves it.</p> : null}
      <dl class="pairs run-summary">
        <dt>State</dt><dd><StatusBadge status={status} waitsForYou={waitsForYou} /> <Revealed text={state} /> <span class="faint">{machine}</span></dd>
        <dt>Began</dt><dd><Time at={startMs} /></dd>
        <dt>Time</dt><dd>{lengthOf((endMs ?? atMs) - startMs)}{endMs === null ? ' so far' : ''}: {lengthOf(workMs)} of work, {lengthOf(waitingMs)} waiting for you</dd>
        <dt>Cost</dt><dd>{cost.modelCalls === 0 ? 'no model was asked' : `${micros(cost.micros)} for ${cost.modelCalls} answers of a model${cost.unknownPrices > 0 ? `; the price of ${cost.unknownPrices} is not known` : ''}`}</dd>
      </dl>
      {gone > 0 ? <p class="faint">The words of {gone} steps are gone: they were erased or are too old. Times and decisions are still here.</p> : null}
      {isCut ? <p class="faint">This run is too large to be shown as a whole; its first part is.</p> : null}
    </>
  );
}

function Compared({ trace, other }: { trace: Trace; other: string }) {
  const live = useLive(() => get<Trace>(tracePath(other)), [other]);
  return (
    <>
      <p class="toolbar"><button type="button" onClick={() => goWith({ with: null })}>Back to this run alone</button></p>
      <Loaded live={live}>{(second) => <Compare first={trace} second={second} />}</Loaded>
    </>
  );
}
