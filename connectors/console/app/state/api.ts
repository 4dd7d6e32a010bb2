// Talking to the server: JSON in and out, with the session's second word on every change, and failures that say what to do.
import { signal } from '@preact/signals';

/** Undefined until it is known; null when nobody is signed in. `at`: the newest commit then, for the stream. */
export const session = signal<{ csrf: string; at?: string } | null | undefined>(undefined);

export class Failure extends Error {
  readonly code: string;
  readonly hint: string;
  constructor({ code, message, hint = '' }: { code: string; message: string; hint?: string }) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

async function ask<T>(path: string, init: { method?: string; body?: string; headers?: Record<string, string> } = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers: { accept: 'application/json', ...init.headers } });
  } catch {
    throw new Failure({ code: 'NOT_RUNNING', message: 'The server does not answer.', hint: 'Start it with `npm start` or `keelson up`; this page goes on by itself.' });
  }
  const answer = (await response.json().catch(() => null)) as { error?: { code: string; message: string; hint: string } } | null;
  if (response.ok) return answer as T;
  const failure = new Failure(answer?.error ?? { code: 'STORE_FAILED', message: `The server answered with status ${response.status}.` });
  if (failure.code === 'UNAUTHORIZED' && session.value) session.value = null;
  throw failure;
}

/** `path` as in openapi.json. */
export const get = <T>(path: string): Promise<T> => ask(path);

export const post = <T>(path: string, body: object = {}): Promise<T> =>
  ask(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', 'x-csrf-token': session.value?.csrf ?? '' } });

/** The address of a named read: it can be opened by itself, as raw JSON. */
export const queryPath = (name: string, args: object = {}) => `/api/query/${name}?args=${encodeURIComponent(JSON.stringify(args))}`;
export const query = <T>(name: string, args: object = {}): Promise<T> => get(queryPath(name, args));

/** Gives a command a name of its own, so that pressing twice, or trying again after a lost answer, does it once. */
export const newCommandId = () => crypto.randomUUID();

/** Takes the code out of the address, exchanges it, and asks who is signed in. */
export async function openSession(): Promise<void> {
  const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1];
  if (code) history.replaceState(null, '', location.pathname);
  try {
    session.value = code ? await post('/api/session', { code }) : await get('/api/session');
  } catch (error) {
    if (code) return void (session.value = await get<{ csrf: string; at?: string }>('/api/session').catch(() => null));
    if (!(error instanceof Failure) || error.code !== 'NOT_RUNNING') return void (session.value = null);
    setTimeout(() => void openSession(), 1_000);
  }
}

export async function signIn(token: string): Promise<void> {
  session.value = await post('/api/session', { token });
}

export async function signOut(): Promise<void> {
  await post('/api/session/end');
  session.value = null;
}
