// What any OpenAI-compatible server must get right behind the gateway: a structured answer, a stream, embeddings, and a name for each way in
// which it fails. The failures are made by a proxy before the server, so that a real one fails as well.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { systemClock } from '#actors/clock.ts';
import { createProvider, type Asked } from '#connectors/model/provider.ts';
import { schemaOf } from '#connectors/model/question.ts';
import { endpointsOf } from '#connectors/model/settings.ts';
import type { Tried } from '#machines/agents/activities.ts';
import { endpointEntity } from '#machines/capabilities.ts';
import { task } from '#machines/tasks.ts';
import { openDesk, settingsFor } from '#test/connectors/model/desk.ts';
import { startFaultyProxy, type Fault, type FaultyProxy } from '#test/kit/faulty-proxy.ts';
import { z } from 'zod';

/** Short, because whoever answers may know nothing and write on until it may not. */
export const shortTask = task({
  name: 'short', version: 1, input: z.object({ thing: z.string() }), answer: z.object({ colour: z.enum(['red', 'green', 'blue']), confidence: z.number().min(0).max(1) }),
  prompt: 'Name the colour of the thing.', outputTokensMax: 200, facing: 'internal',
});

/** `url`: without `/v1`. */
export interface RunningModel { url: string; model: string; stop(): Promise<void> }

const free = { inputPerMillionUsd: 1, outputPerMillionUsd: 1 };
const signal = new AbortController().signal;

export function modelContract(name: string, start: () => Promise<RunningModel>): void {
  let server: RunningModel;
  let proxy: FaultyProxy;
  before(async () => {
    server = await start();
    proxy = await startFaultyProxy(server.url);
  });
  after(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  const settings = (stallMs: number) => settingsFor(`${proxy.url}/v1`, {
    providers: { kit: { baseUrl: `${proxy.url}/v1`, timeoutMs: 120_000, stallMs } }, tiers: { small: { provider: 'kit', model: server.model } },
    prices: { [server.model]: free }, embeddings: { provider: 'kit', model: server.model },
  });
  const desk = async (stallMs = 60_000) => {
    const opened = await openDesk({ url: `${proxy.url}/v1` }, { settings: settings(stallMs) });
    return { ...opened, ask: () => opened.ask({ task: shortTask, input: { thing: 'grass' } }) };
  };
  const assertCounted = async ({ books }: Awaited<ReturnType<typeof desk>>, tried: Tried, how: 'by usage' | 'in full' | 'nothing') => {
    const last = (await books.spends()).findLast(({ state }) => state === 'settled')!;
    assert.equal(tried.costMicros, last.micros);
    assert.ok(how === 'nothing' ? last.micros === 0 : how === 'in full' ? last.micros === last.heldMicros : last.micros > 0 && last.micros < last.heldMicros, inspect(last));
    assert.equal((await books.taken()).reserved, 0);
  };

  test(`${name}: a structured answer fits its schema, also against its will, and is paid as the server says`, async () => {
    const opened = await desk();
    const tried = await opened.ask();
    assert.equal(tried.outcome, 'answered', tried.reason);
    assert.ok(shortTask.answer.safeParse(tried.answer).success, inspect(tried.answer));
    await assertCounted(opened, tried, 'by usage');
    const [fact] = (await opened.books.store.query('facts', { entity: endpointEntity('kit', server.model) })) as { value: Record<string, unknown> }[];
    assert.deepEqual([fact!.value['schema'], fact!.value['stream'], fact!.value['streamUsage'], fact!.value['models'], fact!.value['embeddings']], [true, true, true, true, true], inspect(fact!.value));
  });

  test(`${name}: a stream comes in pieces that make the whole, with what was used at its end`, async () => {
    const provider = createProvider(endpointsOf(settings(60_000), {}).get('kit')!, { clock: systemClock });
    const pieces: string[] = [];
    const asked: Asked = { model: server.model, system: shortTask.prompt, turns: [{ role: 'user', content: 'grass' }], schema: schemaOf(shortTask), outputTokensMax: 200, effort: null, latency: 'now', stream: true };
    const streamed = await provider.ask(asked, { signal, onText: (piece) => pieces.push(piece) });
    assert.equal(streamed.outcome, 'text', inspect(streamed));
    assert.ok(pieces.length > 1);
    assert.equal(pieces.join(''), 'text' in streamed && streamed.text);
    assert.ok(streamed.usage!.inputTokens > 0 && streamed.usage!.outputTokens > 0);
    const whole = await provider.ask({ ...asked, stream: false }, { signal });
    assert.equal(whole.outcome, 'text', inspect(whole));
    assert.ok(whole.usage !== null);
  });

  test(`${name}: embeddings come one for each text, the same for the same`, async () => {
    const found = await (await desk()).gateway.embed(['a green field', 'an unpaid invoice', 'a green field'], { id: 'memory/1', workflow: 'memory', run: 'memory/1', signal });
    assert.ok('vectors' in found, inspect(found));
    const [one, other, again] = found.vectors as [number[], number[], number[]];
    const near = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
    assert.ok(near(one, again) > 0.9999 && near(one, other) < 0.9999);
  });

  const faults: [what: string, fault: Fault, outcome: Tried['outcome'], how: 'in full' | 'nothing', stallMs?: number][] = [
    ['429 with Retry-After', { kind: 'answer', status: 429, headers: { 'retry-after': '30' }, body: '{"error":{"message":"slow down"}}' }, 'throttled', 'nothing'],
    ['a server that says nothing', { kind: 'silence' }, 'timeout', 'in full', 300],
    ['a stream that falls silent', { kind: 'half', bytes: 60, ends: 'silence' }, 'timeout', 'in full', 3_000],
    ['half a stream', { kind: 'half', bytes: 60, ends: 'tear' }, 'cut', 'in full'],
    ['an answer of 5 MB', { kind: 'flood', bytes: 5_000_000 }, 'cut', 'in full'],
    ['a stream of invalid JSON', { kind: 'answer', status: 200, headers: { 'content-type': 'text/event-stream' }, body: 'data: {"choices": [{]}\n\n' }, 'unreadable', 'in full'],
    ['a lost reply', { kind: 'lose-reply' }, 'down', 'in full'],
    ['an error after it was done', { kind: 'answer-after', status: 502 }, 'down', 'in full'],
  ];
  for (const [what, fault, outcome, how, stallMs] of faults) {
    test(`${name}: ${what} is '${outcome}', counted ${how}, and the next call is answered`, async () => {
      const opened = await desk(60_000);
      assert.equal((await opened.ask()).outcome, 'answered');
      // The same books: what the endpoint can do is known, so the fault meets the question.
      const impatient = stallMs === undefined ? opened : { ...opened, ask: (await openDesk({ url: `${proxy.url}/v1` }, { settings: settings(stallMs), books: opened.books })).ask };
      const reached = proxy.once(/^POST$/, fault);
      const tried = await impatient.ask(...(stallMs === undefined ? [] : [{ task: shortTask, input: { thing: 'grass' } }] as never));
      await reached;
      assert.equal(tried.outcome, outcome, tried.reason);
      await assertCounted(opened, tried, how);
      if (tried.outcome === 'throttled') assert.ok(tried.againAtMs! > systemClock.now());
      else assert.equal((await opened.ask()).outcome, 'answered');
    });
  }
}
