// The real console server on a free port, in front of a desk that writes down who called it; and raw HTTP, which lets a test send what no
// browser and no library would.
import assert from 'node:assert/strict';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { silentLog } from '#actors/log.ts';
import type { Desk, Outcome } from '#connectors/console/desk.ts';
import type { Actors, Told } from '#connectors/console/desk-actors.ts';
import type { Effects, EffectsState } from '#connectors/console/desk-effects.ts';
import type { ParkedDesk } from '#connectors/console/desk-parked.ts';
import type { PolicyDesk } from '#connectors/console/desk-policy.ts';
import { startConsole, type Console, type ConsoleOptions } from '#connectors/console/server.ts';

export const token = 't'.repeat(64);
export const automationToken = 'a'.repeat(64);
export const bearer = { authorization: `Bearer ${token}` };
export const asJson = { ...bearer, 'content-type': 'application/json' };

export interface Answer { status: number; text: string; headers: IncomingHttpHeaders; json: { error?: { code: string; message: string; hint: string }; ok?: boolean; id?: string; csrf?: string; url?: string } | null }

export interface Site {
  console: Console;
  port: number;
  /** Who was called with what; a request that is refused leaves nothing here. */
  calls: unknown[][];
  /** What automation asked for in vain. */
  refused: string[];
  state: { fail: (() => never) | null; isReady: boolean; pause: string | null; nowMs: number };
  reset(): void;
  /** `body: null` promises a body and never sends it. */
  send(method: string, path: string, headers: Record<string, string | string[]>, body?: string | Uint8Array | null): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Bytes as they are; answers everything that came back until the server hung up. */
  raw(text: string): Promise<string>;
}

export async function startSite(more: Partial<ConsoleOptions> = {}): Promise<Site> {
  const calls: unknown[][] = [];
  const refused: string[] = [];
  const state: Site['state'] = { fail: null, isReady: true, pause: null, nowMs: 1_700_000_000_000 };
  const called = async (...call: unknown[]): Promise<Outcome> => {
    calls.push(call);
    state.fail?.();
    return { id: 'x', state: 'completed', actor: 'mail/1', value: 'done' };
  };
  const desk: Desk = {
    approve: (id, options) => called('approve', id, options),
    reject: (id, options) => called('reject', id, options),
    respond: (id, options) => called('respond', id, options),
    reconcile: (id, options) => called('reconcile', id, options),
    async addFact({ entity, predicate, ...rest }) {
      await called('addFact', { entity, predicate, ...rest });
      return { fact: 'f-1-0', entity, predicate, contradiction: null };
    },
    async annotate({ kind, id, ...rest }) {
      await called('annotate', { kind, id, ...rest });
      return { annotation: 'a-1-0', target: { kind, id } };
    },
  };
  const toldOf = async (...call: unknown[]): Promise<Told> => {
    await called(...call);
    return { address: 'order/1', outcome: 'applied', note: null, rev: 1, value: 'paid', status: 'active' };
  };
  const actors: Actors = {
    send: (address, asked) => toldOf('send', address, asked),
    run: (asked, by) => toldOf('run', asked.machine, asked, by),
    order: (address, asked) => toldOf('order', address, asked),
    cancel: (id, asked) => toldOf('cancel', id, asked),
  };
  const parked: ParkedDesk = {
    async retry({ commandId: _, ...asked }) {
      await called('retryParked', asked);
      return { retried: ['m-1'], kept: [], more: false };
    },
    discard: async () => ({ discarded: [], more: false }),
  };
  const effectsOf = async (...call: unknown[]): Promise<EffectsState> => {
    await called(...call);
    return { state: 'stopped', reason: '', sinceMs: 1, halted: 0, onTheirWay: [] };
  };
  const effects: Effects = { stop: (asked) => effectsOf('stopEffects', asked), resume: (asked) => effectsOf('resumeEffects', asked), wake: async () => {} };
  const policies: PolicyDesk = {
    async publish({ commandId: _, ...asked }) {
      await called('publish', asked);
      return { published: true, version: '1', changes: { added: [], changed: [], removed: [] }, warnings: [] };
    },
  };
  const pausing = { pause: async (reason: string) => ({ paused: true, reason: (state.pause = reason) }), resume: async () => ({ paused: false, reason: (state.pause = null) }), paused: () => state.pause };

  const console = await startConsole({
    port: 0, token, automationToken, desk, actors, pausing, parked, effects, policies, log: silentLog,
    fork: (asked) => called('fork', asked),
    receiveMail: (raw, source) => called('mail', Buffer.from(raw).toString(), source),
    query: (name, args) => called('query', name, args),
    erase: (subject) => called('erase', subject),
    ready: async () => state.isReady,
    onRefused: (what) => void refused.push(what), nowMs: () => state.nowMs,
    ...more,
  });
  const port = Number(new URL(console.url).port);

  const send: Site['send'] = (method, path, headers, body = '') => new Promise((resolve, reject) => {
    const length: Record<string, string> = body === null ? { 'content-length': '1000' } : method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const sent = request({ agent: false, host: '127.0.0.1', port, method, path, headers: { host: `127.0.0.1:${port}`, ...length, ...headers } }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += chunk));
      answer.on('end', () => {
        sent.destroy();
        resolve({ status: answer.statusCode ?? 0, text, headers: answer.headers, json: text.startsWith('{') ? (JSON.parse(text) as Answer['json']) : null });
      });
    });
    sent.on('error', reject);
    if (body === null) sent.flushHeaders();
    else sent.end(body);
  });
  return {
    console, port, calls, refused, state, send,
    reset() {
      calls.length = 0;
      refused.length = 0;
      Object.assign(state, { fail: null, isReady: true, pause: null });
    },
    post: (path, body, headers = asJson) => send('POST', path, headers, typeof body === 'string' ? body : JSON.stringify(body)),
    raw: (text) => new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      socket.on('data', (chunk) => (answer += chunk));
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    }),
  };
}

export function assertError(answer: Answer, status: number, code: string, about = ''): void {
  assert.equal(answer.status, status, `${about} ${answer.text}`);
  assert.deepEqual(Object.keys(answer.json?.error ?? {}).toSorted(), ['code', 'hint', 'message']);
  assert.equal(answer.json?.error?.code, code, about);
}

/** Every route of the running server, from its own openapi.json, with something in the places of names. */
export async function routesOf({ send }: Pick<Site, 'send'>): Promise<{ method: string; path: string; isOperators: boolean }[]> {
  const { text } = await send('GET', '/openapi.json', bearer);
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, { description?: string }>> };
  return Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, { description = '' }]) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, 'x-1'), isOperators: description.includes('operator') })));
}
