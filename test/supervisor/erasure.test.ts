// Goal: erasing clears the files that no command ever finished. Method: a folder with what killed commands leave, and a database that
// is only pretended.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { rememberCopy } from '#store/copies.ts';
import type { ErasurePlan } from '#store/erase.ts';
import { erasePerson, outsideOf, type ErasureParts } from '#supervisor/main-erasure.ts';
import { tempDir } from '#test/store/temp-store.ts';

const counts = { actors: 0, facts: 1, artifacts: 0, intents: 0, decisions: 0, annotations: 0, journal: 0, mentions: 0 };
const plan: ErasurePlan = { id: 'e1', entity: 'person/anna@x.org', addresses: ['anna@x.org'], counts };
const partsOf = (dataDir: string, more: Partial<ErasureParts> = {}): ErasureParts => ({ dataDir, now: () => 0, openErasures: async () => [], eraseRows: async () => plan, purgeBus: async () => {}, finishRows: async () => {}, outside: [], ...more });
function put(file: string, text = 'anna@x.org'): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}
const erase = (dataDir: string, more: Partial<ErasureParts> = {}) => erasePerson(partsOf(dataDir, more), { id: 'e1', subject: 'anna@x.org' });

test('what killed backups, exports, imports and restores left in the data folder is removed', async () => {
  const dir = tempDir();
  const left = [
    put(join(dir, '.backup.db-a1B2c3', 'keelson.db')),
    put(join(dir, 'backups', '.daily.db-Zz09aa', 'keelson.db-journal')),
    put(join(dir, '.export-AbCdEf', 'fact.jsonl')),
    put(join(dir, '.export-AbCdEf', 'blobs', 'f00')),
    put(join(dir, 'incoming.tmp', 'keelson.db')),
  ];
  const { erased } = await erase(dir);
  assert.deepEqual(left.filter(existsSync), []);
  assert.equal(erased.files, 4);
});

test('what a killed backup left beside a backup that is known is removed, and nothing else there', async () => {
  const [dir, there] = [tempDir(), tempDir()];
  rememberCopy(dir, { kind: 'backup', path: join(there, 'nas.db'), at: '2027-01-15T08:00:00.000Z' });
  const left = put(join(there, '.nas.db-a1B2c3', 'keelson.db'));
  const others = [put(join(there, '.other-a1B2c3', 'keelson.db')), put(join(there, '.nas.db-a1B2c3.txt')), put(join(there, '.nas.db-mine', 'keelson.db')), put(join(there, '.nas.db-Photos', 'anna.jpg'))];
  await erase(dir);
  assert.equal(existsSync(left), false);
  assert.deepEqual(others.filter(existsSync), others);
});

test('folders of the operator that only look like it stay, and so does what the bus and the outbox have', async () => {
  const dir = tempDir();
  const kept = [put(join(dir, '.git-backup', 'notes.md'), 'x'), put(join(dir, 'templates', 'reply.md'), 'x'), put(join(dir, 'jetstream', '.a-bcdefg', 'keelson.db'), 'x')];
  const { erased } = await erase(dir);
  assert.deepEqual(kept.filter(existsSync), kept);
  assert.equal(erased.files, 0);
});

test('lines of logs and mails of the outbox folder that name the person go, those of others stay', async () => {
  const dir = tempDir();
  const log = put(join(dir, 'keelson.log'), '{"to":"anna@x.org"}\n{"to":"joanna@x.org"}\n{"subject":"anna%40x%2Eorg"}\n');
  const [hers, his] = [put(join(dir, 'outbox', '1.eml'), 'To: Anna <ANNA@x.org>'), put(join(dir, 'outbox', '2.eml'), 'To: bob@y.org')];
  const { erased } = await erase(dir);
  assert.equal(readFileSync(log, 'utf8'), '{"to":"joanna@x.org"}\n');
  assert.deepEqual([existsSync(hers), existsSync(his), erased.files], [false, true, 2]);
});

test('the receipt and the names of the erased name nobody', async () => {
  const dir = tempDir();
  const { receipt } = await erase(dir);
  for (const file of [receipt, 'erased.jsonl']) assert.doesNotMatch(readFileSync(join(dir, file), 'utf8'), /anna|x\.org/i, file);
});

test('after a failure at any step the same request goes on to the end', async () => {
  for (const last of ['rows', 'bus', 'files', 'copies', 'tombstone', 'receipt']) {
    const dir = tempDir();
    const left = put(join(dir, '.backup.db-a1B2c3', 'keelson.db'));
    await assert.rejects(erase(dir, { onStep: (step) => { if (step === last) throw new Error('killed'); } }), /killed/);
    let finished = '';
    const { receipt } = await erase(dir, { openErasures: async () => [plan], finishRows: async (id) => void (finished = id) });
    assert.deepEqual([existsSync(left), existsSync(join(dir, receipt)), finished], [false, true, 'e1'], last);
    assert.equal(readFileSync(join(dir, 'erased.jsonl'), 'utf8').trim().split('\n').length, 1, last);
  }
});

test('the receipt names every provider of models that may hold their mails, also when models.json cannot be read', () => {
  const dataDir = tempDir();
  const providersOf = (text: string) => {
    writeFileSync(join(dataDir, 'models.json'), text);
    return outsideOf({ dataDir, smtpUrl: null, imapUrl: null, model: null }).flatMap(({ what }) => (what.startsWith('the model provider') ? [what] : []));
  };
  const tiers = { small: { provider: 'here', model: null } };
  assert.deepEqual(providersOf(JSON.stringify({ providers: { here: { baseUrl: 'http://127.0.0.1:8080/v1' }, there: { key: 'OPENAI_API_KEY' } }, tiers })), ['the model provider at 127.0.0.1', 'the model provider OpenAI']);
  assert.deepEqual(providersOf('{'), ['the model provider that models.json names (it cannot be read)']);
});
