// `npm run bench [-- --json]`: W1 (throughput) and W3 (waking one idle actor), each with its baseline from the same run;
// `npm run bench -- mails [--json]`: the main job, 1,000 mails from the import to their waiting or final state.
// `npm run bench -- growth [--json]`: commits and reads at 5 million transitions beside 10,000, see growth.ts.
// Machines are noisy: read the ratio, and the median of the rounds.
import { startWorld, type World } from '#test/kit/world.ts';
import { runBaseline } from './baseline.ts';
import { measureGrowth, readSize } from './growth.ts';
import { measureMails, type MailRun } from './mails.ts';
import { orderEvent, orderEvents, orderMachine } from './order-machine.ts';

interface Result { id: string; value: number; unit: string; baseline: number; ratio: number; p50Ms: number; p99Ms: number }

const actors = 2_000;
const inFlight = 64;
const wakes = 500;
const rounds = 3;
const mails = 1_000;

const percentile = (times: number[], p: number) => times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor((times.length * p) / 100))] ?? 0;
const round = (x: number) => Math.round(x * 1000) / 1000;
const median = (xs: number[]) => percentile(xs, 50);

/** 2,000 actors × 5 events, 64 in flight, from handing in to the answer that it is on disk. The start of each actor is not counted. */
async function measureThroughput(world: World, name: string): Promise<{ perSecond: number; timesMs: number[] }> {
  const addresses = Array.from({ length: actors }, (_, a) => `order/${name}-${a}`);
  await pool(addresses, (address) => world.start(address, 'order@1', {}));
  const timesMs: number[] = [];
  const started = performance.now();
  for (let i = 0; i < orderEvents.length; i++) {
    await pool(addresses, async (address) => {
      const from = performance.now();
      const applied = await world.event(address, orderEvent(i));
      if (applied.outcome !== 'applied') throw new Error(`${address}: ${applied.outcome} ${applied.note}`);
      timesMs.push(performance.now() - from);
    });
  }
  return { perSecond: (actors * orderEvents.length * 1000) / (performance.now() - started), timesMs };
}

async function pool<T>(items: T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const iterator = items.values();
  await Promise.all(Array.from({ length: inFlight }, async () => {
    for (const item of iterator) await work(item);
  }));
}

async function measureWake(world: World): Promise<number[]> {
  const timesMs: number[] = [];
  for (let i = 0; i < wakes; i++) {
    const address = `order/wake-${i}`;
    await world.start(address, 'order@1', {});
    const from = performance.now();
    await world.event(address, orderEvent(0));
    timesMs.push(performance.now() - from);
  }
  return timesMs;
}

async function measureKernel(): Promise<Result[]> {
  const world = await startWorld({ machines: [orderMachine] });
  const results: Result[] = [];
  try {
    await measureThroughput(world, 'warm-up');
    const own: Awaited<ReturnType<typeof measureThroughput>>[] = [];
    const base: Awaited<ReturnType<typeof runBaseline>>[] = [];
    for (let r = 0; r < rounds; r++) {
      base.push(await runBaseline(actors));
      own.push(await measureThroughput(world, `round-${r}`));
      say(`round ${r + 1}: Keelson ${Math.round(own[r]!.perSecond)}/s, baseline ${Math.round(base[r]!.perSecond)}/s`);
    }
    const value = median(own.map((o) => o.perSecond));
    const baseline = median(base.map((b) => b.perSecond));
    const times = own.flatMap((o) => o.timesMs);
    results.push({ id: 'W1', value: round(value), unit: 'events/s', baseline: round(baseline), ratio: round(median(own.map((o, r) => o.perSecond / base[r]!.perSecond))), p50Ms: round(percentile(times, 50)), p99Ms: round(percentile(times, 99)) });

    const wake = await measureWake(world);
    const baseMs = percentile(base.flatMap((b) => b.timesMs), 50);
    results.push({ id: 'W3', value: round(percentile(wake, 50)), unit: 'ms', baseline: round(baseMs), ratio: round(percentile(wake, 50) / baseMs), p50Ms: round(percentile(wake, 50)), p99Ms: round(percentile(wake, 99)) });
    return results;
  } finally {
    await world.stop();
  }
}

const json = process.argv.includes('--json');
function say(line: string): void {
  if (!json) console.log(line);
}

const results: (Result | ({ id: 'mails' } & MailRun))[] = process.argv.includes('growth') ? await measureGrowth(readSize(process.argv.slice(2)), say) : process.argv.includes('mails') ? [{ id: 'mails', ...(await measureMails(mails)) }] : await measureKernel();
if (json) console.log(JSON.stringify(results));
for (const r of results) {
  if (r.id === 'mails' && 'parsePerSecond' in r) say(`mails: ${round(r.mailsPerSecond)}/s to the end, import alone ${round(r.importPerSecond)}/s, only parsing ${round(r.parsePerSecond)}/s; ${r.waiting} wait for the operator`);
  else if ('ratio' in r) say(`${r.id}: ${r.value} ${r.unit} (baseline ${r.baseline}, ratio ${r.ratio}), p50 ${r.p50Ms} ms, p99 ${r.p99Ms} ms`);
}
