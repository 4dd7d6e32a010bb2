// What the operator remarked about a thing, and a remark more. Later runs find its words.
import { useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.tsx';
import { Moment } from '../parts/facts.tsx';
import { Loaded } from '../parts/frame.tsx';
import { LinkTo } from '../parts/link.tsx';
import { Revealed } from '../parts/text.tsx';
import { newCommandId, post, query } from '../state/api.ts';
import { useLive } from '../state/live.ts';

interface Remark { id: string; kind: string; text: string; at_ms: number; reason?: string }
const remarksMax = 50;

export function Remarks({ kind, id }: { kind: string; id: string }) {
  const live = useLive(() => query<Remark[]>('annotations', { target: id, limit: remarksMax }), [id], ({ records }) => records.some((record) => record.kind === 'annotation'));
  const [isAdding, setAdding] = useState(false);
  return (
    <section aria-label="Remarks">
      <h2>Remarks</h2>
      <Loaded live={live}>
        {(remarks) => (
          <>
            {remarks.map((remark) => (
              <div key={remark.id} class="card">
                <p class="faint">{remark.kind} <LinkTo kind="annotation" id={remark.id} /> · <Moment ms={remark.at_ms} />{remark.reason ? <> · because <Revealed text={remark.reason} /></> : null}</p>
                <Revealed block text={remark.text} />
              </div>
            ))}
            {remarks.length === 0 ? <p class="faint">None yet. A remark stays with this and is found by later runs.</p> : null}
          </>
        )}
      </Loaded>
      <button type="button" onClick={() => setAdding(true)}>Add a remark</button>
      {isAdding ? <RemarkForm kind={kind} id={id} onClose={() => setAdding(false)} onDone={live.reload} /> : null}
    </section>
  );
}

function RemarkForm({ kind, id, onClose, onDone }: { kind: string; id: string; onClose(): void; onDone(): void }) {
  const [text, setText] = useState('');
  const [commandId] = useState(newCommandId);
  const send = async () => {
    await post('/api/annotations', { kind, id, text, commandId });
    onDone();
  };
  return (
    <Dialog title="Add a remark" act="Add it" isReady={text.trim() !== ''} onDone={send} onClose={onClose}>
      <label>Remark<textarea rows={4} value={text} onInput={(event) => setText(event.currentTarget.value)} /></label>
    </Dialog>
  );
}
