// One call to a provider within its limits: time, silence and size. Whichever is passed first ends it, and `over` says which; `answered`
// says whether anything came back at all. Nothing follows a redirect, because a key would travel with it.
import type { Clock } from '#actors/clock.ts';

export type Over = 'time' | 'silence' | 'size' | 'nobody-waits';

export interface WatchedCall {
  /** For whoever makes the call. */
  signal: AbortSignal;
  fetch: typeof globalThis.fetch;
  over(): Over | null;
  answered(): boolean;
  end(): void;
}

interface Limits {
  timeoutMs: number;
  /** null where nothing comes before all of it does. */
  stallMs: number | null;
  bytesMax: number;
  /** Of the job: nobody waits any more. */
  signal: AbortSignal;
  onBytes?: () => void;
}

export function watchCall(clock: Clock, { timeoutMs, stallMs, bytesMax, signal, onBytes = () => {} }: Limits): WatchedCall {
  const abort = new AbortController();
  let over: Over | null = null;
  let answered = false;
  let ended = false;
  const stop = (why: Over) => {
    if (ended || over !== null) return;
    over = why;
    abort.abort();
  };
  const leave = () => stop('nobody-waits');
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave);
  const cancelTime = clock.after(timeoutMs, () => stop('time'));
  let cancelStall = () => {};
  const listen = () => {
    cancelStall();
    if (stallMs !== null && !ended) cancelStall = clock.after(stallMs, () => stop('silence'));
  };
  listen();
  let bytes = 0;
  const count = (chunk: Uint8Array, out: TransformStreamDefaultController<Uint8Array>) => {
    listen();
    onBytes();
    bytes += chunk.byteLength;
    if (bytes <= bytesMax) return out.enqueue(chunk);
    stop('size');
    out.error(new Error(`more than ${bytesMax} bytes`));
  };
  return {
    signal: abort.signal,
    async fetch(url, init) {
      const reply = await globalThis.fetch(url, { ...init, redirect: 'error' });
      answered = true;
      listen();
      const body = reply.body?.pipeThrough(new TransformStream<Uint8Array, Uint8Array>({ transform: count }));
      return new Response(body ?? null, { status: reply.status, statusText: reply.statusText, headers: reply.headers });
    },
    over: () => over,
    answered: () => answered,
    end() {
      ended = true;
      cancelTime();
      cancelStall();
      signal.removeEventListener('abort', leave);
    },
  };
}
