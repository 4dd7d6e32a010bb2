// Goal: prompts of the folder are put in force once, and later only by the operator's command; nobody else can write one. Method: a start
// on a real store, again and again, with the folder changed in between; commits of agents against the store's own rules.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { systemClock } from '#actors/clock.ts';
import { sha256 } from '#actors/hash.ts';
import { randomId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { promptRoutes, type PromptsPublished } from '#connectors/console/desk-prompts.ts';
import { readPrompts } from '#connectors/prompts.ts';
import { emptyCommit } from '#machines/commit.ts';
import { whyNotPermitted } from '#machines/permissions.ts';
import { taskOf } from '#machines/task-list.ts';
import { runQuery } from '#store/queries.ts';
import { startPrompts } from '#supervisor/main-prompts.ts';
import { failsWith } from '#test/kit/gate.ts';
import { tempStore } from '#test/store/temp-store.ts';

async function company(files: Record<string, string>) {
  const { dir: dataDir, db, committer } = await tempStore();
  const store: StorePort = { commit: committer.commit, query: (name, args) => runQuery(db, name, args), load: () => Promise.resolve(null) };
  const said: string[] = [];
  const write = (name: string, text: string) => {
    mkdirSync(join(dataDir, 'prompts'), { recursive: true });
    writeFileSync(join(dataDir, 'prompts', `${name}.md`), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  const parts = { store, clock: systemClock, makeId: randomId };
  const publish = promptRoutes(parts).find(({ path }) => path === '/api/prompts/publish')!;
  return {
    store, said, write, dataDir, prompt: readPrompts(store),
    start: () => startPrompts({ dataDir, ...parts, say: (line) => void said.push(line) }),
    publish: (body: { files: Record<string, string>; whole?: boolean; commandId?: string }) => publish.handle({ params: {}, query: {}, by: { who: 'operator', via: 'token' }, body: { whole: false, ...body } }) as Promise<PromptsPublished>,
    decisions: async () => (await store.query('decisions', { what: 'prompts' })) as { reasons: string[] }[],
  };
}
const worded = (text: string, more = '') => `---\ntask: triage\n${more}---\n${text}\n`;

test('without a folder the wording of the build counts, and nothing is said', async () => {
  const { start, prompt, said } = await company({});
  await start();
  assert.deepEqual(await prompt('triage'), { id: 'prompt/triage', version: 0, text: taskOf('triage')!.prompt });
  assert.deepEqual(said, []);
});

test('the first start puts the folder in force; later a change waits for the operator', async () => {
  const { start, prompt, said, write, publish } = await company({ triage: worded('First.') });
  await start();
  assert.deepEqual(await prompt('triage'), { id: 'prompt/triage', version: 1, text: 'First.' });
  write('triage', worded('Second.'));
  await start();
  assert.equal((await prompt('triage')).text, 'First.');
  assert.match(said.join('\n'), /prompts\/ differs from what is in force \(triage\)/);
  await publish({ files: { triage: worded('Second.') } });
  assert.deepEqual(await prompt('triage'), { id: 'prompt/triage', version: 2, text: 'Second.' });
  said.length = 0;
  await start();
  assert.deepEqual(said, []);
});

test('a first folder with a fault stops the start with file and line; a later one is said, and what was published stays', async () => {
  const first = await company({ triage: '---\ntask: triage\n' });
  await assert.rejects(first.start(), failsWith('BAD_CONFIG', /prompts\/triage\.md: Prompt, line 3/));
  const later = await company({ triage: worded('First.') });
  await later.start();
  later.write('triage', 'Second.');
  await later.start();
  assert.match(later.said.join('\n'), /prompts\/triage\.md: Prompt, line 1.*What was published before stays in force/s);
  assert.equal((await later.prompt('triage')).text, 'First.');
});

test('a language of its own, and what is taken away', async () => {
  const { start, prompt, publish, dataDir } = await company({ triage: worded('All.'), 'triage-de': worded('Deutsch.', 'language: de\n') });
  await start();
  assert.equal((await prompt('triage', 'de')).text, 'Deutsch.');
  assert.equal((await prompt('triage', 'en')).text, 'All.');
  rmSync(join(dataDir, 'prompts', 'triage-de.md'));
  assert.deepEqual(await publish({ files: { triage: worded('All.') } }), { published: [], removed: [] }, 'one prompt alone takes nothing away');
  assert.deepEqual(await publish({ files: { triage: worded('All.') }, whole: true }), { published: [], removed: ['triage-de'] });
  assert.equal((await prompt('triage', 'de')).text, 'All.');
});

test('a publication says whether exactly this text was evaluated, and a command that comes twice is done once', async () => {
  const { store, publish, decisions } = await company({});
  const value = { task: 'triage', kind: 'prompt', tier: 'small', model: null, hash: sha256(worded('Scored.')), version: null, cases: 1, caseSet: 'x', score: 1, measure: 'accuracy', calibrationError: null, unanswered: 0, promises: 0, costMicros: 0, medianMs: 1, differs: null, before: null };
  await store.commit({ ...emptyCommit('e-1', 1, 'operator/cli', {}), facts: [{ entity: 'asset/prompt-triage', predicate: 'eval.result', value, label: 'operator', confidence: 1 }] });
  assert.deepEqual((await publish({ files: { triage: worded('Scored.') }, commandId: 'c-1' })).published, [{ name: 'triage', evaluated: true }]);
  assert.deepEqual((await publish({ files: { triage: worded('Scored.') }, commandId: 'c-1' })).published, []);
  assert.deepEqual((await publish({ files: { triage: worded('Changed.') } })).published, [{ name: 'triage', evaluated: false }]);
  assert.deepEqual((await decisions()).map(({ reasons }) => reasons[0]), ['triage: not evaluated', 'triage: evaluated']);
  await assert.rejects(publish({ files: { triage: worded('Other.') }, commandId: 'c-1' }), failsWith('REFUSED', /used before for another command/));
});

test('a fault of one prompt publishes none of them', async () => {
  const { publish, prompt } = await company({});
  await assert.rejects(publish({ files: { triage: worded('Good.'), draft: '---\ntask: draft\n---\n{{name}}' } }), failsWith('BAD_ARGUMENT', /^prompts\/draft\.md: Prompt, line 4/));
  assert.equal((await prompt('triage')).version, 0);
});

test('no agent and no connector may write a prompt, whatever it declares', () => {
  const artifact = { id: 'prompt/triage', kind: 'prompt' as const, mediaType: 'text/markdown', hash: sha256('x'), sizeBytes: 1 };
  for (const actor of ['copy/1', 'connector/mail', 'host/worker']) assert.match(whyNotPermitted({ ...emptyCommit('c', 1, actor, {}), artifacts: [artifact] }, { copy: { artifacts: ['prompt'] } })!, /may not write a prompt/);
  assert.equal(whyNotPermitted({ ...emptyCommit('c', 1, 'operator/desk', {}), artifacts: [artifact] }, {}), null);
});
