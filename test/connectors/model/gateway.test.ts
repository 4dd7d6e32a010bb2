// Goal: whatever a provider does has a name, nothing is asked without money on the books, and what may have been charged is counted. Method:
// a scripted HTTP server, the real gateway, real commits on a file; each test looks at the answer, at the books and at what the server saw.
import assert from 'node:assert/strict';
import test, { after, before, beforeEach } from 'node:test';
import { inspect } from 'node:util';
import { systemClock } from '#actors/clock.ts';
import { freePort } from '#test/kit/free-port.ts';
import { answering, startModelServer, type ModelServer, type Said } from '#test/kit/model-server.ts';
import { noLimits, openBooks } from './books.ts';
import { colourTask, green, impatient, key, openDesk, settingsFor } from './desk.ts';

let server: ModelServer;
before(async () => { server = await startModelServer(); });
after(() => server.stop());
beforeEach(() => {
  server.asked.length = server.seen.length = 0;
  server.charged = { input: 0, output: 0 };
  Object.assign(server.can, { schema: true, stream: true, streamUsage: true, tools: true, embeddings: true, batches: false });
  server.respond = answering(green);
});

/** Settlements of the question itself, without those of the probe. */
const settledOf = (rows: { state: string; workflow?: string }[]) => rows.filter(({ state, workflow }) => state === 'settled' && workflow === 'mail');

test('a structured answer is given with its price, and the books say what the provider says', async () => {
  const desk = await openDesk(server);
  const tried = await desk.ask();
  assert.deepEqual([tried.outcome, tried.answer, tried.confidence, tried.model], ['answered', green, 0.75, 'small-1']);
  assert.ok(tried.costMicros! > 0);
  assert.deepEqual(tried.prompt, { id: 'colour', version: 0 });
  const { settled, reserved } = await desk.books.taken();
  assert.deepEqual([settled, reserved], [server.charged.input + server.charged.output, 0], 'at a dollar a million, a token is a millionth');
  const [call] = server.asked;
  assert.deepEqual([call!.path, call!.stream, call!.key, call!.body['max_tokens']], ['/chat/completions', true, `Bearer ${key}`, 100]);
  assert.ok(call!.schema !== null);
  assert.ok(!call!.system.includes('grass'), 'what may be a stranger\'s stands in no instruction');
});

test('more is reserved than any call of it can cost', async () => {
  const desk = await openDesk(server);
  await desk.ask({ input: { thing: '🌱'.repeat(500) } });
  const rows = (await desk.books.spends()).filter(({ state }) => state === 'settled');
  assert.ok(rows.length > 0 && rows.every(({ micros, heldMicros }) => micros <= heldMicros), inspect(rows));
});

test('what the endpoint can do is asked once, paid by upkeep, kept as a fact, and known after a restart', async () => {
  const desk = await openDesk(server);
  await Promise.all([desk.ask(), desk.ask()]);
  const probes = () => server.seen.length - server.asked.length;
  const first = probes();
  assert.ok(first > 0);
  const [fact] = (await desk.books.store.query('facts', { entity: 'asset/model-endpoint-kit:small-1' })) as { value: object; label: string }[];
  assert.equal(fact!.label, 'verified-connector');
  assert.deepEqual(fact!.value, { url: server.url, model: 'small-1', models: true, schema: true, tools: true, stream: true, streamUsage: true, embeddings: true, batch: false, note: '' });
  const upkeep = (await desk.books.spends()).filter((row) => (row as { workflow?: string }).workflow === 'upkeep');
  assert.equal(upkeep.length, 6, 'three calls, each reserved and settled');
  const again = await openDesk(server, { books: desk.books });
  assert.equal((await again.ask()).outcome, 'answered');
  assert.equal(probes(), first);
});

test('an endpoint that ignores schemas is told the schema in words, and its answer is checked', async () => {
  server.can.schema = false;
  const desk = await openDesk(server);
  server.respond = answering(`\`\`\`json\n${JSON.stringify(green)}\n\`\`\``);
  assert.deepEqual((await desk.ask()).answer, green);
  assert.equal(server.asked[0]!.schema, null);
  assert.match(server.asked[0]!.system, /The schema: .*"colour"/);
});

test('an endpoint that streams without saying what was used is asked for the whole', async () => {
  server.can.streamUsage = false;
  const desk = await openDesk(server);
  assert.equal((await desk.ask()).outcome, 'answered');
  assert.equal(server.asked[0]!.stream, false);
});

