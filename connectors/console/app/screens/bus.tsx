// What passes on the bus, as it passes, and what could not be applied.
import { useEffect, useRef, useState } from 'preact/hooks';
import { isSubjectFilter } from '#machines/subjects.ts';
import type { Watched, WatchedBundle } from '../../bus-watch.ts';
import { Badge, Empty, Failed, Screen } from '../parts/frame.tsx';
import { Revealed } from '../parts/text.tsx';
import { post, queryPath, type Failure } from '../state/api.ts';
import { useKeys } from '../state/keys.ts';
import { goWith, search } from '../state/router.ts';
import { connection, onEvent } from '../state/stream.ts';
import { Body, sizeOf } from './bus-body.tsx';
import { Parked } from './bus-parked.tsx';
import './bus.css';

const shownMax = 500;
const watchMs = 30_000;
/** Messages to actors, without the heartbeats of hosts. */
const usual = 'msg.>';

interface Row extends Watched { n: number }
interface Seen { rows: Row[]; total: number; told: number }
const nothing: Seen = { rows: [], total: 0, told: 0 };

export function BusScreen(_: { params: Record<string, string> }) {
  return (
    <Screen title="Bus" cli="keelson parked" raw={queryPath('parkedPage')}>
      <Live filter={search.value.get('filter') ?? usual} />
      <Parked />
    </Screen>
  );
}

/** Newest first. While it is paused nothing is heard. */
function useWatch(filter: string, isPaused: boolean): { seen: Seen; failure: Failure | null; clear(): void } {
  const [seen, setSeen] = useState(nothing);
  const [failure, setFailure] = useState<Failure | null>(null);
  const made = useRef(0);
  // A server that was started again has forgotten who watched.
  const isLost = connection.value === 'lost';
  useEffect(() => setSeen(nothing), [filter]);
  useEffect(() => {
    if (isPaused || isLost || !isSubjectFilter(filter)) return;
    /** Of the watch on the server: another page may have begun it before. */
    let begun: { since: number; total: number } | null = null;
    const ask = () => void post<{ since: number; total: number }>('/api/bus/watch', { filter, forMs: watchMs * 2 }).then((answer) => {
      if (begun?.since !== answer.since) begun = { since: answer.since, total: answer.total };
      setFailure(null);
    }, setFailure);
    ask();
    const timer = setInterval(ask, watchMs);
    const stop = onEvent<WatchedBundle>('bus', ({ filter: of, since, total, passed }) => {
      if (of !== filter) return;
      if (begun?.since !== since) begun = { since, total: total - passed.length };
      const rows = passed.map((one) => ({ ...one, n: made.current++ })).toReversed();
      const [more, to] = [total - begun.total, total];
      begun.total = to;
      setSeen((before) => ({ rows: [...rows, ...before.rows].slice(0, shownMax), total: before.total + more, told: before.told + rows.length }));
    });
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [filter, isPaused, isLost]);
  return { seen, failure, clear: () => setSeen(nothing) };
}

function Live({ filter }: { filter: string }) {
  const [isPaused, setPaused] = useState(false);
  const [written, setWritten] = useState(filter);
  const input = useRef<HTMLInputElement>(null);
  const { seen, failure, clear } = useWatch(filter, isPaused);
  const isRight = isSubjectFilter(written);
  useEffect(() => setWritten(filter), [filter]);
  useKeys([{ keys: 'p', does: 'pause or go on', run: () => setPaused((was) => !was) }, { keys: '/', does: 'filter', run: () => input.current?.focus() }, { keys: 'x', does: 'clear', run: clear }], []);
  const left = seen.total - seen.told;
  return (
    <section aria-labelledby="bus-live">
      <h2 id="bus-live">What passes now</h2>
      <form class="toolbar bus-tools" onSubmit={(event) => { event.preventDefault(); if (isRight) goWith({ filter: written === usual ? null : written }); }}>
        <label>Subject<input ref={input} class="bus-filter" value={written} aria-invalid={!isRight} aria-describedby="bus-help" spellcheck={false} autocapitalize="off" list="bus-filters" onInput={(event) => setWritten(event.currentTarget.value.trim())} /></label>
        <datalist id="bus-filters">{['msg.>', '>', 'msg.operation.>', 'msg.*.*.operator.>', 'applied.>', 'job.*', 'changes', 'hosts'].map((one) => <option key={one} value={one} />)}</datalist>
        <button type="submit" disabled={!isRight || written === filter}>Filter</button>
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>{isPaused ? 'Go on' : 'Pause'}</button>
        <button type="button" onClick={clear} disabled={seen.rows.length === 0}>Clear</button>
        <span>{isPaused ? <Badge tone="waiting">paused</Badge> : isSubjectFilter(filter) && !failure && connection.value !== 'lost' ? <Badge tone="busy">listening</Badge> : null}</span>
      </form>
      <p id="bus-help" class="faint">{isRight ? 'Words with dots between them, below the company\'s own subject. * stands for one word, > at the end for all that follow.' : 'This is no filter: write words with dots between them, * for one word, > only at the end.'}</p>
      {failure ? <Failed failure={failure} /> : null}
      <p class="faint">{seen.total === 0 ? '' : `${seen.total.toLocaleString()} passed`}{seen.rows.length < seen.told ? `; the newest ${shownMax} are shown` : ''}{left > 0 ? `; ${left.toLocaleString()} came too fast to be shown` : ''}</p>
      {seen.rows.length === 0 ? <Empty>{isPaused ? 'Paused. Go on to hear what passes.' : <>Nothing passed yet. Messages show here at the moment they are sent; approve something in the <a href="/inbox">inbox</a>, or choose another subject.</>}</Empty> : <List rows={seen.rows} />}
    </section>
  );
}

function List({ rows }: { rows: Row[] }) {
  return (
    <ol class="bus-rows" aria-label="Messages, newest first" tabIndex={0}>
      {rows.map((row) => <Message key={row.n} row={row} />)}
    </ol>
  );
}

function Message({ row: { at, subject, id, from, type, bytes, ...body } }: { row: Row }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <time dateTime={new Date(at).toISOString()}>{timeOf(at)}</time>
          <span class="bus-subject"><Revealed text={subject} /></span>
          <span class="bus-type">{type ? <Revealed text={type} /> : <span class="faint">no type</span>}</span>
          <span class="bus-from">{from ? <Revealed text={from} /> : <span class="faint">no sender</span>}</span>
          <span class="bus-size">{sizeOf(bytes)}</span>
        </summary>
        {isOpen ? (
          <>
            <dl class="pairs"><dt>Id</dt><dd>{id ? <Revealed text={id} /> : 'none'}</dd><dt>Sender</dt><dd>{from ? <Revealed text={from} /> : 'none'}</dd></dl>
            <Body {...body} bytes={bytes} />
          </>
        ) : null}
      </details>
    </li>
  );
}

/** Of the day, here: 14:03:09.120. */
function timeOf(at: number): string {
  const time = new Date(at);
  const two = (part: number) => String(part).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}
