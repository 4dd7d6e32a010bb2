// `node test/bench/workers.ts [--json]`: the events of W1 handed to two worker processes, beside one, in the same run; and how long
// mailboxes stand still when a worker stops cleanly or is killed. Store and sender are in this process, as with `keelson up`.
import type { ChildProcess } from 'node:child_process';
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock as clock } from '#actors/clock.ts';
import { silentLog as log } from '#actors/log.ts';
import type { Message } from '#machines/message.ts';
import { ended, startCrew } from '#test/faults/workers-kit.ts';
import { median, pool, toResult, type Result, type Say } from './measure.ts';
import { orderEvent, orderEvents } from './order-machine.ts';

const actors = 500;
const inFlight = 64;
const rounds = 3;
const answerMs = 30_000;

export async function measureWorkers(say: Say): Promise<Result[]> {
  const ends: (() => Promise<void>)[] = [];
  const crew = await startCrew({ after: (task) => void ends.push(task) }, { actors: 0 });
  const bus = await connectBus({ ...crew.connection, name: 'bench', clock, log });
  let made = 0;
  const submit = async (to: string, body: Message['body']) => {
    const { outcome, note } = await bus.submit({ id: `bench-${++made}`, to, from: 'operator/bench', body }, answerMs);
    if (outcome !== 'applied') throw new Error(`${to}: ${outcome} ${note}`);
  };
  const start = (addresses: string[]) => pool(addresses, inFlight, (to) => submit(to, { kind: 'start', machine: 'order@1', input: {} }));
  const send = (addresses: string[], i: number) => pool(addresses, inFlight, (to) => submit(to, { kind: 'event', event: orderEvent(i) }));
  const addressesOf = (name: string) => Array.from({ length: actors }, (_, a) => `order/${name}-${a}`);
  const stop = async (child: ChildProcess) => {
    child.kill('SIGTERM');
    await ended(child);
  };
  const throughput = async (name: string) => {
    const addresses = addressesOf(name);
    await start(addresses);
    const from = performance.now();
    const timesMs: number[] = [];
    for (let i = 0; i < orderEvents.length; i++) timesMs.push(...(await send(addresses, i)).timesMs);
    return { perSecond: (actors * orderEvents.length * 1_000) / (performance.now() - from), timesMs };
  };
  /** The longest wait of events for every partition, sent while one of two workers ends. */
  const handover = async (name: string, signal: 'SIGTERM' | 'SIGKILL') => {
    const addresses = addressesOf(name);
    const victim = await crew.worker();
    await start(addresses);
    const working = pool(addresses, addresses.length, (to) => submit(to, { kind: 'event', event: orderEvent(0) }));
    victim.kill(signal);
    await ended(victim);
    return Math.max(...(await working).timesMs, ...(await send(addresses, 1)).timesMs);
  };

  try {
    const first = await crew.worker();
    await throughput('warm-up');
    const one: Awaited<ReturnType<typeof throughput>>[] = [];
    const two: Awaited<ReturnType<typeof throughput>>[] = [];
    for (let r = 0; r < rounds; r++) {
      one.push(await throughput(`one-${r}`));
      const second = await crew.worker();
      await throughput(`warm-${r}`);
      two.push(await throughput(`two-${r}`));
      await stop(second);
      say(`round ${r + 1}: one worker ${Math.round(one[r]!.perSecond)}/s, two ${Math.round(two[r]!.perSecond)}/s`);
    }
    const calmMs = await (async () => {
      const addresses = addressesOf('calm');
      await start(addresses);
      return Math.max(...(await pool(addresses, addresses.length, (to) => submit(to, { kind: 'event', event: orderEvent(0) }))).timesMs);
    })();
    const clean = await handover('clean', 'SIGTERM');
    const crash = await handover('crash', 'SIGKILL');
    await stop(first);
    return [
      toResult({ id: 'workers', unit: 'events/s', value: median(two.map((t) => t.perSecond)), baseline: median(one.map((o) => o.perSecond)), ratio: median(two.map((t, r) => t.perSecond / one[r]!.perSecond)), timesMs: two.flatMap((t) => t.timesMs) }),
      toResult({ id: 'handover-clean', unit: 'ms', value: clean, baseline: calmMs, timesMs: [clean] }),
      toResult({ id: 'handover-crash', unit: 'ms', value: crash, baseline: calmMs, timesMs: [crash] }),
    ];
  } finally {
    await bus.close();
    for (const end of ends) await end();
  }
}

if (import.meta.main) {
  const json = process.argv.includes('--json');
  const results = await measureWorkers((line) => json || console.log(line));
  console.log(json ? JSON.stringify(results) : results.map((r) => `${r.id}: ${r.value} ${r.unit} (beside ${r.baseline}, ratio ${r.ratio})`).join('\n'));
}
