// A question in front of everything: what will happen, and its own button.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Failure } from '../state/api.ts';
import { Failed } from './frame.tsx';

/** `onDone` does it and may fail; the dialog then stays and says why. */
export function Dialog({ title, act, isDangerous = false, isReady = true, onDone, onClose, children }: { title: string; act: string; isDangerous?: boolean; isReady?: boolean; onDone(): Promise<unknown>; onClose(): void; children?: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => ref.current?.showModal(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await onDone();
      onClose();
    } catch (error) {
      setFailure(error as Failure);
      setBusy(false);
    }
  };
  return (
    <dialog ref={ref} onClose={onClose} aria-label={title}>
      <form onSubmit={(event) => void submit(event)}>
        <h2>{title}</h2>
        {children}
        {failure ? <Failed failure={failure} /> : null}
        <div class="toolbar">
          <button type="submit" class={isDangerous ? 'danger' : 'primary'} disabled={isBusy || !isReady}>{act}</button>
          <button type="button" onClick={() => ref.current?.close()}>Cancel</button>
        </div>
      </form>
    </dialog>
  );
}
