// What can come next for an actor: the events its state understands, each to be sent, or tried on a fork from which nothing leaves.
import { useState } from 'preact/hooks';
import type { ShownActor, Tried } from '../../actor-routes.ts';
import { newCommandId, post } from '../state/api.ts';
import { at } from '../state/router.ts';
import { Changes } from './actor-changes.tsx';
import { isJson } from './actor-orders.tsx';
import { stateWords } from './actor-state.ts';
import { Dialog } from './dialog.tsx';
import { Json, Revealed } from './text.tsx';

type Next = ShownActor['next'][number];

export function NextEvents({ actor: { address, next, asks, held, status, known, key } }: { actor: ShownActor }) {
  const [asked, setAsked] = useState<{ event: Next; isTry: boolean } | null>(null);
  const [tried, setTried] = useState<Tried | null>(null);
  const [item] = Object.keys(asks);
  return (
    <section>
      <h2>What it understands now</h2>
      {status !== 'active' ? <p class="faint">It has ended and hears nothing any more.</p> : null}
      {!known ? <p class="faint">This build has no machine {key}, so nobody can tell.</p> : null}
      {held ? <p class="faint">It is held: what comes for it waits.</p> : null}
      {status === 'active' && known && next.length === 0 ? <p class="faint">No event: it waits for what it started, or for a deadline.</p> : null}
      <ul class="next-events">
        {next.map((event) => (
          <li key={event.type}>
            <span class="what"><code>{event.type}</code> <span class="faint">{event.fields.map(({ name, isRequired }) => (isRequired ? name : `${name}?`)).join(', ')}</span></span>
            <span class="toolbar">
              {!event.isForOperator ? <button type="button" onClick={() => setAsked({ event, isTry: false })} aria-label={`Send ${event.type}`}>Send</button>
                : item !== undefined ? <a href={at.item(item)}>decide in the inbox</a> : <span class="faint">has a command of its own</span>}
              <button type="button" onClick={() => setAsked({ event, isTry: true })} aria-label={`Try ${event.type}, nothing leaves`}>Try (dry run)</button>
            </span>
          </li>
        ))}
      </ul>
      {asked ? <Hand key={`${asked.event.type} ${asked.isTry}`} address={address} {...asked} onTried={setTried} onClose={() => setAsked(null)} /> : null}
      {tried ? <Outcome tried={tried} onClose={() => setTried(null)} /> : null}
    </section>
  );
}

function Hand({ address, event: { type, fields }, isTry, onTried, onClose }: { address: string; event: Next; isTry: boolean; onTried(tried: Tried): void; onClose(): void }) {
  const [text, setText] = useState(() => JSON.stringify(Object.fromEntries(fields.filter(({ isRequired }) => isRequired).map(({ name, type: kind }) => [name, emptyOf(kind)])), null, 2));
  const [commandId] = useState(newCommandId);
  const send = async () => {
    const answer = await post(`/api/actors/${encodeURIComponent(address)}/${isTry ? 'try' : 'send'}`, { type, fields: JSON.parse(text) as unknown, commandId });
    if (isTry) onTried(answer as Tried);
  };
  return (
    <Dialog title={isTry ? `Try ${type}` : `Send ${type}`} act={isTry ? 'Try' : 'Send'} isReady={isJson(text) && text.trim().startsWith('{')} onDone={send} onClose={onClose}>
      <p>{isTry ? 'A fork of the actor takes the event. Nothing leaves it, and the actor itself hears nothing.' : 'The actor takes the event now, in your name.'}</p>
      {fields.length > 0 ? <p class="faint">{fields.map(({ name, type: kind, isRequired }) => `${name}: ${kind}${isRequired ? '' : ' (may be left out)'}`).join(' · ')}</p> : null}
      <label>Fields as JSON<textarea rows={Math.min(10, text.split('\n').length + 1)} value={text} aria-invalid={!isJson(text)} onInput={(event) => setText(event.currentTarget.value)} /></label>
    </Dialog>
  );
}

function Outcome({ tried: { fork, told, step, would, changes }, onClose }: { tried: Tried; onClose(): void }) {
  return (
    <div class="card tried" role="status">
      <h3>{step?.event} would lead to <strong><Revealed text={stateWords(told.value)} /></strong>{told.status && told.status !== 'active' ? ` (${told.status})` : ''}</h3>
      {told.note ? <p><Revealed text={told.note} /></p> : null}
      {step && step.taken.length > 0 ? <p class="faint">By {step.taken.join(', ')}</p> : null}
      <Changes changes={changes} />
      {would ? <details><summary>What it would send and record</summary><Json value={would} /></details> : <p class="faint">It would send and record nothing.</p>}
      <p class="toolbar"><a href={at.actor(fork)}>Look at the fork</a><button type="button" onClick={onClose}>Close</button></p>
    </div>
  );
}

function emptyOf(kind: string): unknown {
  const word = kind.split(' | ')[0]!;
  const empty: Record<string, unknown> = { string: '', number: 0, integer: 0, boolean: false, array: [], object: {}, any: null };
  return word in empty ? empty[word] : word.startsWith('"') ? (JSON.parse(word) as unknown) : word;
}
