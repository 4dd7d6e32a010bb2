// Answers that only some items take: what became of an unknown operation, what a failed actor does next, a parked message once more.
import { useState } from 'preact/hooks';
import type { Answers } from '../../inbox-answers.ts';
import { LinkTo } from '../parts/link.tsx';
import { Revealed } from '../parts/text.tsx';
import type { Send } from './inbox-answer.tsx';

type Sender = (...args: Parameters<Send>) => void;

export function OtherAnswers({ can: { reconcile, order, parked }, send }: { can: Answers; send: Sender }) {
  return (
    <>
      {reconcile === null ? null : <Reconcile operation={reconcile} send={send} />}
      {order === null ? null : (
        <section aria-label="What stands still">
          <h3>What stands still</h3>
          <p><LinkTo kind="actor" id={order} /> does nothing until you say so.</p>
          <p class="toolbar">
            <button type="button" onClick={() => send(`/api/actors/${encodeURIComponent(order)}/order`, { order: { do: 'retry' } }, 'It tries again.', { isDecision: false })}>Try again</button>
            <button type="button" onClick={() => send(`/api/actors/${encodeURIComponent(order)}/order`, { order: { do: 'skip' } }, 'It goes on without that.', { isDecision: false })}>Go on without it</button>
          </p>
        </section>
      )}
      {parked === null ? null : (
        <section aria-label="The parked message">
          <h3>The parked message</h3>
          <p><Revealed text={parked} /> is kept with its bytes.</p>
          <p><button type="button" onClick={() => send('/api/parked/retry', { id: parked }, 'Handed in again')}>Hand it in again</button></p>
        </section>
      )}
    </>
  );
}

function Reconcile({ operation, send }: { operation: string; send: Sender }) {
  const [note, setNote] = useState('');
  const tell = (outcome: 'done' | 'not-done' | 'look', said: string) => send(`/api/operations/${encodeURIComponent(operation)}/reconcile`, { outcome, ...(note === '' ? {} : { note }) }, said, { isDecision: outcome !== 'look' });
  return (
    <section aria-label="Did it happen?">
      <h3>Did it happen?</h3>
      <p>Look at the other side first: the sent folder, the account, the calendar. It is not done again by itself.</p>
      <label>What you saw (optional)<input autocomplete="off" maxLength={2_000} value={note} onInput={(event) => setNote(event.currentTarget.value)} /></label>
      <p class="toolbar">
        <button type="button" class="primary" onClick={() => tell('done', 'It happened')}>It happened</button>
        <button type="button" onClick={() => tell('not-done', 'It did not happen')}>It did not happen</button>
        <button type="button" onClick={() => tell('look', 'The provider is asked once more.')}>Ask the provider again</button>
      </p>
    </section>
  );
}
