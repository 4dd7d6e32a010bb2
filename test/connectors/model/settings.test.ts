// Goal: models.json says which minds there are, every fault is named at once, and a key never stands in it. Method: settings as an operator
// would write them, right and wrong.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { endpointsOf, keyNames, modelsSchema, settingsFromEnvironment, tiersOf } from '#connectors/model/settings.ts';
import { parseModels, readModels } from '#supervisor/main-model-settings.ts';

const good = {
  providers: { openai: { key: 'OPENAI_API_KEY' }, home: { baseUrl: 'http://127.0.0.1:11434/v1/' } },
  tiers: { small: { provider: 'home', model: null }, large: { provider: 'openai', model: 'gpt-6-luna', thinkingTokensMax: 2_000, effort: 'low' } },
  tasks: { triage: ['local', 'small'], '*': ['small', 'large'] },
};

test('providers, tiers and tasks are read, and what is not said has a default', () => {
  const settings = parseModels(JSON.stringify(good));
  assert.deepEqual([settings.unknownPrices, settings.tiers['small']!.latency, settings.providers['home']!.timeoutMs], ['refuse', 'now', 90_000]);
  assert.deepEqual([tiersOf(settings, 'triage'), tiersOf(settings, 'draft')], [['local', 'small'], ['small', 'large']]);
  assert.deepEqual(tiersOf({ ...settings, tasks: {} }, 'draft'), ['small', 'large']);
  assert.deepEqual(tiersOf({ ...settings, tasks: {} }, '__proto__'), ['small', 'large']);
  assert.deepEqual(keyNames(settings), ['OPENAI_API_KEY']);
});

test('only OpenAI itself is asked by Responses, and a secret that is not set is named', () => {
  const endpoints = endpointsOf(parseModels(JSON.stringify(good)), {});
  assert.deepEqual([endpoints.get('openai')!.wire, endpoints.get('openai')!.lacks, endpoints.get('home')!.wire, endpoints.get('home')!.baseUrl, endpoints.get('home')!.lacks], ['responses', 'OPENAI_API_KEY', 'chat', 'http://127.0.0.1:11434/v1', null]);
});

for (const [what, change, reason] of [
  ['a tier without its provider', { tiers: { small: { provider: 'nowhere', model: null } }, tasks: {} }, /tiers\.small\.provider: there is no provider 'nowhere'; there are: openai, home/],
  ['a task with an unknown tier', { tasks: { triage: ['tiny'] } }, /tasks\.triage\.0: there is no tier 'tiny'; there are: local, small, large/],
  ['a tier twice', { tasks: { triage: ['small', 'small'] } }, /stands there twice/],
  ['a tier by the name of a free one', { tiers: { ...good.tiers, rules: { provider: 'home', model: null } } }, /needs no provider/],
  ['OpenAI without a key', { providers: { openai: {}, home: good.providers.home } }, /OpenAI needs a key/],
  ['a key that is written down', { providers: { ...good.providers, openai: { key: 'sk-test-abcdefghijklmnop' } } }, /the key itself never stands here/],
  ['a key that would travel in the open', { providers: { ...good.providers, far: { baseUrl: 'http://models.example/v1', key: 'FAR_KEY' } } }, /https only/],
  ['a password in an address', { providers: { ...good.providers, far: { baseUrl: 'https://me:secret@models.example/v1' } } }, /plain address/],
  ['embeddings from nowhere', { embeddings: { provider: 'nowhere', model: 'e' } }, /embeddings\.provider: there is no provider/],
  ['a price below nothing', { prices: { m: { inputPerMillionUsd: -1, outputPerMillionUsd: 1 } } }, /prices\.m\.inputPerMillionUsd/],
  ['a word that nobody knows', { tier: {} }, /tier/],
] as const) {
  test(`${what} is refused, and the secret is not repeated`, () => {
    assert.throws(() => parseModels(JSON.stringify({ ...good, ...change })), (error: Error) => reason.test(error.message) && !/abcdefghijklmnop|secret/.test(error.message.replace(/a secret|the secret/g, '')));
  });
}

test('all faults are named at once', () => {
  assert.throws(() => parseModels(JSON.stringify({ ...good, tasks: { a: ['x'], b: ['y'] }, tiers: { ...good.tiers, local: { provider: 'z', model: null } } })), (error: Error) => ["'x'", "'y'", "'z'", "'local'"].every((word) => error.message.includes(word)));
});

test('the environment alone makes one tier, models.json counts before it, and a dry run has none', (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-models-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const model = { apiKey: 'none', baseUrl: 'http://127.0.0.1:8080/v1', model: null };
  const fromEnvironment = readModels({ dataDir, dryRun: false, model });
  assert.deepEqual([fromEnvironment.from, Object.keys(fromEnvironment.settings.tiers), fromEnvironment.settings.unknownPrices], ['environment', ['large'], 'assume']);
  assert.deepEqual(Object.keys(readModels({ dataDir, dryRun: false, model: null }).settings.tiers), []);
  assert.throws(() => readModels({ dataDir, dryRun: false, model: { apiKey: 'k', baseUrl: 'http://far.example/v1', model: null } }), { code: 'BAD_CONFIG' }, 'a key in the open');
  writeFileSync(join(dataDir, 'models.json'), JSON.stringify(good));
  assert.deepEqual(readModels({ dataDir, dryRun: false, model }).from, 'models.json');
  assert.deepEqual(readModels({ dataDir, dryRun: true, model }).from, 'none');
  writeFileSync(join(dataDir, 'models.json'), '{');
  assert.throws(() => readModels({ dataDir, dryRun: false, model }), { code: 'BAD_CONFIG' });
});

test('a key of the environment makes OpenAI the provider', () => {
  const settings = settingsFromEnvironment({ baseUrl: null, model: 'gpt-6-luna', hasKey: true }).data!;
  assert.deepEqual(settings, modelsSchema.parse(settings));
  assert.equal(endpointsOf(settings, { OPENAI_API_KEY: 'k' }).get('openai')!.wire, 'responses');
});
