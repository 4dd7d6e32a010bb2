// Erasing a person: typed once more before it is done, and the receipt afterwards with what lies elsewhere.
import { useState } from 'preact/hooks';
import type { CompanyView } from '../../govern-routes.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Pairs } from '../parts/facts.tsx';
import { Badge } from '../parts/frame.tsx';
import { Revealed } from '../parts/text.tsx';
import { newCommandId, post } from '../state/api.ts';

interface Receipt { receipt: string; erased: Record<string, number>; outside: { what: string; todo: string }[] }

export function Erase({ erasing, onErased }: { erasing: CompanyView['erasing']; onErased(): void }) {
  const [subject, setSubject] = useState('');
  const [isAsked, setAsked] = useState(false);
  const [receipt, setReceipt] = useState<Receipt | null>(null);
  const done = (given: Receipt) => {
    setReceipt(given);
    setSubject('');
    onErased();
  };
  return (
    <section class="card panel" aria-label="Erase a person">
      <h2>Erase a person</h2>
      <p>Takes a person out of every file of this company: mails, facts, documents, history, exports and backups that lie here. It cannot be undone. The chain goes on verifying.</p>
      {erasing.length > 0 ? <p><Badge tone="waiting">not finished</Badge> {erasing.map(({ id, entity }, i) => <span key={id}>{i > 0 ? ', ' : ''}<Revealed text={entity} /></span>)}: somebody reads an old state of the file. It is tried again every minute.</p> : null}
      <form class="toolbar" onSubmit={(event) => {
        event.preventDefault();
        setAsked(true);
      }}>
        <label>Mail address or entity<input value={subject} autocomplete="off" placeholder="anna@holt.example" onInput={(event) => setSubject(event.currentTarget.value)} /></label>
        <button type="submit" class="danger" disabled={subject.trim().length < 3}>Erase …</button>
      </form>
      <div role="status">{receipt ? <Shown receipt={receipt} /> : null}</div>
      {isAsked ? <Confirm subject={subject.trim()} onErased={done} onClose={() => setAsked(false)} /> : null}
    </section>
  );
}

function Confirm({ subject, onErased, onClose }: { subject: string; onErased(receipt: Receipt): void; onClose(): void }) {
  const [typed, setTyped] = useState('');
  const [commandId] = useState(newCommandId);
  return (
    <Dialog title="Erase this person for good?" act="Erase for good" isDangerous isReady={typed.trim() === subject} onDone={() => post<Receipt>('/api/erase', { subject, commandId }).then(onErased)} onClose={onClose}>
      <p><strong><Revealed text={subject} /></strong> goes out of everything here. The database is rewritten, which takes a while when it is large. Nobody can bring it back.</p>
      <label>Type it once more<input value={typed} autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value)} /></label>
    </Dialog>
  );
}

function Shown({ receipt: { receipt, erased, outside } }: { receipt: Receipt }) {
  return (
    <>
      <p><Badge tone="good">erased</Badge> The receipt names nobody and is kept as <code>{receipt}</code>.</p>
      <Pairs pairs={Object.entries(erased).map(([what, count]) => [what, count.toLocaleString()] as const)} />
      <h3>What lies elsewhere, for you to request</h3>
      <ul>{outside.map(({ what, todo }) => <li key={what}><Revealed text={what} />: <Revealed text={todo} /></li>)}</ul>
    </>
  );
}
