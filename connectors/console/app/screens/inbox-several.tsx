// One answer to several items: only of one kind and one risk, never money, each by the hash that is shown.
import { useState } from 'preact/hooks';
import type { Decided } from '../../desk-inbox.ts';
import type { InboxLine } from '../../inbox-routes.ts';
import { newCommandId, post } from '../state/api.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Revealed } from '../parts/text.tsx';

export function Several({ chosen, onSaid, onDone }: { chosen: ReadonlyMap<string, InboxLine>; onSaid(text: string): void; onDone(): void }) {
  const [asked, setAsked] = useState<'approve' | 'reject' | null>(null);
  const [reason, setReason] = useState('');
  const [commandId, setCommandId] = useState(newCommandId);
  const items = [...chosen.values()];
  const send = async () => {
    const { decided } = await post<{ decided: Decided[] }>('/api/inbox/batch', { items: items.map(({ id, hash }) => ({ id, hash })), decision: asked, ...(asked === 'reject' ? { reason } : {}), commandId });
    setCommandId(newCommandId());
    const failed = decided.filter(({ ok }) => !ok);
    onSaid(`${asked === 'approve' ? 'Approved' : 'Rejected'}: ${decided.length - failed.length} of ${decided.length}.${failed.map(({ error }) => ` Not: ${error?.message}.`).join('')}`);
    onDone();
  };
  return (
    <>
      <span class="faint">{items.length === 0 ? 'Choose items of one kind and risk; money and high risk are decided one by one.' : `${items.length} chosen`}</span>
      <button type="button" class="primary" disabled={items.length === 0} onClick={() => setAsked('approve')}>Approve these</button>
      <button type="button" class="danger" disabled={items.length === 0} onClick={() => setAsked('reject')}>Reject these</button>
      {asked === null ? null : (
        <Dialog title={`${asked === 'approve' ? 'Approve' : 'Reject'} ${items.length} items?`} act={asked === 'approve' ? 'Approve all of these' : 'Reject all of these'} isDangerous={asked === 'reject'} isReady={asked === 'approve' || reason.trim() !== ''} onDone={send} onClose={() => setAsked(null)}>
          <ul>{items.map(({ id, does, summary }) => <li key={id}><Revealed text={does ?? summary} /></li>)}</ul>
          {asked === 'reject' ? <label>Why<textarea rows={2} required maxLength={2_000} value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label> : null}
        </Dialog>
      )}
    </>
  );
}
