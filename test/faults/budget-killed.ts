// `node test/faults/budget-killed.ts [KILLS]`: processes that call models are killed at named places between reserve, call and settle; after each
// kill the ledger is looked at. Prints figures; exits with 1 when a sum is wrong or the provider charged more than is counted.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#actors/clock.ts';
import { silentLog } from '#actors/log.ts';
import { createPrivateCommitter } from '#store/commit.ts';
import { openDatabase, type Database } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';
import { changedBalance } from '#store/verify-balances.ts';
import { verifyAudit } from '#store/verify.ts';
import { budgetsSchema } from '#supervisor/budget-settings.ts';
import { keepBudgets } from '#supervisor/main-budgets.ts';
import { startMeter } from './metered-provider.ts';

/** Where, in the `nth` call of the process; `seed` moves it by parts of a millisecond where a write is under way. */
export interface Kill { place: (typeof places)[number]; nth: number; seed: number }
/** Before, in and after the write that reserves; when the provider has charged; in the middle of its answer; before, in and after the write that settles. */
export const places = ['before-reserve', 'in-reserve', 'after-reserve', 'in-call', 'half-answer', 'before-settle', 'in-settle', 'after-settle'] as const;
export const killsOf = (count: number): Kill[] => Array.from({ length: count }, (_, i) => ({ place: places[i % places.length]!, nth: 1 + (i * 7) % 11, seed: i }));

/** What one run may cost, so that limits are near all the while. */
export const perRunMicros = 40_000;
const runner = fileURLToPath(import.meta.resolve('#test/faults/budget-runner.ts'));

export interface Told { kills: number; killed: number; byPlace: Record<string, number>; requests: number; chargedMicros: number; settledMicros: number; openAtDeathMicros: number; sweptMicros: number; leftoversSettled: number; faults: string[] }

export async function killCallers(kills: readonly Kill[]): Promise<Told> {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-killed-'));
  const file = join(dir, 'keelson.db');
  let [current, asked, child] = [null as Kill | null, 0, null as ReturnType<typeof spawn> | null];
  const meter = await startMeter({ async onRequest(half) {
    if ((current?.place !== 'in-call' && current?.place !== 'half-answer') || ++asked !== current.nth) return;
    if (current.place === 'half-answer') {
      half();
      await new Promise((done) => setImmediate(done));
    }
    child?.kill('SIGKILL');
  } });
  const told: Told = { kills: kills.length, killed: 0, byPlace: {}, requests: 0, chargedMicros: 0, settledMicros: 0, openAtDeathMicros: 0, sweptMicros: 0, leftoversSettled: 0, faults: [] };
  const sums = async (db: Database) => (await db.all<{ settled: number; reserved: number }>("SELECT coalesce(sum(settled), 0) AS settled, coalesce(sum(reserved), 0) AS reserved FROM balance WHERE scope = 'company' AND period LIKE 'month:%'"))[0]!;
  const check = async (db: Database, when: string) => {
    const fault = (what: string) => void told.faults.push(`${when}: ${what}`);
    const { settled, reserved } = await sums(db);
    if (meter.chargedMicros() > settled + reserved) fault(`the provider charged ${meter.chargedMicros()}, and ${settled} + ${reserved} are counted`);
    const balances = await changedBalance(db);
    if (balances) fault(balances.reason);
    const chain = await verifyAudit(db);
    if (!chain.ok) fault(`the chain: ${chain.firstBad?.reason}`);
    const above = await db.all<{ scope: string }>("SELECT scope FROM balance WHERE scope LIKE 'run/mail/%' AND settled + reserved > ?", perRunMicros);
    if (above.length > 0) fault(`${above.length} runs are above their limit`);
    return { settled, reserved };
  };
  try {
    for (const [i, kill] of kills.entries()) {
      [current, asked] = [kill, 0];
      child = spawn(process.execPath, [runner, file, meter.url, JSON.stringify(kill), String(i)], { stdio: ['ignore', 'ignore', 'pipe'] });
      let errors = '';
      child.stderr!.on('data', (text: Buffer) => (errors += text.toString()));
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
      if (signal === 'SIGKILL') {
        told.killed++;
        told.byPlace[kill.place] = (told.byPlace[kill.place] ?? 0) + 1;
      } else {
        told.faults.push(`kill ${i} at ${kill.place}: it ended with ${code}: ${errors.slice(-500)}`);
        break;
      }
      const db = await openDatabase(file, { readOnly: true });
      told.openAtDeathMicros += (await check(db, `kill ${i}, seed ${kill.seed}, ${kill.place}`)).reserved;
      await db.close();
    }
    const db = await openDatabase(file);
    const { commit } = await createPrivateCommitter(db);
    const { reserved } = await sums(db);
    // As if the longest time that a call may take were over.
    const keeping = keepBudgets({ store: { query: (name, args) => runQuery(db, name, args), commit }, settings: budgetsSchema.parse(undefined), clock: { ...systemClock, now: () => Date.now() + 3_600_000, every: () => () => {} }, log: silentLog });
    await keeping.look();
    await keeping.stop();
    const after = await check(db, 'after the sweep');
    if (after.reserved !== 0) told.faults.push(`${after.reserved} are still reserved after the sweep`);
    if (meter.chargedMicros() > after.settled) told.faults.push(`the provider charged ${meter.chargedMicros()}, settled are ${after.settled}`);
    const [{ n: leftoversSettled } = { n: 0 }] = await db.all<{ n: number }>("SELECT count(*) AS n FROM spend WHERE state = 'settled' AND detail ->> '$.outcome' = 'stopped'");
    await db.close();
    return { ...told, requests: meter.requests(), chargedMicros: meter.chargedMicros(), settledMicros: after.settled, sweptMicros: reserved, leftoversSettled };
  } finally {
    await meter.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const told = await killCallers(killsOf(Number(process.argv[2] ?? 200)));
  process.stdout.write(`${JSON.stringify(told, null, 1)}\n${told.faults.length === 0 ? 'the ledger sums after each kill, and no call was free' : `${told.faults.length} faults`}\n`);
  process.exitCode = told.faults.length === 0 ? 0 : 1;
}
