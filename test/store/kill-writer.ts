// Run by kill.test.ts: `kill-writer.ts FILE ROUND` writes commits as fast as it can and prints each id once it is acknowledged.
import { createCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { emptyCommit } from '#machines/commit.ts';

const [file = '', round = ''] = process.argv.slice(2);
const db = await openDatabase(file);
await migrate(db);
const committer = await createCommitter(db, await nextEpoch(db), { onWritten() {} });
const padding = 'x'.repeat(700);

/** One actor that steps as soon as its last step is acknowledged: 1 journal row, its record, 2 messages, and one record of each kind. */
async function run(actor: string): Promise<never> {
  for (let rev = 0; ; rev++) {
    const id = `${actor}#${rev}`;
    const event = { kind: 'event' as const, event: { type: 'ping' } };
    const answer = await committer.commit({
      ...emptyCommit(id, 1_790_000_000_000, actor, { padding }),
      step: { rev, machine: 'order@1', status: 'active', value: '0', parent: null, record: JSON.stringify({ id, padding }) },
      sends: [{ id: `${id}.a`, to: actor, from: actor, body: event }, { id: `${id}.b`, to: actor, from: actor, dueMs: 9e12, body: event }],
      // Every second fact contradicts the one before: the store adds a question of its own.
      facts: [{ entity: `person/${actor}`, predicate: `rev.${rev >> 1}`, value: rev, label: 'system', confidence: 1 }],
      intents: [{ id: `${actor}.i`, kind: 'task', state: rev % 2 ? 'working' : 'input-required', summary: id }],
      artifacts: [{ id: `${actor}.d`, kind: 'draft', mediaType: 'text/plain', hash: id, sizeBytes: id.length, text: id }],
      decisions: [{ what: 'step', outcome: id, confidence: rev % 2 ? 0.5 : null, reasons: [id], evidence: [], policy: null, model: null, costMicros: rev }],
      annotations: [{ kind: 'remark', target: { kind: 'entity', id: actor }, text: id }],
      blobs: [{ hash: id, bytes: id }],
    });
    if (answer.outcome !== 'written') throw new Error(`${id}: ${JSON.stringify(answer)}`);
    process.stdout.write(`${id}\n`);
  }
}
await Promise.all(Array.from({ length: 20 }, (_, i) => run(`order/${round}-${i}`)));
