// Goal: no shape changes unnoticed, and none breaks a reader without a new version. Method: docs/schemas.json beside this build;
// then the check and its refusals on a file of its own, and the real commands.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import type { KeelsonError } from '#machines/errors.ts';
import type { SchemaEntry } from '#machines/schemas.ts';
import { buildCatalog, checkSnapshot, describeCheck, readSnapshot, renderCatalog, snapshotFile, updateSnapshot } from '#supervisor/cli-schema.ts';
import { runCli } from '#test/kit/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'keelson-schema-'));
const file = join(dir, 'schemas.json');
after(() => rmSync(dir, { recursive: true, force: true }));

const entry = (version: number, type: 'string' | 'number'): SchemaEntry => ({ name: 'predicate/x', version, schema: { type } });
const start = (...entries: SchemaEntry[]) => writeFileSync(file, renderCatalog(entries));
const failure = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return error as KeelsonError;
  }
  return assert.fail('it was accepted');
};

test('docs/schemas.json is what this build does', () => {
  const now = buildCatalog();
  const check = checkSnapshot(readSnapshot(snapshotFile), now);
  assert.ok(check.problems.length + check.outdated.length === 0, describeCheck(check));
  assert.equal(readFileSync(snapshotFile, 'utf8'), renderCatalog(now), 'docs/schemas.json is not as it is written by `npm run keelson -- schema check --update`');
});

test('a change that breaks is named, with what to do', () => {
  const check = checkSnapshot([entry(1, 'string')], [entry(1, 'number')]);
  assert.deepEqual(check, { problems: [{ name: 'predicate/x', problem: '$: was string, is number' }], outdated: ['predicate/x 1'] });
  assert.match(describeCheck(check), /^predicate\/x \$: was string, is number\nDeclare a new version/);
});

test('a change that fits makes the file out of date, with what to run', () => {
  const check = checkSnapshot([entry(1, 'string')], [entry(1, 'string'), { ...entry(1, 'number'), name: 'predicate/y' }]);
  assert.deepEqual(check, { problems: [], outdated: ['predicate/y 1'] });
  assert.match(describeCheck(check), /predicate\/y 1\n.*npm run keelson -- schema check --update$/);
});

test('the update writes what fits and what has a new version', () => {
  rmSync(file, { force: true });
  assert.deepEqual(updateSnapshot(file, [entry(1, 'string')]).outdated, ['predicate/x 1']);
  assert.deepEqual(updateSnapshot(file, [entry(2, 'number')]).outdated, ['predicate/x 1', 'predicate/x 2']);
  assert.deepEqual(readSnapshot(file), [entry(2, 'number')]);
  assert.match(readFileSync(file, 'utf8'), /^\[\n {2}\{\n.*\]\n$/s);
});

test('the update refuses what would break and leaves the file', () => {
  start(entry(1, 'string'));
  const before = readFileSync(file, 'utf8');
  for (const now of [[entry(1, 'number')], []]) {
    const { code, message, hint } = failure(() => updateSnapshot(file, now));
    assert.equal(code, 'REFUSED');
    assert.match(message, /predicate\/x /);
    assert.match(hint, /^Declare a new version/);
  }
  assert.equal(readFileSync(file, 'utf8'), before);
});

test('a file that is no catalog is refused, not replaced', () => {
  for (const text of ['<<<<<<< HEAD', '{}', '[null]', '[{"name": 1}]', '[{"name": "x"}]']) {
    writeFileSync(file, text);
    for (const work of [() => readSnapshot(file), () => updateSnapshot(file, [entry(1, 'string')])]) assert.equal(failure(work).code, 'BAD_CONFIG', text);
    assert.equal(readFileSync(file, 'utf8'), text);
  }
});

test('schema list prints a table, and JSON Schemas for scripts', async () => {
  const [people, scripts] = await Promise.all([runCli(['schema', 'list']), runCli(['schema', 'list', '--json'])]);
  assert.match(people.stdout, /^NAME +VERSION\n.*^predicate\/person\.name +1$/ms);
  assert.deepEqual(JSON.parse(scripts.stdout), JSON.parse(renderCatalog(buildCatalog())));
});

test('schema check says in its exit code whether all is well', async () => {
  const { code, stdout, stderr } = await runCli(['schema', 'check', '--json']);
  assert.deepEqual([code, stderr, JSON.parse(stdout)], [0, '', { ok: true, problems: [], outdated: [] }]);
});
