// Other words for what leaves: the fields that hold words, what changes, and the hash of the result. Where it goes stays as it is.
import { useEffect, useState } from 'preact/hooks';
import { Diff } from '../parts/diff.tsx';

/** `onChange` hears the edit as the server takes it, or null while there is none. */
export function EditWords({ payload, names, onChange, onClose }: { payload: Record<string, unknown>; names: readonly string[]; onChange(edit: { words: string; reason: string } | null): void; onClose(): void }) {
  const before = Object.fromEntries(names.map((name) => [name, String(payload[name])]));
  const [after, setAfter] = useState(before);
  const [reason, setReason] = useState('');
  const [hash, setHash] = useState('');
  const changed = names.filter((name) => after[name] !== before[name]);
  const isEmpty = names.some((name) => after[name]!.trim() === '');
  const words = JSON.stringify(Object.fromEntries(changed.map((name) => [name, after[name]])));
  useEffect(() => {
    onChange(changed.length === 0 || isEmpty ? null : { words, reason });
    let isOver = false;
    void hashOf({ ...payload, ...after }).then((made) => !isOver && setHash(made));
    return () => (isOver = true);
  }, [words, reason, isEmpty]);
  return (
    <section aria-label="Your words">
      <h3>Your words</h3>
      {names.map((name, i) => (
        <label key={name}>{name}{before[name]!.includes('\n') || before[name]!.length > 120
          ? <textarea autoFocus={i === names.length - 1} rows={Math.min(18, before[name]!.split('\n').length + 2)} value={after[name]} onInput={(event) => setAfter({ ...after, [name]: event.currentTarget.value })} />
          : <input autocomplete="off" value={after[name]} onInput={(event) => setAfter({ ...after, [name]: event.currentTarget.value })} />}</label>
      ))}
      <label>Why you changed it (later drafts find it)<input autocomplete="off" maxLength={2_000} value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label>
      {isEmpty ? <p class="failure">Words that leave must not be empty.</p> : null}
      <h4>What you change</h4>
      <Diff before={names.map((name) => before[name]).join('\n\n')} after={names.map((name) => after[name]).join('\n\n')} label="What you change" />
      {changed.length === 0 || hash === '' ? null : <p class="faint">New hash of the content: <code>{hash.slice(0, 16)}…</code>. It is checked again, and bound to the policy, before it leaves.</p>}
      <p><button type="button" onClick={onClose}>Leave it as it was</button></p>
    </section>
  );
}

/** sha256 of the JSON with its keys in order, as the store hashes it; nothing where the browser cannot. */
async function hashOf(value: unknown): Promise<string> {
  if (!globalThis.isSecureContext) return '';
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(inOrder(value)))));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, inOrder(inner)]));
}