test('an endpoint without streams is asked for the whole', async () => {
  server.can.stream = false;
  const desk = await openDesk(server);
  assert.equal((await desk.ask()).outcome, 'answered');
  assert.equal(server.asked[0]!.stream, false);
});

for (const [what, bad] of [['no JSON', 'Green, I would say.'], ['JSON off the schema', { ...green, colour: 'purple' }]] as const) {
  test(`${what} is asked for once more, and both calls are paid`, async () => {
    const said: unknown[] = [bad, green];
    server.respond = () => ({ answer: said.shift() });
    const desk = await openDesk(server);
    const tried = await desk.ask();
    assert.deepEqual([tried.outcome, tried.answer], ['answered', green]);
    assert.deepEqual(server.asked.map(({ turns }) => turns.length), [1, 3]);
    const settled = (await desk.books.spends()).filter((row) => row.state === 'settled' && (row as unknown as { run: string }).run === 'mail/m-1');
    assert.equal(settled.length, 2);
    assert.equal(settled.reduce((sum, { micros }) => sum + micros, 0), tried.costMicros);
  });
}

interface Expected { outcome: string; calls?: number; charged: 'usage' | 'in full' | 'nothing' }
const misbehaviours: Record<string, [Said, Expected]> = {
  'what stays unreadable': [{ answer: 'no' }, { outcome: 'unreadable', calls: 2, charged: 'usage' }],
  'an empty answer': [{ answer: '' }, { outcome: 'unreadable', charged: 'usage' }],
  'a refusal': [{ answer: null, refusal: 'I would rather not.' }, { outcome: 'refused', charged: 'usage' }],
  'a filtered answer': [{ answer: '', finish: 'content_filter' }, { outcome: 'refused', charged: 'usage' }],
  'an answer cut by its length': [{ answer: '{"colour":', finish: 'length' }, { outcome: 'cut', charged: 'usage' }],
  'half a stream that ends': [{ half: green, ends: 'end' }, { outcome: 'cut', charged: 'in full' }],
  'half a stream whose connection is torn': [{ half: green, ends: 'tear' }, { outcome: 'cut', charged: 'in full' }],
  'a stream that falls silent': [{ half: green, ends: 'silence' }, { outcome: 'timeout', charged: 'in full' }],
  'no answer at all': ['silence', { outcome: 'timeout', charged: 'in full' }],
  'a connection torn before an answer': ['tear', { outcome: 'down', charged: 'in full' }],
  'an answer of 5 MB': [{ flood: 5_000_000 }, { outcome: 'cut', charged: 'in full' }],
  'a stream of no JSON': [{ raw: 'data: {"choices": [\n\n', type: 'text/event-stream' }, { outcome: 'unreadable', charged: 'in full' }],
  'a web page': [{ raw: '<h1>Hello</h1>', type: 'text/html' }, { outcome: 'unreadable', charged: 'in full' }],
  '429 with seconds': [{ status: 429, headers: { 'retry-after': '7' } }, { outcome: 'throttled', charged: 'nothing' }],
  '429 for want of credit': [{ status: 429, body: { error: { message: 'no credit', code: 'insufficient_quota' } } }, { outcome: 'throttled', charged: 'nothing' }],
  '402': [{ status: 402 }, { outcome: 'throttled', charged: 'nothing' }],
  '500': [{ status: 500 }, { outcome: 'down', charged: 'in full' }],
  '503 that repeats the key': [{ status: 503, body: { error: { message: `no ${key}` } } }, { outcome: 'down', charged: 'in full' }],
  '401 that repeats the key': [{ status: 401, body: { error: { message: `Incorrect API key provided: ${key}` } } }, { outcome: 'unsupported', charged: 'nothing' }],
  '400 in plain text that repeats the key': [{ status: 400, headers: { 'content-type': 'text/plain', 'x-echo': key }, body: `bad ${key}` }, { outcome: 'unsupported', charged: 'nothing' }],
  'a redirect': [{ status: 307, headers: { location: 'http://127.0.0.1:9/' } }, { outcome: 'down', charged: 'in full' }],
};
for (const [what, [said, { outcome, calls = 1, charged }]] of Object.entries(misbehaviours)) {
  test(`${what} is '${outcome}' after ${calls === 1 ? 'one call' : `${calls} calls`}, counted ${charged === 'usage' ? 'as the provider says' : charged === 'nothing' ? 'as nothing' : charged}, and no key is told`, async () => {
    const desk = await openDesk(server);
    await desk.ask();
    const earlier = (await desk.books.spends()).length;
    server.asked.length = 0;
    server.respond = () => said;
    const asking = outcome === 'timeout' ? await openDesk(server, { books: desk.books, settings: impatient(server.url) }) : desk;
    const tried = await asking.ask();
    assert.deepEqual([tried.outcome, tried.answer, tried.confidence], [outcome, null, null], tried.reason);
    assert.equal(server.asked.length, calls);
    const rows = (await desk.books.spends()).slice(earlier);
    assert.deepEqual(rows.map(({ state }) => state), Array.from({ length: calls }, () => ['reserved', 'settled']).flat());
    const settled = rows.filter(({ state }) => state === 'settled');
    for (const { micros, heldMicros } of settled) {
      if (charged === 'nothing') assert.equal(micros, 0);
      else if (charged === 'in full') assert.equal(micros, heldMicros);
      else assert.ok(micros > 0 && micros < heldMicros);
    }
    assert.equal(tried.costMicros, settled.reduce((sum, { micros }) => sum + micros, 0));
    assert.equal((await desk.books.taken()).reserved, 0);
    for (const shown of [tried, rows, desk.logged, await desk.books.db.all('SELECT * FROM journal')]) assert.ok(!inspect(shown, { depth: 10, maxStringLength: null }).includes(key));
  });
}

