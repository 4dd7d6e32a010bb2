// Goal: triggers are files of the company like policies: checked at the start, kept in every version. Method: a company folder, read.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { KeelsonError } from '#machines/errors.ts';
import { assertTriggers, parseTrigger } from '#machines/triggers.ts';
import { readLibrary, readTriggers } from '#supervisor/company.ts';
import { createMachines } from '#supervisor/agents.ts';
import { buildTriggers } from '#supervisor/main-standing.ts';

function folder(t: TestContext, files: Record<string, string> = {}): string {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-triggers-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'triggers'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'triggers', name), text);
  return dir;
}
const trigger = { name: 'late', on: 'fact', start: { machine: 'triage@1' } };
const badConfig = (words: RegExp) => (error: unknown) => error instanceof KeelsonError && error.code === 'BAD_CONFIG' && words.test(error.message);

test('the files in triggers/ are read in the order of their names; others are left alone', (t) => {
  const dir = folder(t, { 'late.json': JSON.stringify(trigger), 'b.json': JSON.stringify({ ...trigger, name: 'b' }), 'notes.md': 'not one' });
  assert.deepEqual(readTriggers(dir).map(({ name }) => name), ['b', 'late']);
  rmSync(join(dir, 'triggers'), { recursive: true });
  assert.deepEqual(readTriggers(dir), []);
});

test('a file that is wrong is BAD_CONFIG with its name and what is wrong', (t) => {
  const table: [string, RegExp][] = [
    ['{', /triggers\/late\.json: .*JSON/], [JSON.stringify({ ...trigger, on: 'mail' }), /triggers\/late\.json: on: /], [JSON.stringify({ ...trigger, name: 'other' }), /triggers\/late\.json: name: expected 'late'/],
  ];
  for (const [text, words] of table) {
    const dir = folder(t, { 'late.json': text });
    assert.throws(() => readTriggers(dir), badConfig(words));
    assert.throws(() => readLibrary(dir, new Map(), 'library:1', 1), badConfig(words));
  }
});

test('a trigger is kept as an artifact, with a version for each change and an empty one when its file goes', (t) => {
  const dir = folder(t, { 'late.json': JSON.stringify(trigger) });
  const [first] = readLibrary(dir, new Map(), 'library:1', 1)!.artifacts;
  assert.deepEqual([first!.id, first!.kind, first!.mediaType], ['trigger/late', 'trigger', 'application/json']);
  const current = new Map([['trigger/late', first!.hash]]);
  assert.equal(readLibrary(dir, current, 'library:2', 2), null);
  unlinkSync(join(dir, 'triggers', 'late.json'));
  const [gone] = readLibrary(dir, current, 'library:3', 3)!.artifacts;
  assert.deepEqual([gone!.id, gone!.kind, gone!.sizeBytes], ['trigger/late', 'trigger', 0]);
});

test('the triggers of this build are right', () => {
  assertTriggers(buildTriggers.map(parseTrigger), createMachines().list().map(({ key }) => key));
});
