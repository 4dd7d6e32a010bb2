// Where each state and transition of a machine is drawn. Computed once for each machine, on a thread of its own: a large one takes
// seconds, and everything else of this process goes on meanwhile.
import { Worker } from 'node:worker_threads';
import { KeelsonError } from '#machines/errors.ts';
import type { Chart } from '#machines/chart.ts';

/** All numbers are pixels from the upper left corner of the drawing. */
export interface LaidChart {
  /** The machine, `id@version`. */
  key: string;
  chart: Chart;
  width: number;
  height: number;
  /** Outer states before inner ones. */
  boxes: LaidBox[];
  lines: LaidLine[];
  /** The black dots in which compound states begin. */
  dots: { x: number; y: number }[];
}

export interface LaidBox {
  /** Of the state. */
  id: string;
  x: number;
  y: number;
  width: number;
  height: number;
  /** As much of the name as fits. */
  title: string;
  rows: { kind: 'invoke' | 'entry' | 'exit' | 'stays'; text: string; /** Of a transition that stays. */ edge?: string }[];
}

export interface LaidLine {
  /** All transitions that lead the same way are one line. */
  edges: string[];
  points: [x: number, y: number][];
  label: { x: number; y: number; width: number; height: number; rows: { edge: string; text: string }[] } | null;
}

/** Nobody could read more. */
const statesMax = 500;
const keptMax = 64;

/** Throws BAD_ARGUMENT when there are more states than anybody could look at. */
export function layoutChart(key: string, chart: Chart): Promise<LaidChart> {
  if (chart.nodes.length > statesMax) return Promise.reject(new KeelsonError('BAD_ARGUMENT', `'${key}' has ${chart.nodes.length} states; ${statesMax} can be drawn`, { hint: 'Export it as Mermaid, SCXML or JSON.' }));
  const worker = new Worker(new URL('./chart-layout-thread.ts', import.meta.url), { workerData: { key, chart } });
  return new Promise<LaidChart>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the layout of '${key}' ended with ${code}`)));
  }).finally(() => void worker.terminate());
}

/** Keeps what was laid out, by machine and structure; the least used goes first. One at a time is computed. */
export function createLayouts(): (key: string, hash: string, chart: () => Chart) => Promise<LaidChart> {
  const kept = new Map<string, Promise<LaidChart>>();
  let before: Promise<unknown> = Promise.resolve();
  return (key, hash, chart) => {
    const id = `${key} ${hash}`;
    const found = kept.get(id);
    const laid = found ?? before.then(() => layoutChart(key, chart()));
    kept.delete(id);
    kept.set(id, laid);
    if (found) return found;
    before = laid.catch(() => kept.delete(id));
    for (const oldest of kept.keys()) if (kept.size > keptMax) kept.delete(oldest);
    return laid;
  };
}
