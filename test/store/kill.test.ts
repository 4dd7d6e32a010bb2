// Goal: nothing acknowledged is lost and no commit is half there, whenever the process dies. Method: kill -9 at random moments,
// then look at the file. (The page cache survives a kill: power loss is another test.)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { verifyAudit } from '#store/verify.ts';
import { openDatabase } from '#store/database.ts';
import { cleanups, tempDir } from './temp-store.ts';

const rounds = Number(process.env['KEELSON_TEST_ROUNDS'] ?? 15);
const seed = Number(process.env['KEELSON_TEST_SEED'] ?? process.pid * 7919);
const writer = fileURLToPath(import.meta.resolve('#test/store/kill-writer.ts'));

/** Runs the writer until it has acknowledged something and `ms` more have passed; answers what it acknowledged. */
async function writeAndKill(file: string, round: number, ms: number): Promise<string[]> {
  const child = spawn(process.execPath, [writer, file, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanups.push(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.on('data', (text: Buffer) => (out += text.toString()));
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), closed]);
  await sleep(ms);
  child.kill('SIGKILL');
  const [, signal] = (await closed) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', 'the writer did not stop by itself');
  return out.split('\n').slice(0, -1);
}

test(`${rounds} rounds of kill -9: every acknowledged commit is there, whole, and the chain verifies`, async (t) => {
  const file = join(tempDir(), 'keelson.db');
  const pauses = fc.sample(fc.integer({ min: 0, max: 120 }), { seed, numRuns: rounds });
  const acknowledged: string[] = [];
  let unanswered = 0;
  for (const [round, ms] of pauses.entries()) {
    acknowledged.push(...(await writeAndKill(file, round, ms)));
    const db = await openDatabase(file, { readOnly: true });
    const ids = new Set((await db.all<{ id: string }>('SELECT id FROM journal')).map(({ id }) => id));
    const lost = acknowledged.filter((id) => !ids.has(id));
    assert.deepEqual(lost, [], `seed ${seed}, round ${round}`);
    unanswered = ids.size - acknowledged.length;
    const partial = await db.all(`SELECT j.id FROM journal j WHERE
      (SELECT count(*) FROM outbox o WHERE o.id IN (j.id || '.a', j.id || '.b') AND o.cause = j.id) <> 2
      OR (SELECT count(*) FROM fact f WHERE f.n = j.seq * 1024 AND f.entity = 'person/' || j.actor AND f.seq = j.seq AND f.value = j.rev) <> 1
      OR (SELECT count(*) FROM intent_change c WHERE c.n = j.seq * 1024 AND c.id = j.actor || '.i' AND c.summary = j.id) <> 1
      OR (SELECT count(*) FROM intent_change c JOIN intent i USING (id) WHERE c.n = j.seq * 1024 + 1 AND c.actor = 'store/questions' AND i.seq = j.seq) <> j.rev % 2
      OR (SELECT count(*) FROM decision d WHERE d.n = j.seq * 1024 AND d.outcome = j.id) <> 1
      OR (SELECT count(*) FROM annotation n WHERE n.n = j.seq * 1024 AND n.text = j.id) <> 1
      OR (SELECT count(*) FROM artifact a WHERE a.seq = j.seq AND a.version = j.rev + 1 AND a.hash = j.id) <> 1
      OR NOT EXISTS (SELECT 1 FROM blob b WHERE b.hash = j.id AND CAST(b.bytes AS TEXT) = j.id)
      OR NOT EXISTS (SELECT 1 FROM actor a WHERE a.address = j.actor AND a.rev >= j.rev)`);
    assert.deepEqual(partial, [], `seed ${seed}, round ${round}`);
    const journal = '(SELECT applied FROM counter)';
    const [counted] = await db.all(`SELECT (SELECT count(*) FROM journal) - ${journal} AS journal, (SELECT count(*) FROM outbox) - 2 * ${journal} AS outbox,
      (SELECT count(*) FROM intent_change) - (SELECT sum(1 + rev % 2) FROM journal) AS intent_change, ${['fact', 'decision', 'annotation', 'artifact', 'blob'].map((table) => `(SELECT count(*) FROM ${table}) - ${journal} AS ${table}`).join()},
      (SELECT count(*) FROM search_docsize) - 3 * ${journal} AS search, (SELECT sum(rev + 1) FROM actor) - ${journal} AS steps,
      (SELECT count(*) FROM actor WHERE record ->> '$.id' <> address || '#' || rev) AS records,
      (SELECT count(*) FROM actor JOIN intent ON intent.id = address || '.i' WHERE summary <> address || '#' || rev OR state <> iif(rev % 2, 'working', 'input-required')) AS intents`);
    assert.deepEqual(counted, { journal: 0, outbox: 0, fact: 0, intent_change: 0, decision: 0, annotation: 0, artifact: 0, blob: 0, search: 0, steps: 0, records: 0, intents: 0 }, `seed ${seed}, round ${round}`);
    assert.deepEqual((await verifyAudit(db)).firstBad, undefined, `seed ${seed}, round ${round}`);
    await db.close();
  }
  const db = await openDatabase(file);
  assert.deepEqual(await db.all('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
  await db.close();
  t.diagnostic(`seed ${seed}: ${acknowledged.length} acknowledged, none lost or partial in ${rounds} rounds; ${unanswered} were written but killed before the answer`);
});
