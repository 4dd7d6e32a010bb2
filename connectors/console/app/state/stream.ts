// One stream of changes per browser: the tab that holds the lock reads it and tells the others; when it is closed another goes on where
// that one was. Whoever was away too long hears `resync` and looks anew.
import { signal } from '@preact/signals';
import type { AnnouncedCommit } from '#machines/changes.ts';
import { session } from './api.ts';

export type Change = { commits: AnnouncedCommit[] } | { resync: true };
type Heard = { event: string; data: unknown; id?: string };

/** `live` while changes arrive. */
export const connection = signal<'connecting' | 'live' | 'lost'>('connecting');

const listeners = new Set<(change: Change) => void>();
const others = new Map<string, Set<(data: never) => void>>();
const channel = new BroadcastChannel('keelson-changes');
const names = ['commits', 'resync', 'hello', 'bus', 'inspect', 'answer'];
/** The newest commit that this browser heard of, as the server names it. */
let last: string | null = null;
/** When the server has been away this long the stream is opened anew: a browser gives up after some failures. */
const reopenMs = 2_000;

/** Calls `listener` for every change from now on; answers how to stop that. */
export function onChange(listener: (change: Change) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Other events of the stream, such as `bus`. */
export function onEvent<T>(event: string, listener: (data: T) => void): () => void {
  const all = others.get(event) ?? new Set();
  others.set(event, all.add(listener));
  return () => all.delete(listener);
}

/** Begins once; when the page is closed another tab takes over. */
export function openStream(): void {
  last ??= session.value?.at ?? null;
  channel.addEventListener('message', ({ data }: MessageEvent<Heard>) => hear(data));
  void navigator.locks.request('keelson-stream', () => new Promise<never>(() => read(last ?? '')));
  channel.postMessage({ event: 'ask', data: null });
}

/** Without `after` it begins with what comes now. */
function read(after: string): void {
  const source = new EventSource(`/api/events${after === '' ? '' : `?after=${encodeURIComponent(after)}`}`);
  const say = (heard: Heard) => {
    channel.postMessage(heard);
    hear(heard);
  };
  for (const name of names) source.addEventListener(name, ({ data, lastEventId: id }: MessageEvent<string>) => say({ event: name, data: JSON.parse(data) as unknown, id }));
  source.addEventListener('error', () => {
    say({ event: 'lost', data: null });
    // Lost before it heard anything: nobody knows what this page missed, so it looks anew.
    if (source.readyState !== EventSource.CLOSED && last !== null) return;
    source.close();
    setTimeout(() => read(last ?? 'unknown'), reopenMs);
  });
}

function hear({ event, data, id }: Heard): void {
  if (id) last = id;
  if (event === 'lost') connection.value = 'lost';
  else if (event !== 'ask') connection.value = 'live';
  if (event === 'ask' && connection.value === 'live') channel.postMessage({ event: 'hello', data: null });
  const change: Change | null = event === 'commits' ? { commits: data as AnnouncedCommit[] } : event === 'resync' ? { resync: true } : null;
  if (change) for (const listener of listeners) listener(change);
  for (const listener of others.get(event) ?? []) listener(data as never);
}
