// One try of an agent: what its output is worth, and what follows from it.
import { activityOf } from './define.ts';
import { firstIssue, plainError } from './errors.ts';
import { workerOf, type Slot } from './pipeline-context.ts';
import { charge, sayCost } from './pipeline-money.ts';
import { pipelineResult, type StepPlan, type Worker } from './pipeline-plan.ts';
import type { Decision } from './records.ts';

/** What happened to a try. */
export type Arrival = { output: unknown } | { error: unknown } | { timeoutMs: number };

/** The slot after a try, and the decision to record when there is something to say. */
export function takeTry(step: StepPlan, slot: Slot, arrival: Arrival): { slot: Slot; decision: Pick<Decision, 'outcome' | 'confidence' | 'reasons' | 'costMicros'> | null } {
  const worker = workerOf(step, slot);
  const raw = 'output' in arrival ? arrival.output : null;
  const told = (raw as { costMicros?: unknown } | null)?.costMicros;
  const costMicros = worker.tellsCost && typeof told === 'number' && Number.isInteger(told) && told >= 0 ? told : null;
  const priced = costMicros !== null || worker.tellsCost || worker.tryCostMicros !== null;
  const { problem, output } = read(step, worker, arrival);
  const confidence = confidenceOf(output);
  const next: Slot = {
    ...slot, output, problem, running: false,
    tries: slot.tries + 1,
    timeouts: slot.timeouts + ('timeoutMs' in arrival ? 1 : 0),
    ...charge(slot, costMicros, worker),
  };
  if (!problem && (!priced || costMicros === 0)) return { slot: next, decision: null };
  const reasons = [`${step.name}: try ${next.tries} of ${worker.attempts} of ${worker.label}${problem ? `: ${problem.text}` : ''}`, ...(priced ? [sayCost(costMicros, worker)] : [])];
  return { slot: next, decision: { outcome: problem?.kind ?? 'done', confidence, reasons, costMicros: activityOf(worker.agent) ? costMicros : null } }; // a machine records its own
}

export function confidenceOf(output: unknown): number | null {
  const confidence = (output as { confidence?: unknown } | null)?.confidence;
  return typeof confidence === 'number' && confidence >= 0 && confidence <= 1 ? confidence : null;
}

function read(step: StepPlan, worker: Worker, arrival: Arrival): Pick<Slot, 'output' | 'problem'> {
  const no = (kind: NonNullable<Slot['problem']>['kind'], text: string) => ({ output: null, problem: { kind, text } });
  if ('timeoutMs' in arrival) return no('timed out', `no result within ${arrival.timeoutMs} ms`);
  if ('error' in arrival) {
    const { code, message } = plainError(arrival.error);
    return no(code === 'BAD_OUTPUT' || code === 'BAD_MESSAGE' ? 'invalid' : 'failed', `${code}: ${message}`.slice(0, 2_000));
  }
  const whole = arrival.output as { outcome?: string; reason?: string; result?: unknown } | null;
  const isPipeline = pipelineResult(worker.agent) !== undefined;
  if (isPipeline && whole?.outcome === 'stopped') return no('stopped', `stopped: ${whole.reason}`);
  const parsed = worker.schema.safeParse(isPipeline ? whole?.result : whole);
  if (!parsed.success) return no('invalid', firstIssue(parsed.error, ': '));
  const output = (parsed.data ?? null) as Slot['output'];
  const { confidence: threshold } = step;
  const confidence = confidenceOf(output);
  if (!threshold || (confidence !== null && confidence >= threshold.atLeast)) return { output, problem: null };
  return { output, problem: { kind: 'unsure', text: `confidence ${confidence ?? 'unknown'} is below ${threshold.atLeast}` } };
}

export type Verdict = 'accept' | 'unsure' | 'again' | 'replan' | 'help' | 'stop';

/** What follows from a try. */
export function judge(step: StepPlan, slot: Slot): Verdict {
  const hasNext = slot.worker + 1 < step.workers.length;
  if (!slot.problem) return 'accept';
  if (slot.problem.kind === 'stopped') return 'stop';
  if (slot.problem.kind === 'unsure') return hasNext && step.confidence?.otherwise === 'alternative' ? 'replan' : 'unsure';
  if (slot.tries < workerOf(step, slot).attempts && slot.timeouts < step.timeoutsMax) return 'again';
  return hasNext ? 'replan' : 'help';
}

