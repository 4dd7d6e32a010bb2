// Goal: OpenAI itself is asked by Responses, with every outcome by its name; and nothing of the environment but what was given is believed.
// Method: a scripted server that speaks Responses, and the provider alone.
import assert from 'node:assert/strict';
import test, { after, before, beforeEach } from 'node:test';
import { inspect } from 'node:util';
import { systemClock } from '#actors/clock.ts';
import { retryAtMs } from '#connectors/model/failed-call.ts';
import { createProvider, type Asked } from '#connectors/model/provider.ts';
import { schemaOf } from '#connectors/model/question.ts';
import type { Endpoint } from '#connectors/model/settings.ts';
import { answering, startModelServer, type ModelServer, type Said } from '#test/kit/model-server.ts';
import { colourTask, green, key } from './desk.ts';

let server: ModelServer;
before(async () => { server = await startModelServer(); });
after(() => server.stop());
beforeEach(() => { server.asked.length = server.seen.length = 0; });

const endpoint = (): Endpoint => ({ name: 'openai', wire: 'responses', baseUrl: server.url, key, lacks: null, timeoutMs: 60_000, stallMs: 30_000 });
const open = (more: Partial<Endpoint> = {}) => createProvider({ ...endpoint(), ...more }, { clock: systemClock });
const lifeline = { signal: new AbortController().signal };
const asked: Asked = { model: 'gpt-6-luna', system: 'Name a colour.', turns: [{ role: 'user', content: 'grass' }], schema: schemaOf(colourTask), outputTokensMax: 100, effort: 'low', latency: 'now', stream: true };

for (const stream of [true, false]) {
  test(`an answer by Responses ${stream ? 'as a stream' : 'as a whole'} is its text and what was used; nothing is kept there`, async () => {
    server.respond = answering(green, { tokens: { input: 50, output: 20, cached: 30 } });
    const pieces: string[] = [];
    const reply = await open().ask({ ...asked, stream }, { ...lifeline, onText: (piece) => pieces.push(piece) });
    assert.deepEqual(reply, { outcome: 'text', text: JSON.stringify(green), usage: { inputTokens: 50, outputTokens: 20, cachedInputTokens: 30 } });
    if (stream) assert.equal(pieces.join(''), JSON.stringify(green));
    const [{ path, body }] = server.asked as [ModelServer['asked'][0]];
    assert.deepEqual([path, body['store'], body['service_tier'], body['max_output_tokens'], body['reasoning']], ['/responses', false, 'default', 100, { effort: 'low' }]);
    assert.deepEqual((body['text'] as { format: { type: string; strict: boolean } }).format.strict, true);
  });
}

test('what can wait is asked at the cheaper rate', async () => {
  server.respond = answering(green);
  await open().ask({ ...asked, latency: 'batch' }, lifeline);
  assert.equal(server.asked[0]!.body['service_tier'], 'flex');
});

const failures: Record<string, [Said, outcome: string, usage: boolean]> = {
  'a refusal': [{ answer: null, refusal: 'no' }, 'refused', true],
  'an answer cut by its length': [{ answer: '{"col', finish: 'length' }, 'cut', true],
  'an empty answer': [{ answer: '' }, 'unreadable', true],
  'half a stream': [{ half: green, ends: 'end' }, 'cut', false],
  'a torn stream': [{ half: green, ends: 'tear' }, 'cut', false],
  'silence within': [{ half: green, ends: 'silence' }, 'timeout', false],
  'a failure told within the stream': [{ raw: 'event: error\ndata: {"type":"error","message":"on fire"}\n\n', type: 'text/event-stream' }, 'down', false],
  'a response that failed': [{ raw: 'event: response.failed\ndata: {"type":"response.failed","response":{"status":"failed","error":{"message":"on fire"}}}\n\n', type: 'text/event-stream' }, 'down', false],
  '5 MB': [{ flood: 5_000_000 }, 'cut', false],
};
for (const [what, [said, outcome, usage]] of Object.entries(failures)) {
  test(`by Responses, ${what} is '${outcome}'`, async () => {
    server.respond = () => said;
    const reply = await open(outcome === 'timeout' ? { stallMs: 300 } : {}).ask(asked, lifeline);
    assert.deepEqual([reply.outcome, reply.usage !== null], [outcome, usage], inspect(reply));
  });
}

test('an organisation or another address in the environment goes nowhere', async (t) => {
  const given = { OPENAI_ORG_ID: 'org-x', OPENAI_PROJECT_ID: 'proj-x', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1', OPENAI_LOG: 'debug' };
  Object.assign(process.env, given);
  t.after(() => Object.keys(given).forEach((name) => delete process.env[name]));
  server.respond = answering(green);
  assert.equal((await open().ask(asked, lifeline)).outcome, 'text');
});

test('tools, embeddings and batches are looked for where they are', async () => {
  server.can.batches = true;
  const provider = open();
  assert.deepEqual((await provider.callsTools('gpt-6-luna', 100, lifeline.signal) as { answer: boolean }).answer, true);
  assert.equal(await provider.takesBatches(lifeline.signal), true);
  server.can.batches = false;
  assert.equal(await provider.takesBatches(lifeline.signal), false);
  assert.deepEqual(await provider.models(lifeline.signal), { models: ['small-1', 'large-1'] });
});

test('Retry-After is read in seconds, in milliseconds and as a date, never as a time in the past or far away', () => {
  const now = Date.UTC(2026, 10, 24, 9);
  const at = (headers: Record<string, string>) => retryAtMs(new Headers(headers), now);
  assert.deepEqual([at({ 'retry-after': '7' }), at({ 'retry-after-ms': '70' }), at({ 'retry-after': 'Tue, 24 Nov 2026 09:01:00 GMT' }), at({ 'retry-after': 'Tue, 24 Nov 2026 08:00:00 GMT' }), at({ 'retry-after': 'soon' }), at({}), at({ 'retry-after': '99999999' })],
    [now + 7_000, now + 70, now + 60_000, now, null, null, now + 86_400_000]);
});
