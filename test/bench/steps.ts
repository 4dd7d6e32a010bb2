// W1, throughput: 2,000 actors × 5 events, 64 in flight, from handing in to the answer that it is on disk. W3: waking one idle actor.
// Beside both: the same machine live in one process with one sqlite3 transaction per event, in the same run.
import { startWorld, type World } from '#test/kit/world.ts';
import { runBaseline } from './baseline.ts';
import { median, pool, toResult, type Result, type Say } from './measure.ts';
import { orderEvent, orderEvents, orderMachine } from './order-machine.ts';

const actors = 2_000;
const inFlight = 64;
const wakes = 500;
const rounds = 3;

/** The start of each actor is not counted. */
async function measureThroughput(world: World, name: string): Promise<{ perSecond: number; timesMs: number[] }> {
  const addresses = Array.from({ length: actors }, (_, a) => `order/${name}-${a}`);
  await pool(addresses, inFlight, (address) => world.start(address, 'order@1', {}));
  const timesMs: number[] = [];
  const started = performance.now();
  for (let i = 0; i < orderEvents.length; i++) {
    const { timesMs: times } = await pool(addresses, inFlight, async (address) => {
      const applied = await world.event(address, orderEvent(i));
      if (applied.outcome !== 'applied') throw new Error(`${address}: ${applied.outcome} ${applied.note}`);
    });
    timesMs.push(...times);
  }
  return { perSecond: (actors * orderEvents.length * 1_000) / (performance.now() - started), timesMs };
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

export async function measureSteps(say: Say): Promise<Result[]> {
  const world = await startWorld({ machines: [orderMachine] });
  try {
    await measureThroughput(world, 'warm-up');
    const own: Awaited<ReturnType<typeof measureThroughput>>[] = [];
    const base: Awaited<ReturnType<typeof runBaseline>>[] = [];
    for (let r = 0; r < rounds; r++) {
      base.push(await runBaseline({ actors }));
      own.push(await measureThroughput(world, `round-${r}`));
      say(`round ${r + 1}: Keelson ${Math.round(own[r]!.perSecond)}/s, baseline ${Math.round(base[r]!.perSecond)}/s`);
    }
    const wake = await measureWake(world);
    return [
      toResult({ id: 'W1', unit: 'events/s', value: median(own.map((o) => o.perSecond)), baseline: median(base.map((b) => b.perSecond)), ratio: median(own.map((o, r) => o.perSecond / base[r]!.perSecond)), timesMs: own.flatMap((o) => o.timesMs) }),
      toResult({ id: 'W3', unit: 'ms', value: median(wake), baseline: median(base.flatMap((b) => b.timesMs)), timesMs: wake }),
    ];
  } finally {
    await world.stop();
  }
}
