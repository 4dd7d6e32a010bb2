// Goal: a model's answer is a draft and nothing more, and whatever goes wrong is one MODEL_FAILED after one request. Method: a
// real HTTP server that answers as each test says, then the copy agent on the real kernel with the model away.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import test, { after, before, beforeEach } from 'node:test';
import { inspect } from 'node:util';
import { draftWithModel } from '#connectors/model/openai.ts';
import { draftFromTemplates, type ReadHits } from '#connectors/reply.ts';
import { draftSchema, draftWithModel as modelActivity } from '#machines/agents/activities.ts';
import { copyMachine } from '#machines/agents/copy.ts';
import { activityOf } from '#machines/define.ts';
import { parseTemplate } from '#machines/agents/templates.ts';
import { KeelsonError } from '#machines/errors.ts';
import { buildMail } from '#test/kit/held-out.ts';
import { startWorld } from '#test/kit/world.ts';
import { complete, sendJson, startChatServer, type ChatServer } from './chat-server.ts';

const apiKey = 'sk-test-THE-SECRET-KEY-0123456789';
const sample = join(import.meta.dirname, '../../../supervisor/sample');
const company = JSON.parse(readFileSync(join(sample, 'company.json'), 'utf8')) as { name: string; operator: string; email: string; signature: string };
const library = readdirSync(join(sample, 'templates')).map((file) => parseTemplate(readFileSync(join(sample, 'templates', file), 'utf8')));
const templates = async () => library;
const mail = buildMail({ from: 'Nina Holt <nina@holt.example>', subject: 'Website', text: 'How much would a website cost? Could you send me a quote?' });
const input = { mail, language: 'en' as const, hits: [{ kind: 'fact', id: 'f-1-0', score: 1, place: 1 }] };
const known = [{ kind: 'fact', id: 'f-1-0', text: 'likes tea' }];
const readHits: ReadHits = async (hits) => hits.map((hit) => ({ ...hit, text: 'likes tea' }));
const good = { subject: 'Re: Website', text: 'Hello Nina,\n\nit depends.', templateId: 'quote-en', confidence: 0.7 };

let chat: ChatServer;
before(async () => { chat = await startChatServer(); });
after(() => chat.stop());
beforeEach(() => {
  for (const list of [chat.seen, chat.bodies, chat.keys]) list.length = 0;
  chat.models = ['local-model', 'other'];
});

async function draft({ model = 'named', signal = new AbortController().signal, baseUrl = chat.url }: { model?: string | null; signal?: AbortSignal; baseUrl?: string } = {}) {
  const answer = await draftWithModel({ apiKey, baseUrl, model }, templates, company, readHits)({ input: input as never, operationId: 'gen', attempt: 1, signal, heartbeat: () => {} });
  return draftSchema.parse(answer);
}
async function failure(options?: Parameters<typeof draft>[0]): Promise<KeelsonError> {
  const error = await draft(options).then(() => assert.fail('it answered'), (thrown: unknown) => thrown);
  assert.ok(error instanceof KeelsonError, inspect(error));
  return error;
}
const answers = (content: unknown, rest?: { refusal?: string; finish?: string }) => { chat.respond = (answer: ServerResponse) => complete(answer, content, rest); };

test('a structured answer becomes a draft that names its model and its unknown price', async () => {
  answers(good);
  assert.deepEqual(await draft(), { ...good, reasons: ['drafted by named'], evidence: [{ kind: 'artifact', id: mail.id }], model: 'named', costMicros: null });
  assert.deepEqual(chat.seen, ['POST /v1/chat/completions']);
});

test('the request asks for the schema and gives templates of the language, what is known and the mail as data', async () => {
  answers(good);
  await draft();
  const [{ messages, response_format: format, model }] = chat.bodies as [ChatServer['bodies'][0]];
  assert.deepEqual([model, format.type, format.json_schema.strict], ['named', 'json_schema', true]);
  assert.deepEqual(messages.map(({ role }) => role), ['system', 'user']);
  assert.ok(!messages[0]!.content.includes(mail.text) && messages[0]!.content.includes(company.signature));
  const said = JSON.parse(messages[1]!.content) as { templates: { id: string }[]; known: unknown[]; mail: { text: string } };
  assert.ok(said.templates.length > 0 && said.templates.every(({ id }) => id.endsWith('-en')));
  assert.deepEqual([said.known, said.mail.text], [known, mail.text]);
});

test('a model is never certain, and never less than not at all', async () => {
  for (const [said, taken] of [[1, 0.9], [57, 0.9], [-3, 0], [0.42, 0.42]] as const) {
    answers({ ...good, confidence: said });
    assert.equal((await draft()).confidence, taken);
  }
});

test('a template that the library does not have is not believed', async () => {
  answers({ ...good, templateId: 'quote-de' });
  assert.equal((await draft()).templateId, null);
});

test('a subject is one bounded line, and an empty one answers the mail', async () => {
  answers({ ...good, subject: `a\r\nBcc: eve@evil.example${'x'.repeat(500)}` });
  const { subject } = await draft();
  assert.ok(!/[\r\n]/.test(subject) && subject.length <= 250);
  answers({ ...good, subject: ' \n ' });
  assert.equal((await draft()).subject, 'Re: Website');
});

