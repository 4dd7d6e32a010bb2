// The three questions in front of a card: the typed yes to what is risky, the reason of a no, and until when it may wait.
import { useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.tsx';
import { Revealed } from '../parts/text.tsx';

export function ConfirmDialog({ phrase, does, onSend, onClose }: { phrase: string; does: string; onSend(confirm: string): Promise<unknown>; onClose(): void }) {
  const [typed, setTyped] = useState('');
  const isRight = typed.trim().toLowerCase() === phrase.toLowerCase();
  return (
    <Dialog title="Approve what is risky?" act="Approve" isReady={isRight} onDone={() => onSend(typed)} onClose={onClose}>
      <p><Revealed text={does} /></p>
      <p>To approve it, type <strong><code>{phrase}</code></strong></p>
      <label>The words above<input autocomplete="off" spellcheck={false} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} /></label>
    </Dialog>
  );
}

export function RejectDialog({ meaning, onSend, onClose }: { meaning: string; onSend(reason: string): Promise<unknown>; onClose(): void }) {
  const [reason, setReason] = useState('');
  return (
    <Dialog title="Reject it?" act="Reject" isDangerous isReady={reason.trim() !== ''} onDone={() => onSend(reason.trim())} onClose={onClose}>
      {meaning === '' ? null : <p><Revealed text={meaning} /></p>}
      <label>Why<textarea rows={3} required maxLength={2_000} value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label>
    </Dialog>
  );
}

const hourMs = 3_600_000;

/** At eight in the morning, so many days from now. */
function morning(days: number): number {
  const then = new Date();
  then.setDate(then.getDate() + days);
  return then.setHours(8, 0, 0, 0);
}
const toMonday = () => ((8 - new Date().getDay()) % 7) || 7;

export function SnoozeDialog({ expiresAt, onSend, onClose }: { expiresAt: string | null; onSend(until: number): Promise<unknown>; onClose(): void }) {
  const [choices] = useState(() => [['In an hour', Date.now() + hourMs], ['In four hours', Date.now() + 4 * hourMs], ['Tomorrow morning', morning(1)], ['Monday morning', morning(toMonday())]] as const);
  const [until, setUntil] = useState<number>(choices[0][1]);
  const isTooLate = expiresAt !== null && until > Date.parse(expiresAt);
  return (
    <Dialog title="Put it off until later" act="Put it off" onDone={() => onSend(until)} onClose={onClose}>
      <label>Until<select value={String(until)} onChange={(event) => setUntil(Number(event.currentTarget.value))}>
        {choices.map(([name, ms]) => <option key={name} value={String(ms)}>{name} ({new Date(ms).toLocaleString()})</option>)}
      </select></label>
      <p>{isTooLate ? <strong>It lapses before that, at {new Date(expiresAt).toLocaleString()}.</strong> : 'When it lapses stays as it is.'}</p>
    </Dialog>
  );
}
