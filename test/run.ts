// `npm test`: every test file, except that the slowest take turns: a day runs one half of them, the next day the other, so that a run stays
// short enough to be waited for. KEELSON_TEST_FULL=1 runs all. Files named on the command line are run whatever day it is.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { takesAll, turnOfToday } from './kit/todays-share.ts';

const root = join(import.meta.dirname, '..');
const filesAtOnce = 3;
/** Each half takes about as long as the other. */
const slow: readonly (readonly string[])[] = [
  ['faults/secrets', 'faults/kill-operation', 'faults/kill-send', 'faults/wiped-bus', 'faults/workers', 'supervisor/cli-versions', 'supervisor/cli-damaged', 'supervisor/clock-jump', 'console/store', 'console/govern', 'connectors/payments/kill', 'mutants/mutants', 'faults/planted-finding', 'supervisor/main-memory', 'supervisor/looking-back', 'supervisor/strategy', 'supervisor/waiting', 'console/quality'],
  ['faults/obedient', 'faults/benign', 'faults/dry-run', 'faults/kill-import', 'faults/workers-company', 'faults/job-killed', 'faults/kill-switch', 'supervisor/cli-actors', 'supervisor/cli-bad-mail', 'console/runs', 'console/bus', 'connectors/mcp/mcp', 'connectors/policy-properties', 'faults/budget', 'faults/poison', 'supervisor/company-agents', 'supervisor/company-agents-model', 'supervisor/evals', 'supervisor/cli-models', 'supervisor/cli-correct', 'console/budgets'],
];

const all = globSync('test/**/*.test.ts', { cwd: root }).toSorted();
const asked = process.argv.slice(2);
const resting = new Set(takesAll || asked.length > 0 ? [] : slow[1 - turnOfToday()]!.map((name) => `test/${name}.test.ts`));
for (const path of resting) if (!all.includes(path)) throw new Error(`${path} is in the list of slow files and does not exist`);
const files = (asked.length > 0 ? asked : all.filter((path) => !resting.has(path))).map((path) => join(root, path));

if (resting.size > 0) console.log(`Slow files of the other day rest (KEELSON_TEST_FULL=1 runs all): ${[...resting].join(', ')}\n`);
run({ files, concurrency: filesAtOnce, timeout: 300_000 })
  .on('test:fail', () => (process.exitCode = 1))
  .compose(new spec())
  .pipe(process.stdout);
