// The time slider: back through every revision of an actor, by hand, by keys, or playing.
import { useEffect, useState } from 'preact/hooks';
import type { ShownStep } from '../../actor-routes.ts';
import { useKeys } from '../state/keys.ts';
import { stateWords } from './actor-state.ts';

const playMs = 900;

/** `steps`: those with a revision. `index`: the one that is shown. `isNow`: it follows what happens. `onShow(null)` is back to now. */
export function TimeBar({ steps, index, isNow, onShow }: { steps: readonly ShownStep[]; index: number; isNow: boolean; onShow(index: number | null): void }) {
  const [isPlaying, setPlaying] = useState(false);
  const last = steps.length - 1;
  const step = steps[index];
  const to = (wanted: number) => {
    setPlaying(false);
    onShow(Math.max(0, Math.min(last, wanted)));
  };
  useEffect(() => {
    if (!isPlaying) return;
    if (index >= last) {
      setPlaying(false);
      return onShow(null);
    }
    const timer = setTimeout(() => onShow(index + 1), playMs);
    return () => clearTimeout(timer);
  }, [isPlaying, index, last]);
  useKeys([
    { keys: 'ArrowLeft', does: 'one step back in time', run: () => to(index - 1) },
    { keys: 'ArrowRight', does: 'one step on in time', run: () => to(index + 1) },
    { keys: 'n', does: 'back to now', run: () => onShow(null) },
  ], [index, last]);
  if (!step) return null;
  return (
    <div class="time-bar">
      <span class="toolbar">
        <button type="button" aria-label="First step" disabled={index <= 0} onClick={() => to(0)}>«</button>
        <button type="button" aria-label="Step back" disabled={index <= 0} onClick={() => to(index - 1)}>‹</button>
        <button type="button" disabled={last < 1} onClick={() => {
          if (!isPlaying && index >= last) onShow(0);
          setPlaying(!isPlaying);
        }}>{isPlaying ? 'Halt' : 'Play'}</button>
        <button type="button" aria-label="Step on" disabled={index >= last} onClick={() => to(index + 1)}>›</button>
      </span>
      <input type="range" min={0} max={Math.max(last, 0)} step={1} value={index} aria-label="Time: which revision is shown" aria-valuetext={`revision ${step.rev} of ${steps[last]!.rev}: ${stateWords(step.value)}`} onInput={(event) => to(Number(event.currentTarget.value))} />
      <span class="where">revision {step.rev} of {steps[last]!.rev} · <time dateTime={step.at}>{new Date(step.at).toLocaleString()}</time></span>
      {isNow ? <span class="badge good"><span aria-hidden="true">●</span> now</span> : <button type="button" class="primary" onClick={() => {
        setPlaying(false);
        onShow(null);
      }}>Back to now</button>}
    </div>
  );
}