test('a provider that is not there has cost nothing, and after three times it is left alone', async () => {
  const desk = await openDesk({ url: `http://127.0.0.1:${await freePort()}/v1` });
  for (let i = 0; i < 3; i += 1) assert.equal((await desk.ask()).outcome, 'down');
  const { settled, reserved } = await desk.books.taken();
  assert.deepEqual([settled, reserved], [0, 0]);
  const earlier = (await desk.books.spends()).length;
  const tried = await desk.ask();
  assert.deepEqual([tried.outcome, tried.costMicros], ['down', null]);
  assert.match(tried.reason, /left alone for a while/);
  assert.ok(tried.againAtMs! > systemClock.now());
  assert.equal((await desk.books.spends()).length, earlier);
});

test('who asks for patience is left alone for that long, in seconds or until a date', async () => {
  let nowMs = Date.UTC(2026, 10, 24, 9);
  const clock = { ...systemClock, now: () => nowMs };
  const desk = await openDesk(server, { clock });
  await desk.ask();
  for (const header of [() => '90', () => new Date(nowMs + 90_000).toUTCString()]) {
    const retryAfter = header();
    server.respond = () => ({ status: 429, headers: { 'retry-after': retryAfter } });
    assert.equal((await desk.ask()).againAtMs, nowMs + 90_000);
    server.asked.length = 0;
    const resting = await desk.ask();
    assert.deepEqual([resting.outcome, resting.againAtMs, server.asked.length], ['throttled', nowMs + 90_000, 0]);
    nowMs += 90_000;
    server.respond = answering(green);
    assert.equal((await desk.ask()).outcome, 'answered');
  }
});

test('an answer in another language than asked for is no answer', async () => {
  server.respond = answering({ ...green, text: 'The grass is green, and we would like to thank you for your question about it.' });
  const desk = await openDesk(server);
  assert.equal((await desk.ask({ input: { thing: 'Gras', language: 'de' } })).outcome, 'wrong-language');
  assert.equal((await desk.ask({ input: { thing: 'grass', language: 'en' } })).outcome, 'answered');
});

test('without money nothing is asked', async () => {
  const desk = await openDesk(server, { budgets: { ...noLimits, workflows: { mail: { perDayMicros: 10 } } } });
  const tried = await desk.ask();
  assert.deepEqual([tried.outcome, tried.costMicros, server.asked.length], ['unaffordable', null, 0]);
  assert.match(tried.reason, /budget of mail/);
  assert.deepEqual(desk.gateway.shortages().map(({ scope }) => scope), ['workflow/mail']);
});

test('when the money ends at the repair, what was had so far is said and paid', async () => {
  server.respond = answering('no');
  const rich = await openDesk(server);
  await rich.ask();
  const { heldMicros } = (await rich.books.spends()).find((row) => row.state === 'settled' && row.outcome === 'text' && (row as unknown as { run: string }).run === 'mail/m-1')!;
  server.asked.length = 0;
  const desk = await openDesk(server, { budgets: { ...noLimits, workflows: { mail: { perDayMicros: heldMicros } } } });
  const tried = await desk.ask();
  assert.deepEqual([tried.outcome, server.asked.length], ['unreadable', 1]);
  assert.ok(tried.costMicros! > 0);
  assert.match(tried.reason, /no money to ask once more/);
});

