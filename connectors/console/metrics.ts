// The numbers of a company in Prometheus' text format, for whatever watches this computer.
import type { Counts, Standing } from './health.ts';
import type { RawRoute } from './route.ts';

/** What only the process itself can see. */
export interface ProcessNumbers { residentBytes: number; heapBytes: number; cpuSeconds: number; startedMs: number; loopDelayP50Ms: number; loopDelayP99Ms: number; loopDelayMaxMs: number }

export interface MetricsPorts {
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
  paused(): string | null;
  /** Pages that read the stream of changes. */
  readers(): number;
  process(): ProcessNumbers;
}

interface SpendTotals { workflow: string; settledMicros: number; reservedMicros: number }
type Sample = [value: number, labels?: Record<string, string>];
interface Metric { name: string; help: string; type: 'counter' | 'gauge'; samples: Sample[] }

export function metricsRoute(ports: MetricsPorts): RawRoute {
  return { method: 'get', path: '/metrics', who: 'all', summary: 'The numbers of this company, for Prometheus.', answer: async (c) => c.body(toText(await readMetrics(ports)), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }) };
}

async function readMetrics({ query, paused, readers, process }: MetricsPorts): Promise<Metric[]> {
  const [counts, standing, spend] = await Promise.all([query('status', {}) as Promise<Counts & { effects: string }>, query('standing', {}) as Promise<Standing>, query('spendTotals', {}) as Promise<SpendTotals[]>]);
  const { residentBytes, heapBytes, cpuSeconds, startedMs, loopDelayP50Ms, loopDelayP99Ms, loopDelayMaxMs } = process();
  const counter = (name: string, help: string, ...samples: Sample[]): Metric => ({ name, help, type: 'counter', samples });
  const gauge = (name: string, help: string, ...samples: Sample[]): Metric => ({ name, help, type: 'gauge', samples });
  return [
    counter('messages_received_total', 'Messages that came.', [counts.received]),
    counter('messages_total', 'Messages that came, by what became of them.', ...(['applied', 'duplicate', 'parked'] as const).map((outcome): Sample => [counts[outcome], { outcome }])),
    counter('commits_total', 'Commits in the store.', [counts.commits]),
    gauge('inbox_waiting', 'Items that wait for the operator.', [counts.waiting]),
    gauge('messages_in_flight', 'Messages that were promised and are not applied yet.', [counts.inFlight]),
    gauge('deadlines', 'Messages that leave when their time has come.', [counts.deadlines]),
    gauge('actors', 'Actors by status.', [counts.active, { status: 'active' }], ...standing.statuses.map(({ status, count }): Sample => [count, { status }])),
    gauge('operations', 'External operations by state.', ...standing.operations.map(({ state, count }): Sample => [count, { state }])),
    gauge('operations_unknown', 'Operations of which nobody knows whether they left.', [standing.operations.find(({ state }) => state === 'unknown')?.count ?? 0]),
    gauge('parked_messages', 'Messages that are parked now.', [standing.parked]),
    counter('model_spend_dollars_total', 'What settled calls of models have cost, by workflow.', ...spend.map(({ workflow, settledMicros }): Sample => [settledMicros / 1e6, { workflow }])),
    gauge('model_reserved_dollars', 'What calls of models that are under way may cost at most, by workflow.', ...spend.map(({ workflow, reservedMicros }): Sample => [reservedMicros / 1e6, { workflow }])),
    gauge('facts', 'Facts in the store.', [counts.facts]),
    gauge('erasures_unfinished', 'Erasures that are not finished.', [counts.erasing]),
    gauge('last_commit_timestamp_seconds', 'When the last commit was made.', [(standing.last?.atMs ?? 0) / 1_000]),
    gauge('effects_stopped', '1 while nothing may leave.', [counts.effects === 'stopped' ? 1 : 0]),
    gauge('paused', '1 while the company is paused.', [paused() === null ? 0 : 1]),
    gauge('stream_readers', 'Pages that read the stream of changes.', [readers()]),
    gauge('process_start_time_seconds', 'When this process started.', [startedMs / 1_000]),
    counter('process_cpu_seconds_total', 'Processor time that this process used.', [cpuSeconds]),
    gauge('process_resident_memory_bytes', 'Memory that this process holds.', [residentBytes]),
    gauge('process_heap_bytes', 'Of it, used by the main thread\'s heap.', [heapBytes]),
    gauge('event_loop_delay_seconds', 'How late the main thread was since it started.', [loopDelayP50Ms / 1_000, { quantile: '0.5' }], [loopDelayP99Ms / 1_000, { quantile: '0.99' }], [loopDelayMaxMs / 1_000, { quantile: '1' }]),
  ];
}

const escape = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

function toText(metrics: readonly Metric[]): string {
  return metrics.map(({ name, help, type, samples }) => [
    `# HELP keelson_${name} ${help}`, `# TYPE keelson_${name} ${type}`,
    ...samples.map(([value, labels = {}]) => {
      const said = Object.entries(labels).map(([key, text]) => `${key}="${escape(text)}"`).join(',');
      return `keelson_${name}${said === '' ? '' : `{${said}}`} ${value}`;
    }),
  ].join('\n')).join('\n') + '\n';
}
