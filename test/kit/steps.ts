// A provider that stops where a test wants it to: it holds the reply to one operation's call, answers as told, and writes down what
// came. `stepsConnector` is the text of a company's own connector for it, one action per kind of idempotency.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `plan` is asked whenever the gate judges: no effect, but a place to stand still at. */
export type Step = 'plan' | 'prepare' | 'commit' | 'lookup' | 'abort';
/** `drop`: taken, and the connection ends without an answer · 429: not now, in ten seconds · 409: a definite no. */
export type Reply = 'ok' | 'drop' | 429 | 409 | 'absent';

export interface Steps {
  url: string;
  /** What came, in order. Held calls are among it. */
  calls: { step: Step; name: string; key: string; pid: number }[];
  /** How often this operation's step came. */
  count(step: Step, name: string): number;
  /** The next such call after `skip` others is answered only when `release` is called. */
  hold(step: Step, name: string, skip?: number): { reached: Promise<void>; release(reply?: Reply): void };
  /** The answers to the next such calls; then they are good again. */
  answer(step: Step, name: string, ...replies: Reply[]): void;
  stop(): Promise<void>;
}

export async function startSteps(): Promise<Steps> {
  const calls: Steps['calls'] = [];
  const held = new Map<string, { skip: number; reached(): void; reply: Promise<Reply> }>();
  const replies = new Map<string, Reply[]>();
  const send = (response: ServerResponse, reply: Reply) => {
    if (reply === 'drop') return void response.destroy();
    response.writeHead(typeof reply === 'number' ? reply : 200, { 'content-type': 'application/json' }).end(JSON.stringify({ reply }));
  };
  const server = createServer((request, response) => {
    const [, step, name] = request.url!.split('/') as [string, Step, string];
    const place = `${step} ${name}`;
    calls.push({ step, name, key: String(request.headers['idempotency-key']), pid: Number(request.headers['x-pid']) });
    const hold = held.get(place);
    const waits = hold && hold.skip-- <= 0 ? hold : undefined;
    if (waits) held.delete(place);
    waits?.reached();
    void (waits?.reply ?? Promise.resolve(replies.get(place)?.shift() ?? 'ok')).then((reply) => send(response, reply));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls,
    count: (step, name) => calls.filter((call) => call.step === step && call.name === name).length,
    hold(step, name, skip = 0) {
      const reached = Promise.withResolvers<void>();
      const reply = Promise.withResolvers<Reply>();
      held.set(`${step} ${name}`, { skip, reached: reached.resolve, reply: reply.promise });
      return { reached: reached.promise, release: (with_ = 'ok') => reply.resolve(with_) };
    },
    answer: (step, name, ...next) => void replies.set(`${step} ${name}`, next),
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

// This file itself exports no default.
const exported = 'export default';
/** `connectors/steps.ts`; its settings are `{url}`. */
export const stepsConnector = `
import { action, KeelsonError } from 'keelson/connector';
import { z } from 'zod';

export const settingsSchema = z.strictObject({ url: z.url() });

${exported} function createSteps({ url }) {
  const host = new URL(url).host;
  const ask = async (step, { name }, { operationId, signal }) => {
    let response;
    try {
      response = await fetch(url + '/' + step + '/' + name, { method: 'POST', headers: { 'idempotency-key': operationId, 'x-pid': String(process.pid) }, ...(signal ? { signal } : {}) });
    } catch (cause) {
      throw new KeelsonError('SEND_UNKNOWN', step + ' got no answer', { cause });
    }
    if (response.status === 429) throw new KeelsonError('SEND_DEFERRED', step + ': not now', { retryAfterMs: 10000 });
    if (response.status !== 200) throw new KeelsonError('SEND_REFUSED', step + ': no');
    return (await response.json()).reply;
  };
  const done = (payload) => ({ done: true, providerRef: 'ref-' + payload.name, note: 'done', result: null, facts: [] });
  const one = (kind, idempotency, more = {}) => action({
    name: 'steps.' + kind, title: 'Do it', input: z.strictObject({ name: z.string() }), effect: 'write', risk: 'low', reversible: false, money: false, idempotency,
    async plan(payload, call) {
      await ask('plan', payload, call);
      return { summary: 'do ' + payload.name, preview: payload.name, risk: 'low', reasons: [], control: [], enclosures: [], money: null };
    },
    async commit(payload, call) {
      await ask('commit', payload, call);
      return done(payload);
    },
    ...more,
  });
  const twoPhases = {
    async prepare(payload, call) {
      await ask('prepare', payload, call);
      return { ref: 'held-' + payload.name, expiresAtMs: call.nowMs() + 86400000, note: 'held' };
    },
    async abort(payload, call) {
      await ask('abort', payload, call);
    },
  };
  const lookup = { async lookup(payload, call) {
    return (await ask('lookup', payload, call)) === 'absent' ? { found: 'absent', note: 'not there' } : { found: 'done', performed: done(payload) };
  } };
  return { name: 'steps', version: '1', hosts: [host], secrets: [], actions: [
    one('native', { kind: 'native', keyLifetimeMs: 86400000 }, twoPhases),
    one('lookup', { kind: 'lookup' }, lookup),
    one('none', { kind: 'none' }),
  ] };
}
`;
