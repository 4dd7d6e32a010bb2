// Goal: the operator sees which models there are, what they cost and what they can do, and no key is ever shown. Method: a real company whose
// provider is a scripted server; the command line with and without the running server, then what the server wrote anywhere.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ProbedTiers } from '#connectors/console/model-routes.ts';
import type { ModelsView } from '#machines/capabilities.ts';
import { startModelServer, type ModelServer } from '#test/kit/model-server.ts';
import { makeCompany } from '#test/kit/server.ts';

const key = 'sk-test-THE-SECRET-KEY-0123456789';
const company = makeCompany();
let provider: ModelServer;
const write = (settings: object) => writeFileSync(join(company.dataDir, 'models.json'), JSON.stringify(settings));
const settings = () => ({
  providers: { kit: { baseUrl: provider.url, key: 'KIT_KEY' }, openai: { key: 'OPENAI_API_KEY' } },
  tiers: { small: { provider: 'kit', model: 'small-1' }, strange: { provider: 'kit', model: 'strange-1' }, large: { provider: 'openai', model: 'gpt-6-luna' } },
  tasks: { triage: ['small'] }, prices: { 'small-1': { inputPerMillionUsd: 0.5, outputPerMillionUsd: 0 } },
});
const up = () => company.up({ KEELSON_IMAP_URL: '', KEELSON_SMTP_URL: '', OPENAI_API_KEY: '', KEELSON_OPENAI_BASE_URL: '' });

before(async () => {
  provider = await startModelServer();
  assert.equal((await company.cli('init', company.dataDir)).code, 0);
});
after(async () => {
  await company.remove();
  await provider.stop();
});

test('settings with faults keep the server from starting, and all of them are named', async () => {
  write({ ...settings(), tasks: { triage: ['tiny'], draft: ['huge'] } });
  const { code, stderr } = await company.cli('up', '--port', '0');
  assert.notEqual(code, 0);
  assert.match(stderr, /models\.json: .*'tiny'.*'huge'/);
});

test('a probe needs the server, and says of each tier what it can do or why that is not known', async () => {
  write(settings());
  writeFileSync(join(company.dataDir, 'secrets.env'), `KIT_KEY=${key}\n`, { mode: 0o600 });
  assert.match((await company.cli('models', 'probe')).stderr, /no server is running/);
  await up();
  const [small, strange, large] = await company.json<ProbedTiers>('models', 'probe') as [ProbedTiers[0], ProbedTiers[0], ProbedTiers[0]];
  assert.deepEqual([small.can!.schema, small.can!.stream, small.can!.streamUsage, small.can!.tools, small.can!.embeddings, small.can!.batch], [true, true, true, true, true, false]);
  assert.match(strange.failed!, /nobody knows what strange-1 costs/);
  assert.match(large.failed!, /OPENAI_API_KEY, which is not set/);
  assert.match((await company.cli('models', 'probe', 'small')).stdout, /^TIER +MODEL +SCHEMA .*\nsmall +small-1 +yes +yes +yes +yes +yes +no/);
  assert.match((await company.cli('models', 'probe', 'tiny')).stderr, /there is no tier 'tiny'; there are: small, strange, large/);
});

test('the list shows prices with their source, what is missing and what was seen, with the server and without', async () => {
  const { api } = JSON.parse(readFileSync(join(company.dataDir, 'run.json'), 'utf8')) as { api: string };
  const view = (await (await fetch(`${api}/api/models`, { headers: { authorization: `Bearer ${readFileSync(join(company.dataDir, 'token'), 'utf8').trim()}` } })).json()) as ModelsView;
  assert.deepEqual(view.tiers.map(({ name, price, seen }) => [name, price?.from ?? null, seen.length]), [['small', 'settings', 1], ['strange', null, 0], ['large', 'list', 0]]);
  await company.down();
  const { stdout } = await company.cli('models');
  assert.match(stdout, /small +kit +small-1 +\$0\.500 +free +settings +yes/);
  assert.match(stdout, /large +openai +gpt-6-luna +\$0\.100 +\$0\.500 +list +- /);
  assert.match(stdout, /triage: small/);
  assert.match(stdout, /openai needs OPENAI_API_KEY/);
  assert.match(stdout, /Nobody knows what strange-1 costs/);
  assert.deepEqual((await company.json<ModelsView>('models')).tiers, view.tiers);
});

test('no byte of a key is in what the server wrote', () => {
  assert.equal(provider.asked.length, 0, 'only probes');
  const files = readdirSync(company.dataDir, { recursive: true, encoding: 'utf8' }).map((name) => join(company.dataDir, name)).filter((path) => statSync(path).isFile() && !path.endsWith('secrets.env'));
  assert.ok(files.length > 5);
  for (const path of files) assert.ok(!readFileSync(path).includes(key), path);
});

test('without a model it says that all works, and how to name one', async () => {
  write({ providers: {}, tiers: {} });
  assert.match((await company.cli('models')).stdout, /^No model is set up: rules, templates and what was learnt do the work\./);
});
