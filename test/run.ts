// `npm test`: every test file, except that the slowest take turns: a day runs one third of them, the next day the next, so that a run stays
// short enough to be waited for. KEELSON_TEST_FULL=1 runs all. Files named on the command line are run whatever day it is.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { takesAll, turnOfToday } from './kit/todays-share.ts';

const root = join(import.meta.dirname, '..');
const filesAtOnce = 3;
/** Each third takes about as long as the others. */
const slow: readonly (readonly string[])[] = [
  [
    'faults/secrets', 'faults/kill-operation', 'faults/kill-send', 'faults/planted-finding', 'faults/changed-draft', 'faults/budget', 'supervisor/cli-versions', 'supervisor/main-memory', 'supervisor/cli-correct',
    'supervisor/company-agents', 'console/store', 'console/quality', 'connectors/payments/kill', 'connectors/policy-properties',
  ],
  [
    'faults/obedient', 'faults/dry-run', 'faults/workers-company', 'faults/wiped-bus', 'faults/poison', 'supervisor/cli-damaged', 'supervisor/clock-jump', 'supervisor/looking-back', 'supervisor/evals',
    'supervisor/cash-flow', 'supervisor/cli-bad-mail', 'console/runs', 'console/budgets', 'mutants/mutants',
  ],
  [
    'faults/benign', 'faults/kill-import', 'faults/workers', 'faults/job-killed', 'faults/kill-switch', 'faults/erase', 'supervisor/cli-actors', 'supervisor/cli-models', 'supervisor/strategy', 'supervisor/waiting',
    'supervisor/company-agents-model', 'supervisor/imap', 'console/govern', 'console/bus', 'connectors/mcp/mcp',
  ],
];

const all = globSync('test/**/*.test.ts', { cwd: root }).toSorted();
const asked = process.argv.slice(2);
const resting = new Set(takesAll || asked.length > 0 ? [] : slow.filter((_, i) => i !== turnOfToday(slow.length)).flat().map((name) => `test/${name}.test.ts`));
for (const path of resting) if (!all.includes(path)) throw new Error(`${path} is in the list of slow files and does not exist`);
const files = (asked.length > 0 ? asked : all.filter((path) => !resting.has(path))).map((path) => join(root, path));

if (resting.size > 0) console.log(`Slow files of other days rest (KEELSON_TEST_FULL=1 runs all): ${[...resting].join(', ')}\n`);
run({ files, concurrency: filesAtOnce, timeout: 300_000 })
  .on('test:fail', () => (process.exitCode = 1))
  .compose(new spec())
  .pipe(process.stdout);
