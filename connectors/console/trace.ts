// A run as bars on one axis of time: its actors, within them the stages they went through, within these what they started. Pure.
import type { DecisionRow, DocumentRow, ForkRow, Operation, PartRow, StepRow, TraceRows, TryRow, Would } from './trace-rows.ts';

export interface Wait { item: string; summary: string; fromMs: number; toMs: number | null }
export interface Try { n: number; atMs: number; error: string | null; againMs: number | null }
export interface Said { rev: number; atMs: number; from: string | null; what: string; outcome: string; note: string | null; would: Would | null }

export interface Span {
  id: string;
  kind: 'actor' | 'stage' | 'job';
  /** The names from the run down to it: the same in another run of the same pipeline. */
  path: string;
  depth: number;
  name: string;
  /** Whose it is: of an actor its own address. */
  actor: string;
  machine: string | null;
  startMs: number;
  /** Null while it goes on. */
  endMs: number | null;
  state: string;
  status: string;
  /** The step by which it began. */
  rev: number;
  waits: Wait[];
  tries: Try[];
  decisions: string[];
  documents: DocumentRow[];
  messages: Said[];
  operation: Operation | null;
  error: string | null;
}

export interface Trace {
  address: string;
  machine: string;
  title: string | null;
  status: string;
  state: string;
  startMs: number;
  endMs: number | null;
  /** Now, by the server's clock. */
  atMs: number;
  workMs: number;
  waitingMs: number;
  waitsForYou: boolean;
  cost: { micros: number; modelCalls: number; unknownPrices: number };
  /** In the order in which they are shown; what belongs to a bar follows it. */
  spans: Span[];
  decisions: DecisionRow[];
  forks: ForkRow[];
  dryRun: PartRow['dryRun'];
  /** Whether it can be begun once more with what it was given. */
  hasInput: boolean;
  /** Steps whose words are gone: erased, or too old. */
  gone: number;
  /** More happened than is shown. */
  isCut: boolean;
}

/** The outermost state, or several side by side. */
export const stateName = (value: unknown): string => (typeof value === 'object' && value !== null ? Object.keys(value).join(' + ') : typeof value === 'string' ? value : '');

