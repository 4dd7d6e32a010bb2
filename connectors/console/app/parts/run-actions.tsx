// What can be done with a run: look at it live, compare it, begin it once more.
import { useState } from 'preact/hooks';
import type { RunPage } from '../../trace-routes.ts';
import type { Trace } from '../../trace.ts';
import { get, newCommandId, post, query } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at, go, goWith } from '../state/router.ts';
import { Dialog } from './dialog.tsx';
import { Empty, Loaded } from './frame.tsx';
import { Revealed } from './text.tsx';
import { Time } from './time.tsx';

export function RunActions({ trace }: { trace: Trace }) {
  const [asked, setAsked] = useState<'again' | 'compare' | null>(null);
  return (
    <>
      <a href={at.actor(trace.address)}>Live statechart</a>
      <button type="button" onClick={() => setAsked('compare')}>Compare</button>
      {trace.hasInput && trace.dryRun === null ? <button type="button" onClick={() => setAsked('again')}>Run again</button> : null}
      {asked === 'again' ? <Again trace={trace} onClose={() => setAsked(null)} /> : null}
      {asked === 'compare' ? <Choose trace={trace} onClose={() => setAsked(null)} /> : null}
    </>
  );
}

interface Started { body: { message?: { kind: string; machine?: string; input?: unknown } } | null }

/** The input is read when it is needed: it may be long. */
function Again({ trace: { address, machine }, onClose }: { trace: Trace; onClose(): void }) {
  const [commandId] = useState(newCommandId);
  const send = async () => {
    const [first] = await query<Started[]>('history', { address, limit: 1 });
    const told = await post<{ address: string }>('/api/runs', { machine, input: first?.body?.message?.input ?? {}, commandId });
    go(at.run(told.address));
  };
  return (
    <Dialog title="Run it again?" act="Run again" onDone={send} onClose={onClose}>
      <p>A new run of {machine} begins with the same input. It is a real run: it may ask you, record and, when you approve, send. What it records anew stands beside what the first run recorded.</p>
    </Dialog>
  );
}

function Choose({ trace, onClose }: { trace: Trace; onClose(): void }) {
  const [chosen, setChosen] = useState('');
  const type = trace.machine.split('@')[0]!;
  const live = useLive(() => get<RunPage>(`/api/traces?machine=${encodeURIComponent(type)}&limit=50`), [type]);
  const choose = () => {
    goWith({ with: chosen, bar: null }, { replace: false });
    return Promise.resolve();
  };
  return (
    <Dialog title="Compare with which run?" act="Compare" isReady={chosen !== ''} onDone={choose} onClose={onClose}>
      <Loaded live={live}>{({ runs }) => {
        const others = [...trace.forks.map((fork) => ({ address: fork.address, title: 'dry run of this one', startedMs: fork.updatedMs })), ...runs].filter((run) => run.address !== trace.address);
        if (others.length === 0) return <Empty>There is no other run of {type} yet.</Empty>;
        return <fieldset class="choices"><legend>Runs of {type}, newest first</legend>{others.map((run) => <label key={run.address}><input type="radio" name="with" checked={run.address === chosen} onChange={() => setChosen(run.address)} /> <Revealed text={run.title || run.address} /> <span class="faint"><Time at={run.startedMs} /></span></label>)}</fieldset>;
      }}</Loaded>
    </Dialog>
  );
}