test('a model whose price nobody knows is not asked, or asked at a price that is assumed', async () => {
  const refusing = await openDesk(server, { settings: settingsFor(server.url, { prices: {} }) });
  assert.deepEqual([(await refusing.ask()).outcome, server.seen.length], ['unpriced', 0]);
  const assuming = await openDesk(server, { settings: settingsFor(server.url, { prices: {}, unknownPrices: 'assume' }) });
  const tried = await assuming.ask();
  assert.equal(tried.outcome, 'answered');
  assert.ok(tried.costMicros! > 100);
  assert.ok((await assuming.books.spends()).every((row) => row.state === 'settled' || row.price === 'assumed'));
});

test('a model that the company calls free is free, and stands in the books', async () => {
  const desk = await openDesk(server, { settings: settingsFor(server.url, { prices: { 'small-1': { inputPerMillionUsd: 0, outputPerMillionUsd: 0 } } }) });
  assert.equal((await desk.ask()).costMicros, 0);
  assert.deepEqual(await desk.books.taken(), { settled: 0, reserved: 0 });
  assert.ok((await desk.books.spends()).length > 0);
});

test('a provider that charges more than was reserved is believed, and it is said loudly', async () => {
  const desk = await openDesk(server);
  await desk.ask();
  server.respond = answering(green, { tokens: { input: 50_000, output: 50_000 } });
  assert.equal((await desk.ask()).costMicros, 100_000);
  assert.ok(desk.logged.some((line) => line.includes('charges more than the most')));
});

test('the same question is answered from before where that is allowed, for nothing', async () => {
  const desk = await openDesk(server);
  const first = await desk.ask({ cache: true });
  const again = await desk.ask({ cache: true, id: 'mail/m-2#1.0' });
  assert.deepEqual([first.outcome, again.outcome, again.answer, again.costMicros, server.asked.length], ['answered', 'cached', green, 0, 1]);
  for (const other of [{ cache: false }, { input: { thing: 'moss' } }, { tier: 'large' }, { prompt: { id: 'colour', version: 1, text: 'Say its colour.' } }, { task: { ...colourTask, version: 2 } }]) {
    assert.equal((await desk.ask({ cache: true, ...other })).outcome, 'answered', inspect(other));
  }
});

test('half an emoji in question or answer hurts nobody', async () => {
  server.respond = answering(`{"colour":"green","text":"\\ud83c is half","confidence":0.5}`);
  const desk = await openDesk(server);
  const tried = await desk.ask({ cache: true, input: { thing: 'a leaf \ud83c' } });
  assert.equal(tried.outcome, 'answered');
  assert.ok((tried.answer as { text: string }).text.isWellFormed());
});

test('an answer that was kept and fits its schema no more is not given', async () => {
  const desk = await openDesk(server);
  await desk.ask({ cache: true });
  await desk.books.db.run("UPDATE answer SET value = '{\"colour\":\"mauve\"}'");
  assert.equal((await desk.ask({ cache: true })).outcome, 'answered');
});

test('what is refused, cut or unreadable is not kept', async () => {
  const desk = await openDesk(server);
  for (const said of [{ answer: 'no' }, { answer: '{"colour":', finish: 'length' }] as Said[]) {
    server.respond = () => said;
    await desk.ask({ cache: true });
  }
  assert.deepEqual(await desk.books.db.all('SELECT * FROM answer'), []);
});