const revOf = (gen: string | null) => Number(/#(\d+)\.\d+$/.exec(gen ?? '')?.[1] ?? -1);
const said = ({ kind, type, child, error }: StepRow) => (kind === 'event' ? type ?? 'event' : kind === 'error' ? `${child} failed: ${error ?? ''}` : kind === 'done' ? `${child} is done` : kind === 'timer' ? 'a time was up' : kind ?? 'a step of the host');

export function toTrace(rows: TraceRows, atMs: number): Trace {
  const { parts, decisions, documents } = rows;
  const run = parts[0]!;
  const stepsOf = Map.groupBy(rows.steps, ({ actor }) => actor);
  const childrenOf = Map.groupBy(parts.slice(1), ({ parent }) => parent);
  const triesOf = Map.groupBy(rows.tries, ({ gen }) => gen);
  const spans: Span[] = [];

  const addActor = (part: PartRow, depth: number, above: string): void => {
    const steps = stepsOf.get(part.address) ?? [];
    const endMs = part.status === 'active' ? null : steps.at(-1)?.atMs ?? part.updatedMs;
    const waits = waitsOf(steps, endMs);
    const name = part.child ?? part.machine.split('@')[0]!;
    const path = above === '' ? 'run' : unique(spans, `${above}/${name}`);
    const common = { actor: part.address, tries: [], messages: [], decisions: [], documents: [], operation: null, error: null };
    const inTime = (from: number, to: number | null) => (row: { actor: string; atMs: number }) => row.actor === part.address && row.atMs >= from && (to === null || row.atMs < to);
    spans.push({
      ...common, id: part.address, kind: 'actor', path, depth, name, machine: part.machine, startMs: steps[0]?.atMs ?? part.updatedMs, endMs, state: part.held ? `held: ${part.held.reason ?? part.held.by}` : stateName(part.value), status: part.status, rev: 0, waits, error: part.error, operation: part.operation,
      decisions: decisions.filter(({ actor }) => actor === part.address).map(({ id }) => id), documents: documents.filter(({ actor }) => actor === part.address), messages: steps.map(toSaid),
    });
    const stages = stagesOf(steps, endMs);
    const isSplit = stages.length > 1 || (depth === 0 && stages.length === 1);
    const mine = childrenOf.get(part.address) ?? [];
    const addStarted = (fromRev: number, toRev: number, under: string, at: number, until: number | null) => {
      const started = steps.filter(({ rev }) => rev >= fromRev && rev <= toRev);
      for (const step of started) for (const { id, to } of step.sends ?? []) if (to.startsWith('job/')) spans.push(jobSpan(part, step, { id, name: to.slice(4), path: unique(spans, `${under}/${to}`), depth: at, until, steps, tries: triesOf.get(id) ?? [] }));
      for (const child of mine) if (revOf(child.gen) >= fromRev && revOf(child.gen) <= toRev) addActor(child, at, under);
    };
    if (!isSplit) return addStarted(0, Infinity, path, depth + 1, endMs);
    for (const stage of stages) {
      const under = unique(spans, `${path}/${stage.name}`);
      const within = inTime(stage.startMs, stage.endMs);
      spans.push({
        ...common, id: `${part.address}:${stage.rev}`, kind: 'stage', path: under, depth: depth + 1, name: stage.name, machine: null, startMs: stage.startMs, endMs: stage.endMs, state: stage.name, status: stage.endMs === null ? 'active' : 'done', rev: stage.rev,
        waits: waits.filter(({ fromMs }) => fromMs >= stage.startMs && (stage.endMs === null || fromMs < stage.endMs)), decisions: decisions.filter(within).map(({ id }) => id), documents: documents.filter(within), messages: steps.filter(({ rev }) => rev >= stage.rev && rev <= stage.lastRev).map(toSaid),
      });
      addStarted(stage.rev, stage.lastRev, under, depth + 2, stage.endMs);
    }
  };

  addActor(run, 0, '');
  const first = spans[0]!;
  const waitingMs = lengthOf(spans.filter(({ kind }) => kind === 'actor').flatMap(({ waits }) => waits), atMs);
  return {
    address: run.address, machine: run.machine, title: run.title, status: run.status, state: first.state, startMs: first.startMs, endMs: first.endMs, atMs, waitingMs, workMs: Math.max(0, (first.endMs ?? atMs) - first.startMs - waitingMs),
    waitsForYou: spans.some(({ waits }) => waits.some(({ toMs }) => toMs === null)), cost: costOf(decisions), spans, decisions, forks: rows.forks, dryRun: run.dryRun,
    hasInput: rows.steps.some(({ actor, kind, hasInput }) => actor === run.address && kind === 'start' && hasInput === 1), gone: rows.steps.filter(({ gone }) => gone === 1).length, isCut: rows.isCut,
  };
}

const toSaid = (step: StepRow): Said => ({ rev: step.rev, atMs: step.atMs, from: step.from, what: said(step), outcome: step.outcome, note: step.note, would: step.would });

interface Stage { name: string; rev: number; lastRev: number; startMs: number; endMs: number | null }

/** The states an actor was in between its steps, one after the other. What it ended in took no time and is left out. */
function stagesOf(steps: readonly StepRow[], endMs: number | null): Stage[] {
  const stages: Stage[] = [];
  for (const { rev, atMs, value, status, gone } of steps) {
    const last = stages.at(-1);
    if (gone === 1 || value === null) continue;
    const name = stateName(value);
    if (last?.name === name && status === 'active') last.lastRev = rev;
    else {
      if (last) last.endMs = atMs;
      if (status === 'active') stages.push({ name, rev, lastRev: rev, startMs: atMs, endMs: null });
    }
  }
  const open = stages.at(-1);
  if (open?.endMs === null) open.endMs = endMs;
  return stages;
}

function jobSpan(part: PartRow, started: StepRow, { id, name, path, depth, until, steps, tries }: { id: string; name: string; path: string; depth: number; until: number | null; steps: readonly StepRow[]; tries: readonly TryRow[] }): Span {
  const ends = tries.filter(({ claimed }) => claimed === null);
  const last = ends.findLast(({ result }) => result !== null);
  const taken = steps.find(({ gen, kind }) => gen === id && (kind === 'done' || kind === 'error'));
  const endMs = last?.atMs ?? taken?.atMs ?? until;
  return {
    id, kind: 'job', path, depth, name, actor: part.address, machine: null, startMs: started.atMs, endMs, rev: started.rev,
    state: last?.result ?? taken?.kind ?? (endMs === null ? 'under way' : 'withdrawn'), status: endMs === null ? 'active' : last?.result === 'error' || taken?.kind === 'error' ? 'error' : 'done',
    tries: ends.map(({ atMs, error, retryAfterMs }, i) => ({ n: i + 1, atMs, error, againMs: retryAfterMs === null ? null : atMs + retryAfterMs })), waits: [], decisions: [], documents: [], messages: [], operation: null, error: taken?.error ?? null,
  };
}

/** From when a question was asked until it was answered or lapsed; a reminder is the same question. */
function waitsOf(steps: readonly StepRow[], endMs: number | null): Wait[] {
  const waits: Wait[] = [];
  for (const { atMs, intents } of steps) {
    for (const { id, state, summary } of intents ?? []) {
      const open = waits.find(({ item, toMs }) => item === id && toMs === null);
      if (state !== 'input-required') {
        if (open) open.toMs = atMs;
      } else if (!open) waits.push({ item: id, summary, fromMs: atMs, toMs: null });
    }
  }
  // A question may outlive the one that asked; then nobody waits for its answer.
  for (const wait of waits) wait.toMs ??= endMs;
  return waits;
}

/** How much time spans of time cover together. */
function lengthOf(waits: readonly Wait[], nowMs: number): number {
  let covered = 0;
  let to = -Infinity;
  for (const { fromMs, toMs } of waits.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const end = toMs ?? nowMs;
    covered += Math.max(0, end - Math.max(fromMs, to));
    to = Math.max(to, end);
  }
  return covered;
}

function costOf(decisions: readonly DecisionRow[]): Trace['cost'] {
  const calls = decisions.filter(({ model }) => model !== null && model !== undefined);
  return { micros: decisions.reduce((sum, { costMicros }) => sum + (costMicros ?? 0), 0), modelCalls: calls.length, unknownPrices: calls.filter(({ costMicros }) => costMicros === null).length };
}

/** A stage that is gone through twice is another one the second time. */
function unique(spans: readonly Span[], path: string): string {
  const taken = new Set(spans.map((span) => span.path));
  for (let n = 1; ; n++) {
    const next = n === 1 ? path : `${path}#${n}`;
    if (!taken.has(next)) return next;
  }
}
