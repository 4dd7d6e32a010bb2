// `node test/faults/budget-race.ts [CALLS] [PARALLEL]`: so many calls through the real gateway, against a budget that is one cent short of what
// they cost, and a provider that counts what it charges. Prints figures; exits with 1 when a call started above the limit or money is missing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changedBalance } from '#store/verify-balances.ts';
import { verifyAudit } from '#store/verify.ts';
import { highestTaken, openCaller } from './budget-caller.ts';
import { callMicros, startMeter } from './metered-provider.ts';

export interface Race { calls: number; parallel: number; limitMicros: number; answered: number; refused: number; otherwise: Record<string, number>; requests: number; chargedMicros: number; settledMicros: number; reservedMicros: number; highestTakenMicros: number; startedAbove: number; mostPerCallMicros: number; balances: string | null; chain: boolean; seconds: number }

export async function raceBudget({ calls, parallel }: { calls: number; parallel: number }): Promise<Race> {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-race-'));
  const meter = await startMeter();
  const limitMicros = calls * callMicros - 10_000;
  const caller = await openCaller({ file: join(dir, 'keelson.db'), url: meter.url, budgets: { company: {}, workflows: { mail: { perDayMicros: limitMicros, perMonthMicros: limitMicros } }, others: {} } });
  try {
    await caller.gateway.probe('small', AbortSignal.timeout(60_000)); // paid from another budget
    const [probes, probesMicros] = [meter.requests(), meter.chargedMicros()];
    const outcomes: Record<string, number> = {};
    const from = performance.now();
    let next = 0;
    await Promise.all(Array.from({ length: parallel }, async () => {
      while (next < calls) {
        const n = next++;
        const { outcome } = await caller.ask(`mail/m-${n}#1.0`, `mail/m-${n}`);
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }
    }));
    const seconds = (performance.now() - from) / 1_000;
    const { answered = 0, unaffordable: refused = 0, ...otherwise } = outcomes;
    const [sum] = await caller.db.all<{ settled: number; reserved: number }>("SELECT settled, reserved FROM balance WHERE scope = 'workflow/mail' AND period LIKE 'month:%'");
    const reservations = await caller.db.all<{ micros: number }>("SELECT micros FROM spend WHERE state = 'reserved' AND workflow = 'mail'");
    return {
      calls, parallel, limitMicros, answered, refused, otherwise, requests: meter.requests() - probes, chargedMicros: meter.chargedMicros() - probesMicros, settledMicros: sum?.settled ?? 0, reservedMicros: sum?.reserved ?? 0,
      highestTakenMicros: await highestTaken(caller.db, 'mail'), startedAbove: Math.max(0, meter.requests() - probes - reservations.length), mostPerCallMicros: Math.max(...reservations.map(({ micros }) => micros)),
      balances: (await changedBalance(caller.db))?.reason ?? null, chain: (await verifyAudit(caller.db)).ok, seconds,
    };
  } finally {
    await caller.db.close();
    await meter.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What must hold, as text for each that does not. */
export function faultsOf(race: Race): string[] {
  const { calls, limitMicros, answered, refused, requests, chargedMicros, settledMicros, reservedMicros, highestTakenMicros, startedAbove, balances, chain } = race;
  return [
    ...(highestTakenMicros > limitMicros ? [`settled + reserved was ${highestTakenMicros}, above the limit of ${limitMicros}`] : []),
    ...(startedAbove > 0 ? [`${startedAbove} calls reached the provider without a reservation`] : []),
    ...(chargedMicros > limitMicros ? [`the provider charged ${chargedMicros}`] : []),
    ...(chargedMicros > settledMicros ? [`the provider charged ${chargedMicros}, and only ${settledMicros} are settled`] : []),
    ...(requests !== answered ? [`${requests} requests, ${answered} answers`] : []),
    ...(refused === 0 ? ['nothing was refused, so the limit was never tried'] : []),
    ...(answered + refused + Object.values(race.otherwise).reduce((a, b) => a + b, 0) !== calls ? ['some calls had no outcome'] : []),
    ...(reservedMicros !== 0 ? [`${reservedMicros} are still reserved`] : []),
    ...(balances === null ? [] : [balances]),
    ...(chain ? [] : ['the chain does not verify']),
  ];
}

if (import.meta.main) {
  const [calls = 10_000, parallel = 100] = process.argv.slice(2).map(Number);
  const race = await raceBudget({ calls, parallel });
  const faults = faultsOf(race);
  process.stdout.write(`${JSON.stringify(race, null, 1)}\n${faults.length === 0 ? '0 calls started above the limit; everything that was charged is settled' : faults.join('\n')}\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
