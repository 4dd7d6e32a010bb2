// What turns corrections into rules: the agent that looks for them is there from the first start on and hears of every correction; what
// the operator approves of it becomes a file of the company's folder.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StorePort } from '#actors/store-port.ts';
import type { WriteFile } from '#connectors/console/desk-publish.ts';
import { consolidationAddress, consolidationMachine } from '#machines/agents/consolidation.ts';
import { emptyCommit } from '#machines/commit.ts';
import { machineKey } from '#machines/define.ts';
import { KeelsonError } from '#machines/errors.ts';
import { parseTrigger, type Trigger } from '#machines/triggers.ts';

/** Corrections of drafts and of verdicts, and answers to the question what a mail is. */
export const learningTriggers: readonly Trigger[] = [
  parseTrigger({ name: 'learn-corrections', on: 'annotation', kind: 'correction', wake: { to: consolidationAddress, type: 'CORRECTED' } }),
  parseTrigger({ name: 'learn-answers', on: 'decision', where: [{ path: 'task', is: 'eq', value: 'triage' }, { path: 'tier', is: 'eq', value: 'operator' }], wake: { to: consolidationAddress, type: 'CORRECTED' } }),
];

/** Promises the start of the agent; does nothing when it was started before. */
export async function startLearning(store: Pick<StorePort, 'commit'>, nowMs: number): Promise<void> {
  await store.commit({
    ...emptyCommit('consolidation:start', nowMs, 'host/supervisor', { started: consolidationAddress }),
    sends: [{ id: `start:${consolidationAddress}`, to: consolidationAddress, from: 'host/supervisor', body: { kind: 'start', machine: machineKey(consolidationMachine), input: {} } }],
  });
}

const files = { rule: { folder: 'rules', extension: '.json' }, template: { folder: 'templates', extension: '.md' } } as const;

/** Whole or not at all. */
export function fileWriter(dataDir: string): WriteFile {
  return (kind, name, text, { isNew }) => {
    const { folder, extension } = files[kind];
    const path = join(dataDir, folder, `${name}${extension}`);
    if (existsSync(path)) {
      if (readFileSync(path, 'utf8') === text) return;
      if (isNew) throw new KeelsonError('REFUSED', `there is already a file ${folder}/${name}${extension}, and it says something else`, { hint: 'Rename that file, or reject this proposal.' });
    }
    mkdirSync(join(dataDir, folder), { recursive: true });
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
}
