// How much throughput is left on a slow disk: W1 in a process with the disk as it is and in one where each COMMIT takes 2 ms longer
// (slow-disk.ts), in turn. The ratio is what is left; the baseline is W1 on the disk as it is.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { median, toResult, type Result, type Say } from './measure.ts';

const rounds = 3;
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

async function throughput(args: string[]): Promise<Result> {
  const child = spawn(process.execPath, [...args, path('./main.ts'), 'steps', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  return (JSON.parse(await text(child.stdout)) as Result[]).find(({ id }) => id === 'W1')!;
}

export async function measureSlowDisk(say: Say): Promise<Result[]> {
  const pairs: { fast: Result; slow: Result }[] = [];
  for (let r = 0; r < rounds; r++) {
    const fast = await throughput([]);
    const slow = await throughput(['--import', path('./slow-disk.ts')]);
    say(`round ${r + 1}: ${fast.value}/s, with the slow disk ${slow.value}/s (its baseline ${slow.baseline}/s)`);
    pairs.push({ fast, slow });
  }
  const value = median(pairs.map(({ slow }) => slow.value));
  const ratio = median(pairs.map(({ fast, slow }) => slow.value / fast.value));
  const slowest = pairs.map(({ slow }) => slow.p50Ms);
  return [toResult({ id: 'W1.slow-disk', unit: 'events/s', value, baseline: median(pairs.map(({ fast }) => fast.value)), ratio, timesMs: slowest })];
}
