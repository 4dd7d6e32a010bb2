// The event log of an actor, oldest first. Only what is in sight is in the page, so a long one costs no more than a short one.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ShownStep } from '../../actor-routes.ts';
import { stateWords } from './actor-state.ts';
import { Revealed } from './text.tsx';

const rowHeight = 46;
const spare = 6;

/** `shown`: the place of the step that is shown; the log goes along. */
export function EventLog({ steps, shown, onShow }: { steps: readonly ShownStep[]; shown: number; onShow(step: ShownStep): void }) {
  const box = useRef<HTMLDivElement>(null);
  const [[from, to], setRange] = useState<[number, number]>([0, 40]);
  const look = () => {
    const { scrollTop = 0, clientHeight = 600 } = box.current ?? {};
    setRange([Math.max(0, Math.floor(scrollTop / rowHeight) - spare), Math.ceil((scrollTop + clientHeight) / rowHeight) + spare]);
  };
  useEffect(() => {
    const { current } = box;
    if (!current) return;
    const top = shown * rowHeight;
    if (top < current.scrollTop) current.scrollTop = top;
    else if (top + rowHeight > current.scrollTop + current.clientHeight) current.scrollTop = top + rowHeight - current.clientHeight;
    look();
  }, [shown, steps.length]);
  return (
    <div ref={box} class="event-log" tabIndex={0} role="region" aria-label="Event log" style={{ maxHeight: `${steps.length * rowHeight + 2}px` }} onScroll={look}>
      <div role="list" class="rows" aria-label="Steps, oldest first" style={{ height: `${steps.length * rowHeight}px` }}>
        {steps.slice(from, to).map((step, i) => (
          <div key={step.seq} role="listitem" aria-setsize={steps.length} aria-posinset={from + i + 1} class="row" style={{ top: `${(from + i) * rowHeight}px`, height: `${rowHeight}px` }}>
            <Step step={step} isShown={from + i === shown} onShow={onShow} />
          </div>
        ))}
      </div>
    </div>
  );
}

function Step({ step, isShown, onShow }: { step: ShownStep; isShown: boolean; onShow(step: ShownStep): void }) {
  const { rev, at, event, outcome, value, note, from, notices } = step;
  const said = [...(typeof note === 'string' ? [note] : []), ...notices.map(({ kind, label, value: what }) => `${label ?? kind} ${typeof what === 'string' ? what : JSON.stringify(what)}`)].join(' · ');
  return (
    <button type="button" class="step" aria-current={isShown ? 'step' : undefined} disabled={rev === null} onClick={() => onShow(step)} title={new Date(at).toLocaleString()}>
      <span class="rev">{rev ?? '–'}</span>
      <span class="event"><Revealed text={event} />{outcome === 'applied' ? null : <em> {outcome}</em>}</span>
      <span class="to"><Revealed text={value === null ? '' : `→ ${stateWords(value)}`} /></span>
      <span class="said faint"><Revealed text={said || (typeof from === 'string' ? `from ${from}` : '')} /></span>
    </button>
  );
}
