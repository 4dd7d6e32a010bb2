// An answer as it grows, for whoever watches: heard in this process only, kept nowhere, told a few times a second and bounded. It is not yet
// an answer: what fits the schema is in the store when it has come to its end.
import type { Clock } from '#actors/clock.ts';
import { oneLine } from './failed-call.ts';

/** `ended`: nothing more comes. `text`: the last of it. */
export interface Growing { actor: string; run: string; task: string; tier: string; text: string; ended: boolean }
export interface Asking { operationId: string; run: string; task: string; tier: string }

export interface Answering {
  /** A piece of an answer; null when it is over, one way or the other. */
  hear(asking: Asking, piece: string | null): void;
  listen(task: (growing: Growing) => void): () => void;
}

const bundleMs = 200;
const charsMax = 2_000;
/** Different ones at a time; the others are not shown. */
const openMax = 32;

export function createAnswering(clock: Pick<Clock, 'after'>): Answering {
  const open = new Map<string, { text: string; isDue: boolean }>();
  const listeners = new Set<(growing: Growing) => void>();
  const tell = ({ operationId, ...asking }: Asking, text: string, ended: boolean) => {
    for (const listener of listeners) listener({ actor: operationId.slice(0, operationId.lastIndexOf('#')), ...asking, text: oneLine(text, charsMax), ended });
  };
  return {
    hear(asking, piece) {
      const known = open.get(asking.operationId);
      if (piece === null) {
        if (open.delete(asking.operationId)) tell(asking, known!.text, true);
        return;
      }
      if (listeners.size === 0 || (!known && open.size >= openMax)) return;
      const growing = known ?? { text: '', isDue: false };
      open.set(asking.operationId, growing);
      growing.text = (growing.text + piece).slice(-charsMax);
      if (growing.isDue) return;
      growing.isDue = true;
      clock.after(bundleMs, () => {
        growing.isDue = false;
        if (open.get(asking.operationId) === growing) tell(asking, growing.text, false);
      });
    },
    listen(task) {
      listeners.add(task);
      return () => void listeners.delete(task);
    },
  };
}
