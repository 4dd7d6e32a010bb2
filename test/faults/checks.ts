// What must hold after every fault, whatever was killed when.
import assert from 'node:assert/strict';
import { replay, type HistoryRow } from '#actors/replay.ts';
import { verifyAudit } from '#store/verify.ts';
import { openDatabase } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';
import { createMachines } from '#supervisor/agents.ts';
import type { Company } from '#test/kit/server.ts';

export interface Status { received: number; applied: number; duplicate: number; parked: number; waiting: number; inFlight: number; mails: number; failed: number }
export interface InboxItem { id: string; kind: string; payloadHash: string; category: string | null }
export interface Op { id: string; state: string; done: boolean | null; providerRef: string | null; payloadHash: string; approvalId: string | null }

/** Waits until nothing is in flight any more. Looks into the file by itself: a command for each look would keep the machine busy. */
export function quiet(company: Company, timeoutMs = 60_000): Promise<Status> {
  return company.until('nothing in flight', timeoutMs, async () => {
    const db = await openDatabase(`${company.dataDir}/keelson.db`, { readOnly: true });
    try {
      const status = (await runQuery(db, 'status', {})) as Status;
      return status.inFlight === 0 ? status : null;
    } finally {
      await db.close();
    }
  });
}

/** Chain, counters, one triage per mail, no draft twice, and every history folds to its state. Answers the number of actors. */
export async function assertIntact(company: Company): Promise<number> {
  const db = await openDatabase(`${company.dataDir}/keelson.db`, { readOnly: true });
  try {
    const verdict = await verifyAudit(db);
    assert.equal(verdict.ok, true, JSON.stringify(verdict.firstBad));
    const status = (await runQuery(db, 'status', {})) as Status;
    assert.equal(status.received, status.applied + status.duplicate + status.parked);
    const twice = async (sql: string) => assert.deepEqual(await db.all(sql), []);
    await twice("SELECT actor, count(*) AS n FROM decision WHERE what = 'triage' GROUP BY actor HAVING count(*) > 1");
    await twice("SELECT json_extract(record, '$.snapshot.context.mailId') AS mail, count(*) AS n FROM actor WHERE address LIKE 'triage/%' AND status <> 'erased' GROUP BY mail HAVING count(*) > 1");
    await twice("SELECT json_extract(record, '$.snapshot.context.id') AS id, count(*) AS n FROM actor WHERE address LIKE 'operation/%' AND status <> 'erased' GROUP BY id HAVING count(*) > 1");
    await twice("SELECT id, count(*) AS n FROM artifact WHERE kind = 'draft' GROUP BY id HAVING count(*) > 1");
    const registry = createMachines();
    const actors = await db.all<{ address: string; record: string }>("SELECT address, record FROM actor WHERE status <> 'erased'");
    for (const { address, record } of actors) {
      const rows = (await runQuery(db, 'history', { address, limit: 10_000 })) as HistoryRow[];
      const result = replay(registry, address, rows, record);
      assert.equal(result.matches, true, `${address}: ${JSON.stringify(result.difference)}`);
    }
    return actors.length;
  } finally {
    await db.close();
  }
}