test('with only an endpoint given, its first model is used', async () => {
  answers(good);
  assert.equal((await draft({ model: null })).model, 'local-model');
  assert.deepEqual(chat.seen, ['GET /v1/models', 'POST /v1/chat/completions']);
});

test('an endpoint that lists no model is asked without knowing its name', async () => {
  chat.models = [];
  answers(good);
  assert.equal((await draft({ model: null })).model, 'default');
});

const misbehaviours: Record<string, (answer: ServerResponse) => void> = {
  'status 500': (answer) => sendJson(answer, 500, { error: { message: 'on fire' } }),
  'status 429': (answer) => { answer.setHeader('retry-after', '1'); sendJson(answer, 429, { error: { message: 'slow down' } }); },
  'status 401 that repeats the key': (answer) => sendJson(answer, 401, { error: { message: `Incorrect API key provided: ${apiKey}` } }),
  'status 400 in plain text that repeats the key': (answer) => { answer.writeHead(400, { 'content-type': 'text/plain', 'x-echo': apiKey }); answer.end(`bad key ${apiKey}`); },
  'JSON that is cut': (answer) => { answer.writeHead(200, { 'content-type': 'application/json' }); answer.end('{"choices": ['); },
  'a web page': (answer) => { answer.writeHead(200, { 'content-type': 'text/html' }); answer.end('<h1>Hello</h1>'); },
  'an empty object': (answer) => sendJson(answer, 200, {}),
  'no choices': (answer) => sendJson(answer, 200, { id: 'c', object: 'chat.completion', choices: [] }),
  'a message that is not JSON': (answer) => complete(answer, 'Dear Nina, it costs 5.'),
  'JSON of another shape': (answer) => complete(answer, { text: 'Hello', confidence: 'high' }),
  'an empty text': (answer) => complete(answer, { ...good, text: ' \n' }),
  'a text that no mail can hold': (answer) => complete(answer, { ...good, text: 'x'.repeat(100_001) }),
  'no content': (answer) => complete(answer, null),
  'an answer that was cut by length': (answer) => complete(answer, JSON.stringify(good).slice(0, 40), { finish: 'length' }),
  'a refusal': (answer) => complete(answer, null, { refusal: 'I cannot help with that.' }),
  'a filtered answer': (answer) => complete(answer, '', { finish: 'content_filter' }),
  'a broken connection': (answer) => void answer.destroy(),
  'half an answer': (answer) => { answer.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' }); answer.write('{"id":'); setImmediate(() => answer.destroy()); },
};
for (const [what, respond] of Object.entries(misbehaviours)) {
  test(`${what} is MODEL_FAILED after one request, without the key`, async () => {
    chat.respond = respond;
    const error = await failure();
    assert.deepEqual([error.code, error.disposition], ['MODEL_FAILED', 'retry']);
    assert.deepEqual(chat.seen, ['POST /v1/chat/completions']);
    assert.equal(chat.keys[0], `Bearer ${apiKey}`);
    assert.ok(!inspect(error, { depth: 10, showHidden: true }).includes(apiKey));
    assert.ok(error.message.length < 600);
  });
}

test('an answer that never comes ends when the worker gives up', async () => {
  const abort = new AbortController();
  chat.respond = () => abort.abort();
  assert.equal((await failure({ signal: abort.signal })).code, 'MODEL_FAILED');
  assert.equal(chat.seen.length, 1);
});

test('an endpoint that is not there is MODEL_FAILED', async () => {
  assert.equal((await failure({ baseUrl: 'http://127.0.0.1:9/v1' })).code, 'MODEL_FAILED');
});

test('a mail cannot make the model answer another question than its own', async () => {
  answers({ ...good, text: 'zebra', templateId: '__proto__' });
  const found = await draft();
  assert.deepEqual([found.templateId, found.evidence], [null, [{ kind: 'artifact', id: mail.id }]]);
});

test('on the real kernel the copy agent uses the template when the model is down, and says so', async (t) => {
  const world = await startWorld({ machines: [copyMachine], activities: { 'reply.model': draftWithModel({ apiKey, baseUrl: chat.url, model: 'named' }, templates, company, readHits), 'reply.template': draftFromTemplates(templates, company, readHits) } });
  t.after(() => world.stop());
  const ended = async (address: string) => {
    await world.start(address, 'copy@2', { ...input, useModel: true });
    const record = await world.until(`${address} ends`, async () => {
      const stored = await world.record(address);
      return stored?.status === 'done' && stored;
    });
    return draftSchema.parse(record.snapshot.output);
  };
  chat.respond = misbehaviours['status 401 that repeats the key']!;
  const fromTemplate = await ended('copy/down');
  assert.deepEqual([fromTemplate.templateId, fromTemplate.model], ['quote-en', null]);
  assert.match(fromTemplate.reasons[0] ?? '', /^the model failed, so a template was used: /);
  const { retry } = activityOf(modelActivity)!;
  assert.equal(chat.seen.length, retry !== 'never' && 'attempts' in retry && retry.attempts);
  for (const name of ['facts', 'decisions', 'artifacts', 'actors']) assert.ok(!JSON.stringify(await world.store.query(name, {})).includes(apiKey));
  assert.ok(!JSON.stringify(await world.record('copy/down')).includes(apiKey));

  answers(good);
  const fromModel = await ended('copy/up');
  assert.deepEqual([fromModel.model, fromModel.text], ['named', good.text]);
});
