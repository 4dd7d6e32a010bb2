// Goal: each guard is held by a test. Method: take one away, run the test that is named for it in a process of its own, and see exactly
// that test fail. A guard whose text has changed is a failure too: then the mutant must be written anew. Each is a process of its own, so a
// day takes every third of them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { todaysShare } from '#test/kit/todays-share.ts';
import { mutants } from './mutants.ts';

const root = join(import.meta.dirname, '../..');
const apply = pathToFileURL(join(import.meta.dirname, 'apply.ts')).href;
const escape = (title: string) => title.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);

test('every mutant changes a guard that is there, in one place', () => {
  for (const { file, text } of mutants) assert.equal(readFileSync(join(root, file), 'utf8').split(text).length - 1, 1, `${file} does not hold exactly one: ${text}`);
});

suite('without', { concurrency: 2 }, () => {
  for (const mutant of todaysShare(mutants, 3)) {
    test(`${mutant.without}, a test fails`, { timeout: 120_000 }, async () => {
      const { without, fails } = mutant;
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const child = spawn(process.execPath, ['--test', '--test-timeout=8000', '--test-reporter=tap', `--test-name-pattern=/^${escape(fails)}/`, mutant.test], { cwd: root, env: { ...env, KEELSON_MUTANT: without, NODE_OPTIONS: `--import=${apply}` }, stdio: ['ignore', 'pipe', 'pipe'] });
      const [output, errors] = await Promise.all([readText(child.stdout), readText(child.stderr)]);
      const failed = [...output.matchAll(/^ *not ok \d+ - (.*)$/gm)].map((hit) => hit[1]!.replaceAll('\\#', '#'));
      assert.ok(failed.some((title) => title.startsWith(fails)), `'${fails}' still passes, or never ran:\n${output.slice(-2_000)}${errors.slice(-2_000)}`);
    });
  }
});
