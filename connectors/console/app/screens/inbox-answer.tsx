// What you can say to an item: yes, other words, no, an answer, later. Each card is one command: pressing twice does it once.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Card } from '../../inbox-card.ts';
import { Failure, newCommandId, post } from '../state/api.ts';
import { useKeys } from '../state/keys.ts';
import { at, go } from '../state/router.ts';
import { Failed } from '../parts/frame.tsx';
import { Revealed } from '../parts/text.tsx';
import { ConfirmDialog, RejectDialog, SnoozeDialog } from './inbox-dialogs.tsx';
import { EditWords } from './inbox-edit.tsx';
import { OtherAnswers } from './inbox-others.tsx';
import { Respond } from './inbox-respond.tsx';

/** After these nobody knows whether it was done: the same command is given again. */
const unclear: readonly string[] = ['NOT_RUNNING', 'TIMEOUT', 'STORE_FAILED', 'BUS_DOWN'];

/** Sends a command about this card; `said` is what the status line tells when it was done. After a decision the next card is shown; `stays`: this one goes on waiting. */
export type Send = (path: string, body: object, said: string, options?: { isDecision?: boolean; stays?: boolean }) => Promise<void>;

/** What is written comes before what it is about, what is asked after it. */
export function InboxAnswer({ card, content, reasons, onDecided, onStale }: { card: Card; content: ComponentChildren; reasons: ComponentChildren; onDecided(text: string, options?: { stays: boolean }): void; onStale(): void }) {
  const { id, can, payloadHash, actor, does, summary, snoozedUntil } = card;
  const [asked, setAsked] = useState<'confirm' | 'reject' | 'snooze' | null>(null);
  const [isEditing, setEditing] = useState(false);
  const [edit, setEdit] = useState<{ words: string; reason: string } | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [note, setNote] = useState('');
  const busy = useRef(false);
  const commandId = useRef(newCommandId());
  const shownAt = useRef(0);
  useEffect(() => {
    shownAt.current = performance.now();
  }, []);

  const send: Send = async (path, body, said, { isDecision = true, stays = false } = {}) => {
    if (busy.current) return;
    busy.current = true;
    setFailure(null);
    setNote('');
    try {
      await post(path, { ...body, commandId: commandId.current });
      if (isDecision) return onDecided(`${said}: ${does ?? summary}`, { stays });
      commandId.current = newCommandId();
      setNote(said);
      onStale();
    } catch (error) {
      const why = error instanceof Failure ? error : new Failure({ code: 'STORE_FAILED', message: String(error) });
      if (!unclear.includes(why.code)) commandId.current = newCommandId();
      setFailure(why);
      onStale();
      throw why;
    } finally {
      busy.current = false;
    }
  };
  const quietly = (sent: Promise<void>) => void sent.catch(() => {});
  const item = `/api/inbox/${encodeURIComponent(id)}`;
  const shownMs = () => Math.round(performance.now() - shownAt.current);
  const approve = (confirm?: string) => send(`${item}/approve`, { ...(payloadHash === '' ? {} : { hash: payloadHash }), ...(edit ? { edit: edit.words, ...(edit.reason === '' ? {} : { reason: edit.reason }) } : {}), ...(confirm === undefined ? {} : { confirm }), shownMs: shownMs() }, edit ? 'Approved with your words' : 'Approved');
  const yes = () => {
    if (can.approve === null || (isEditing && !edit)) return;
    if (can.confirm === null) quietly(approve());
    else setAsked('confirm');
  };
  const respond = (text: string) => quietly(send(`${item}/respond`, { text, shownMs: shownMs() }, 'Answered'));
  const reply = useRef<HTMLTextAreaElement>(null);
  const write = () => {
    if (can.edits.length > 0) setEditing(true);
    else reply.current?.focus();
  };
  useKeys([
    { keys: 'a', does: 'approve', run: yes },
    { keys: 'e', does: 'edit the words, or write an answer', run: write },
    { keys: 'r', does: 'reject, with a reason', run: () => can.reject !== null && setAsked('reject') },
    { keys: 'z', does: 'put off until later', run: () => setAsked('snooze') },
    { keys: 'o', does: 'open the actor that asks', run: () => go(at.actor(actor)) },
  ], [id, payloadHash, isEditing, edit, can.confirm, can.reject]);

  return (
    <>
      {isEditing ? <EditWords payload={card.payload as Record<string, unknown>} names={can.edits} onChange={setEdit} onClose={() => {
        setEditing(false);
        setEdit(null);
      }} /> : null}
      {content}
      {can.respond === null ? null : <Respond meaning={can.respond} choices={can.choices} suggestion={can.suggestion} field={reply} onSend={respond} />}
      <OtherAnswers can={can} send={(...args) => quietly(send(...args))} />
      {reasons}
      {failure ? <Failed failure={failure} /> : null}
      {note === '' ? null : <p role="status">{note}</p>}
      <div class="inbox-actions" role="group" aria-label="Decide">
        {can.approve === null ? null : <button type="button" class="primary" onClick={yes} disabled={isEditing && edit === null}>{isEditing ? 'Approve my words' : can.approve === 'seen' ? 'Seen' : 'Approve'}{can.confirm === null ? '' : ' …'}<kbd aria-hidden="true">a</kbd></button>}
        {can.edits.length === 0 || isEditing ? null : <button type="button" onClick={() => setEditing(true)}>Edit<kbd aria-hidden="true">e</kbd></button>}
        {can.reject === null ? null : <button type="button" class="danger" onClick={() => setAsked('reject')}>Reject …<kbd aria-hidden="true">r</kbd></button>}
        {snoozedUntil === null ? <button type="button" onClick={() => setAsked('snooze')}>Later …<kbd aria-hidden="true">z</kbd></button> : <button type="button" onClick={() => quietly(send(`${item}/snooze`, { until: 0 }, 'It is back in the list.', { isDecision: false }))}>Back to the list</button>}
        <a href={at.actor(actor)}>Open the actor<kbd aria-hidden="true">o</kbd></a>
        <Meaning {...can} />
      </div>
      {asked === 'confirm' ? <ConfirmDialog phrase={can.confirm!} does={does ?? summary} onSend={approve} onClose={() => setAsked(null)} /> : null}
      {asked === 'reject' ? <RejectDialog meaning={can.reject ?? ''} onSend={(reason) => send(`${item}/reject`, { reason, shownMs: shownMs() }, 'Rejected')} onClose={() => setAsked(null)} /> : null}
      {asked === 'snooze' ? <SnoozeDialog expiresAt={card.expiresAt} onSend={(until) => send(`${item}/snooze`, { until }, 'Put off until later', { stays: true })} onClose={() => setAsked(null)} /> : null}
    </>
  );
}

function Meaning({ approve, reject }: { approve: string | null; reject: string | null }) {
  const means = [approve && approve !== 'do exactly this' ? `Approve: ${approve}.` : '', reject ? `Reject: ${reject}.` : ''].join(' ').trim();
  return means === '' ? null : <p class="means"><Revealed text={means} /></p>;
}