test('what a killed try left reserved is counted in full by the next try of the same job, once, and in its cost', async () => {
  const desk = await openDesk(server);
  await desk.ask();
  const leave = { state: 'reserved' as const, id: 'mail/m-7#3.0/lost', micros: 777, workflow: 'mail', run: 'mail/m-1', untilMs: systemClock.now() + 60_000, task: 'colour', tier: 'small', provider: 'kit', model: 'small-1', price: 'settings' as const };
  const { emptyCommit } = await import('#machines/commit.ts');
  for (const spend of [leave, { ...leave, id: 'mail/m-7#3.00/other' }]) assert.equal((await desk.books.store.commit({ ...emptyCommit(`${spend.id}!reserve`, systemClock.now(), 'connector/model', {}), spends: [spend] })).outcome, 'written');
  const restarted = await openDesk(server, { books: desk.books });
  const tried = await restarted.ask({ id: 'mail/m-7#3.0' });
  const own = (await desk.books.spends()).filter((row) => row.state === 'settled' && row.id.startsWith('mail/m-7#3.0/'));
  assert.deepEqual(own.map(({ micros, heldMicros }) => [micros === 777, heldMicros === 777]), [[true, true], [false, false]]);
  assert.equal(tried.costMicros, own[0]!.micros + own[1]!.micros);
  assert.equal((await desk.books.taken()).reserved, 777, 'another job\'s is left alone');
  assert.equal((await restarted.ask({ id: 'mail/m-7#3.0' })).outcome, 'answered');
});

test('a call that was swept meanwhile stays counted, and its answer is used', async () => {
  const desk = await openDesk(server);
  await desk.ask();
  server.respond = async () => {
    const [open] = (await desk.books.store.query('reservations', {})) as { id: string; micros: number }[];
    const { emptyCommit } = await import('#machines/commit.ts');
    await desk.books.store.commit({ ...emptyCommit('sweep', systemClock.now(), 'connector/model', {}), spends: [{ state: 'settled', id: open!.id, micros: open!.micros, outcome: 'swept', inputTokens: null, outputTokens: null, note: '' }] });
    return { answer: green };
  };
  assert.equal((await desk.ask()).outcome, 'answered');
  assert.ok(desk.logged.some((line) => line.includes('settled before it ended')));
  await desk.books.taken();
});

test('a settlement waits for the store to come back', async () => {
  const books = await openBooks();
  let failing = 0;
  const { KeelsonError } = await import('#machines/errors.ts');
  const shaky = { ...books, store: { ...books.store, async commit(commit: Parameters<typeof books.store.commit>[0]) {
    if (commit.id.endsWith('!settle') && (failing += 1) <= 2) throw new KeelsonError('STORE_FAILED', 'away');
    return books.store.commit(commit);
  } } };
  const desk = await openDesk(server, { books: shaky });
  assert.equal((await desk.ask()).outcome, 'answered');
  assert.ok(failing > 2);
  assert.equal((await books.taken()).reserved, 0);
});

test('when nobody waits any more nothing is asked, and nothing stays reserved', async () => {
  const desk = await openDesk(server);
  await desk.ask();
  server.asked.length = 0;
  await assert.rejects(desk.ask({ signal: AbortSignal.abort() }), { code: 'TIMEOUT' });
  assert.equal(server.asked.length, 0);
  assert.equal((await desk.books.taken()).reserved, 0);
});

test('a secret that is named and not set makes a tier unsupported, by the name of the secret', async () => {
  const desk = await openDesk(server, { secrets: {} });
  const tried = await desk.ask();
  assert.equal(tried.outcome, 'unsupported');
  assert.match(tried.reason, /KIT_KEY/);
  assert.equal(server.seen.length, 0);
});

test('embeddings are paid and come in their order; one too few is no answer', async () => {
  const desk = await openDesk(server);
  const request = { id: 'memory/1', workflow: 'memory', run: 'memory/embed', signal: new AbortController().signal };
  const found = await desk.gateway.embed(['grass', 'sky', 'grass'], request);
  assert.ok('vectors' in found, inspect(found));
  assert.deepEqual(found.vectors[0], found.vectors[2]);
  assert.notDeepEqual(found.vectors[0], found.vectors[1]);
  assert.equal(found.costMicros, server.charged.input);
  server.can.embeddings = false;
  const none = await desk.gateway.embed(['grass'], request);
  assert.deepEqual('outcome' in none && none.outcome, 'unsupported');
  assert.equal((await desk.books.taken()).reserved, 0);
  assert.equal(settledOf(await desk.books.spends()).length, 0);
});

test('a look at the providers costs nothing: who answers is up, who refuses the key or is gone is down', async () => {
  const signal = new AbortController().signal;
  const desk = await openDesk(server);
  assert.deepEqual(await desk.gateway.down(signal), []);
  assert.deepEqual(server.seen, ['GET /models']);
  const gone = await openDesk({ url: `http://127.0.0.1:${await freePort()}/v1` });
  assert.deepEqual((await gone.gateway.down(signal)).map(({ provider }) => provider), ['kit']);
  assert.equal((await gone.books.spends()).length, 0);
});
