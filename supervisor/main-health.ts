// What only the process itself can see of how it is: the bus, the disk, memory, and how late the main thread is.
import { accessSync, constants, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Bus } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import type { Machine } from '#connectors/console/health.ts';
import type { ProcessNumbers } from '#connectors/console/metrics.ts';
import type { Config } from './config.ts';
import type { Models } from './main-models.ts';

export interface SelfLook { look(): Promise<Machine>; numbers(): ProcessNumbers; stop(): void }

const busAnswerMs = 2_000;
/** How often Node looks; what it measures includes this. */
const looksEachMs = 10;
const nanosPerMilli = 1_000_000;
const microsPerSecond = 1_000_000;

export function lookAtSelf({ config, bus, models, clock }: { config: Config; bus: Pick<Bus, 'past'>; models: Pick<Models, 'settings' | 'gateway'>; clock: Clock }): SelfLook {
  const delay = monitorEventLoopDelay({ resolution: looksEachMs });
  delay.enable();
  const startedMs = clock.now();
  const file = join(config.dataDir, 'keelson.db');

  const askBus = async (): Promise<number | null> => {
    const before = clock.now();
    const over = new AbortController();
    try {
      return await Promise.race([bus.past().then(() => clock.now() - before, () => null), clock.sleep(busAnswerMs, over.signal).then(() => null)]);
    } finally {
      over.abort();
    }
  };

  return {
    async look() {
      const { bavail, bsize } = await statfs(config.dataDir);
      return { busMs: await askBus(), storeBytes: sizeOf(file) + sizeOf(`${file}-wal`), freeBytes: bavail * bsize, isWritable: mayWrite(file), models: { tiers: Object.keys(models.settings.tiers), resting: models.gateway.resting() } };
    },
    numbers() {
      const { rss, heapUsed } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      return { residentBytes: rss, heapBytes: heapUsed, cpuSeconds: (user + system) / microsPerSecond, startedMs, loopDelayP50Ms: late(delay.percentile(50)), loopDelayP99Ms: late(delay.percentile(99)), loopDelayMaxMs: late(delay.max) };
    },
    stop: () => void delay.disable(),
  };
}

const late = (nanos: number) => Math.max(0, nanos / nanosPerMilli - looksEachMs);
const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
