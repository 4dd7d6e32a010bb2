// Messages that could not be applied: why, with their bytes, and the two ways out.
import { useState } from 'preact/hooks';
import { showBytes } from '../../bytes.ts';
import type { Discarded, Retried } from '../../desk-parked.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Badge, Copyable, Empty, Loaded } from '../parts/frame.tsx';
import { Revealed } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { newCommandId, post, query } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at } from '../state/router.ts';
import { Body, sizeOf } from './bus-body.tsx';

interface ParkedMessage { parkId: string; id: string; actor: string; sender: string | null; subject: string; reason: string; at_ms: number; bytes: string; size: number; cursor: string }
const pageRows = 50;

export function Parked() {
  const [shown, setShown] = useState(pageRows);
  const [said, setSaid] = useState('');
  // One that is parked, and one that was handed in again or thrown away, both change an item or the journal's `parked`.
  const live = useLive(() => query<ParkedMessage[]>('parkedPage', { limit: shown + 1 }), [shown], ({ outcome, actor }) => outcome === 'parked' || actor === 'operator/desk');
  return (
    <section aria-labelledby="bus-parked">
      <h2 id="bus-parked">Parked</h2>
      <p class="faint">What could not be applied is kept here with its bytes until you hand it in again or throw it away.</p>
      <p role="status">{said}</p>
      <Loaded live={live}>
        {(rows) => (rows.length === 0 ? <Empty>Nothing is parked. A message comes here when it cannot be read, or when no machine of this build takes it.</Empty> : (
          <>
            {rows.slice(0, shown).map((row) => <Card key={row.parkId} row={row} onDone={(what) => { setSaid(what); live.reload(); }} />)}
            {rows.length > shown ? <button type="button" onClick={() => setShown(Math.min(shown + pageRows, 499))} disabled={shown >= 499}>Show more</button> : null}
          </>
        ))}
      </Loaded>
    </section>
  );
}

function Card({ row: { id, actor, sender, subject, reason, at_ms: atMs, bytes, size }, onDone }: { row: ParkedMessage; onDone(said: string): void }) {
  const [asked, setAsked] = useState<'retry' | 'discard' | null>(null);
  const head = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
  return (
    <article class="card bus-parked">
      <h3><Revealed text={reason} /></h3>
      <dl class="pairs">
        <dt>For</dt><dd><a href={at.actor(actor)}><Revealed text={actor} /></a></dd>
        <dt>Sender</dt><dd>{sender ? <Revealed text={sender} /> : 'not known'}</dd>
        <dt>Subject</dt><dd><Revealed text={subject} /></dd>
        <dt>Id</dt><dd><Revealed text={id} /></dd>
        <dt>Parked</dt><dd><Time at={atMs} /></dd>
      </dl>
      <details><summary>Bytes ({sizeOf(size)})</summary><Body {...showBytes(head, size)} bytes={size} /></details>
      <p class="toolbar">
        <button type="button" onClick={() => setAsked('retry')}>Hand in again</button>
        <button type="button" class="danger" onClick={() => setAsked('discard')}>Throw away</button>
        <Copyable text={`keelson parked retry ${quoted(id)}`} />
      </p>
      {asked === 'retry' ? <Retry id={id} onDone={onDone} onClose={() => setAsked(null)} /> : asked === 'discard' ? <Discard id={id} onDone={onDone} onClose={() => setAsked(null)} /> : null}
    </article>
  );
}

interface Asked { id: string; onDone(said: string): void; onClose(): void }

function Retry({ id, onDone, onClose }: Asked) {
  const [commandId] = useState(newCommandId);
  const send = async () => {
    const { retried } = await post<Retried>('/api/parked/retry', { id, commandId });
    onDone(retried.length > 0 ? 'It was handed in again. If it cannot be applied it comes back here.' : 'It was handed in already.');
  };
  return <Dialog title="Hand this message in again?" act="Hand in" onDone={send} onClose={onClose}><p>It is applied as if it came now. What was applied already is not applied twice.</p></Dialog>;
}

function Discard({ id, onDone, onClose }: Asked) {
  const [reason, setReason] = useState('');
  const [commandId] = useState(newCommandId);
  const send = async () => {
    await post<Discarded>('/api/parked/discard', { id, reason, commandId });
    onDone('It was thrown away; your reason is kept as a decision.');
  };
  return (
    <Dialog title="Throw this message away?" act="Throw away" isDangerous isReady={reason.trim() !== ''} onDone={send} onClose={onClose}>
      <p><Badge tone="bad">cannot be undone</Badge> Its bytes are gone afterwards.</p>
      <label>Reason<input value={reason} required onInput={(event) => setReason(event.currentTarget.value)} /></label>
    </Dialog>
  );
}

const quoted = (text: string) => (/^[\w.@:/~-]+$/.test(text) ? text : `'${text.replaceAll('\'', String.raw`'\''`)}'`);
