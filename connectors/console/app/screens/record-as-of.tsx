// Two questions about the past: what was true at a moment, and what we knew at a moment. Each slider stops where something changed, so
// one arrow key is one change; its last place is now.
import { Moment } from '../parts/facts.tsx';
import { readPlace, writePlace } from '../parts/place.ts';
import { goWith, search } from '../state/router.ts';

export interface Times { atMs: number | null; knownMs: number | null }

/** From the address; null is now. */
export const readTimes = (): Times => ({ atMs: readPlace(search.value.get('at')), knownMs: readPlace(search.value.get('known')) });

export function AsOf({ times: { atMs, knownMs }, valid, known }: { times: Times; valid: readonly number[]; known: readonly number[] }) {
  const isPast = atMs !== null || knownMs !== null;
  return (
    <fieldset class={`as-of${isPast ? ' is-past' : ''}`}>
      <legend>As of</legend>
      <div>
        <Slider name="at" title="What was true at" moments={valid} ms={atMs} />
        <Slider name="known" title="As far as it was known at" moments={known} ms={knownMs} />
      </div>
      {isPast ? <p class="toolbar"><strong>This is the past.</strong> <button type="button" onClick={() => goWith({ at: null, known: null })}>Back to now</button></p> : null}
    </fieldset>
  );
}

function Slider({ name, title, moments, ms }: { name: 'at' | 'known'; title: string; moments: readonly number[]; ms: number | null }) {
  // A moment that came with the address has a place of its own.
  const places = [...new Set(ms === null ? moments : [...moments, ms])].toSorted((a, b) => a - b);
  const place = ms === null ? places.length : places.indexOf(ms);
  const words = ms === null ? 'now' : new Date(ms).toLocaleString();
  const move = (to: number) => goWith({ [name]: to < places.length ? writePlace(places[to]!) : null });
  return (
    <label>{title} <strong>{ms === null ? 'now' : <Moment ms={ms} />}</strong>
      <input type="range" min={0} max={places.length} step={1} value={place} aria-valuetext={words} list={`moments-${name}`} onInput={(event) => move(Number(event.currentTarget.value))} />
      <datalist id={`moments-${name}`}>{places.map((_, i) => <option key={i} value={i} />)}<option value={places.length} /></datalist>
    </label>
  );
}
