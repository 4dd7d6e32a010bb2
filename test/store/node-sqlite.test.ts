// Goal: what the store promises holds on another SQLite driver and version. Method: the tests of its parts a second time, on node:sqlite.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';

function runOn(driver: string, name: string) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env; // with it the child would run nothing
  return spawnSync(process.execPath, ['--test', '--test-reporter=spec', fileURLToPath(import.meta.resolve(`#test/store/${name}.test.ts`))], { encoding: 'utf8', env: { ...env, KEELSON_TEST_DRIVER: driver } });
}

suite('on node:sqlite', () => {
  for (const name of ['commit', 'audit', 'queries', 'outbox', 'texts']) {
    test(`the tests of ${name} pass`, (t) => {
      const { status, stdout } = runOn('node:sqlite', name);
      assert.equal(status, 0, stdout);
      const [, passed] = /^ℹ pass (\d+)$/m.exec(stdout) ?? [];
      assert.ok(Number(passed) > 1, stdout);
      t.diagnostic(`${passed} passed`);
    });
  }
});

test('an unknown driver is an error and not silently the usual one', () => {
  const { status, stdout } = runOn('postgres', 'texts');
  assert.notEqual(status, 0);
  assert.match(stdout, /KEELSON_TEST_DRIVER is postgres/);
});
