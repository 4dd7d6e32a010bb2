// What the operator can do with an actor now: only what is possible, and each says what it does before it is done.
import { useState } from 'preact/hooks';
import type { ShownActor } from '../../actor-routes.ts';
import { newCommandId, post } from '../state/api.ts';
import { Dialog } from './dialog.tsx';
import { Revealed } from './text.tsx';

type Deed = ShownActor['deeds'][number];

const deeds: Record<Deed, { title: string; says: string; asksReason?: true; isDangerous?: true }> = {
  pause: { title: 'Pause', says: 'It stays as it is. What comes for it waits, its deadlines too, until you let it go on.', asksReason: true },
  resume: { title: 'Resume', says: 'It goes on where it was. What waited comes first, in order.' },
  retry: { title: 'Retry', says: 'What failed is done once more, from the last good state.' },
  skip: { title: 'Skip', says: 'It goes on without what failed, from the last good state.' },
  replace: { title: 'Continue with …', says: 'It goes on with this instead of what failed: an event for an event, a result for the part that failed, an input for a start.' },
  stop: { title: 'Stop', says: 'It ends as failed, with everything it started, and whoever waits for it hears so. This cannot be undone.', asksReason: true, isDangerous: true },
  cancel: { title: 'End the run', says: 'It ends with everything it started and asked. Its questions leave the inbox. This cannot be undone.', isDangerous: true },
};

export function Orders({ actor }: { actor: ShownActor }) {
  const [asked, setAsked] = useState<Deed | null>(null);
  return (
    <>
      {actor.deeds.map((deed) => <button key={deed} type="button" class={deeds[deed].isDangerous ? 'danger' : ''} onClick={() => setAsked(deed)}>{deeds[deed].title}</button>)}
      {asked ? <Order key={asked} actor={actor} deed={asked} onClose={() => setAsked(null)} /> : null}
    </>
  );
}

function Order({ actor: { address, held }, deed, onClose }: { actor: ShownActor; deed: Deed; onClose(): void }) {
  const { title, says, asksReason, isDangerous = false } = deeds[deed];
  const [reason, setReason] = useState('');
  const [text, setText] = useState(() => JSON.stringify(insteadOf(held), null, 2));
  const [commandId] = useState(newCommandId);
  const isFailed = deed === 'retry' || deed === 'skip' || deed === 'replace';
  const send = () => {
    const path = `/api/actors/${encodeURIComponent(address)}`;
    if (deed === 'cancel') return post(`${path}/cancel`, { commandId });
    return post(`${path}/order`, { commandId, order: { do: deed, ...(asksReason ? { reason } : {}), ...(isFailed && held ? { rev: held.rev } : {}), ...(deed === 'replace' ? { with: JSON.parse(text) as unknown } : {}) } });
  };
  return (
    <Dialog title={`${title.replace(' …', '')}: ${address}`} act={title.replace(' …', '')} isDangerous={isDangerous} isReady={deed !== 'replace' || isJson(text)} onDone={send} onClose={onClose}>
      <p>{says}</p>
      {isFailed && held?.failed ? <p>It failed: <Revealed text={held.failed.error.message} /></p> : null}
      {asksReason ? <label>Reason<input value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label> : null}
      {deed === 'replace' ? <label>As JSON<textarea rows={8} value={text} aria-invalid={!isJson(text)} onInput={(event) => setText(event.currentTarget.value)} /></label> : null}
    </Dialog>
  );
}

/** What failed, to be corrected. */
function insteadOf(held: ShownActor['held']): unknown {
  const body = held?.failed?.body;
  return body?.kind === 'event' ? body.event : body?.kind === 'done' ? (body.output ?? null) : body?.kind === 'start' ? (body.input ?? null) : null;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
