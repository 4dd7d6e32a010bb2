// A run as bars, one below the other: what went on when, and what waited for you. Each bar is a button; the arrows and j, k move.
import type { Span, Trace } from '../../trace.ts';
import { useKeys } from '../state/keys.ts';
import { lengthOf } from './length.ts';
import { Revealed } from './text.tsx';
import { merge, timeScale, type Scale, type Stretch } from './time-scale.ts';
import './waterfall.css';

const kinds = { actor: '', stage: 'stage', job: 'job' } as const;

export function Waterfall({ trace, selected, onSelect }: { trace: Trace; selected: string; onSelect(id: string): void }) {
  const { spans, startMs, endMs, atMs } = trace;
  const toMs = Math.max(endMs ?? atMs, startMs + 1, ...spans.map((span) => span.endMs ?? atMs));
  const waits = merge(spans.filter(({ kind }) => kind === 'actor').flatMap((one) => one.waits.map((wait) => ({ fromMs: wait.fromMs, toMs: wait.toMs ?? atMs }))));
  const place = timeScale({ fromMs: startMs, toMs }, waits);
  const move = (by: number) => {
    const next = spans[Math.min(spans.length - 1, Math.max(0, spans.findIndex(({ id }) => id === selected) + by))];
    if (!next) return;
    onSelect(next.id);
    document.getElementById(`bar-${next.id}`)?.focus();
  };
  useKeys([{ keys: 'j', does: 'next bar', run: () => move(1) }, { keys: 'k', does: 'bar before', run: () => move(-1) }], [spans, selected]);
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    move(by);
  };
  return (
    <div class="waterfall">
      <ol aria-label="What went on, in the order in which it began" onKeyDown={onKeyDown}>
        {spans.map((span) => <li key={span.id}><Bar span={span} waits={waitsWithin(spans, span, atMs)} trace={trace} place={place} isSelected={span.id === selected} onSelect={onSelect} /></li>)}
      </ol>
      <p class="faint legend"><span class="sample work" aria-hidden="true" /> work <span class="sample wait" aria-hidden="true" /> waits for you <span class="sample failed" aria-hidden="true" /> failed · ◆ a decision{place.isSqueezed ? ' · waits are drawn shorter than they were' : ''}</p>
    </div>
  );
}

/** Its own waits and those of what belongs to it, which follows it. */
function waitsWithin(spans: readonly Span[], span: Span, atMs: number): (Stretch & { isOpen: boolean })[] {
  const from = spans.indexOf(span);
  const end = spans.findIndex(({ depth }, i) => i > from && depth <= span.depth);
  const own = spans.slice(from, end === -1 ? undefined : end).flatMap(({ waits }) => waits);
  const isOpen = own.some(({ toMs }) => toMs === null);
  return merge(own.map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs ?? atMs }))).map((stretch) => ({ ...stretch, isOpen: isOpen && stretch.toMs === atMs }));
}

function Bar({ span, waits, trace, place, isSelected, onSelect }: { span: Span; waits: readonly (Stretch & { isOpen: boolean })[]; trace: Trace; place: Scale; isSelected: boolean; onSelect(id: string): void }) {
  const end = span.endMs ?? trace.atMs;
  const isOpen = span.endMs === null;
  const decisions = span.kind === 'actor' && trace.spans.some((one) => one.kind === 'stage' && one.actor === span.actor) ? [] : trace.decisions.filter(({ id }) => span.decisions.includes(id));
  const waiting = waits.some((wait) => wait.isOpen);
  const words = [waiting ? 'waits for you' : isOpen ? 'under way' : lengthOf(end - span.startMs), span.status === 'error' ? 'failed' : '', span.tries.length > 1 ? `${span.tries.length} tries` : ''].filter((word) => word !== '').join(', ');
  const part = (fromMs: number, toMs: number, kind: string) => <span class={`part ${kind}`} style={{ left: `${place(fromMs)}%`, width: `max(3px, ${place(toMs) - place(fromMs)}%)` }} />;
  return (
    <button type="button" id={`bar-${span.id}`} class={`bar ${span.kind}`} aria-pressed={isSelected} onClick={() => onSelect(span.id)}>
      <span class="name" style={{ paddingLeft: `${Math.min(span.depth, 8) * 12}px` }}>{kinds[span.kind] === '' ? null : <span class="faint">{kinds[span.kind]} </span>}<Revealed text={span.name} /></span>
      <span class="track" aria-hidden="true">
        {part(span.startMs, end, span.status === 'error' ? 'failed' : 'work')}
        {waits.map((wait) => part(wait.fromMs, wait.toMs, 'wait'))}
        {span.tries.filter(({ againMs }) => againMs !== null).map(({ atMs }) => <span class="mark" style={{ left: `${place(atMs)}%` }}>↻</span>)}
        {decisions.map(({ id, atMs }) => <span key={id} class="mark" style={{ left: `${place(atMs)}%` }}>◆</span>)}
      </span>
      <span class="length">{words}</span>
    </button>
  );
}
