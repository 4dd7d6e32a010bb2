// A fact in the operator's own word: new, instead of one that was wrong, or because things changed. Nothing is overwritten.
import { useState } from 'preact/hooks';
import type { Json } from '#machines/predicates.ts';
import type { Words } from '../../store-routes.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Revealed } from '../parts/text.tsx';
import { get, newCommandId, post } from '../state/api.ts';
import { useLive } from '../state/live.ts';

export interface Corrected { id: string; predicate: string; value: Json }
export interface Stated { fact: string; contradiction: string | null }
type Mode = 'beside' | 'correct' | 'changes';
const modes: Record<Mode, string> = { beside: 'stands beside what is said now', correct: 'what is said now was wrong', changes: 'it changed, from a day on' };

/** With `corrects`, that one statement was wrong. */
export function FactForm({ entity, corrects, predicate: given = '', onClose, onDone }: { entity: string; corrects?: Corrected | undefined; predicate?: string; onClose(): void; onDone(stated: Stated): void }) {
  const words = useLive(() => get<Words>('/api/words'), []);
  const [commandId] = useState(newCommandId);
  const [predicate, setPredicate] = useState(corrects?.predicate ?? given);
  const [text, setText] = useState(corrects === undefined ? '' : typeof corrects.value === 'string' ? corrects.value : JSON.stringify(corrects.value, null, 2));
  const [mode, setMode] = useState<Mode>('beside');
  const [day, setDay] = useState('');
  const known = words.data?.predicates.find(({ name }) => name === predicate);
  const kind = entity.slice(0, entity.indexOf('/'));
  const send = async () => {
    const how = corrects ? { supersedes: corrects.id } : mode === 'correct' ? { correct: true } : mode === 'changes' ? { changesFrom: day } : day === '' ? {} : { from: day };
    onDone(await post<Stated>('/api/facts', { entity, predicate, value: readValue(text, known?.isText), ...how, commandId }));
  };
  return (
    <Dialog title={corrects ? `Correct ${corrects.id}` : 'Add a fact'} act={corrects ? 'Correct it' : 'Add it'} isReady={predicate !== '' && text.trim() !== '' && (mode !== 'changes' || day !== '')} onDone={send} onClose={onClose}>
      <p>About <Revealed text={entity} />, in your own word. What was said before stays in its history.</p>
      <label>What is said<input value={predicate} readOnly={corrects !== undefined} list="predicates-of-entity" placeholder={`${kind}.name, or a word of your own`} onInput={(event) => setPredicate(event.currentTarget.value.trim())} /></label>
      <datalist id="predicates-of-entity">{words.data?.predicates.filter(({ of }) => of.includes(kind)).map(({ name }) => <option key={name} value={name} />)}</datalist>
      <label>Value{known && !known.isText ? ' (JSON)' : ''}<textarea rows={text.includes('\n') ? 8 : 2} value={text} onInput={(event) => setText(event.currentTarget.value)} /></label>
      {corrects ? null : (
        <>
          <label>How it fits to the rest<select value={mode} onChange={(event) => setMode(event.currentTarget.value as Mode)}>{Object.entries(modes).map(([name, title]) => <option key={name} value={name}>{title}</option>)}</select></label>
          {mode === 'correct' ? null : <label>{mode === 'changes' ? 'From this day on' : 'True from (empty: from now on)'}<input type="date" value={day} onInput={(event) => setDay(event.currentTarget.value)} /></label>}
        </>
      )}
    </Dialog>
  );
}

/** Plain words where the predicate takes words; else JSON where it is JSON. */
function readValue(text: string, isText: boolean | undefined): Json {
  if (isText === true) return text.trim();
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text.trim();
  }
}
