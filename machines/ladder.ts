// How a ladder is climbed: which tier is asked next, what is believed, what is worth waiting for. Pure: it knows thresholds and
// answers and no tier by name. Whoever had a task answered records the decision, with `decisionOf`: one per answer, not one per tier.
import { z } from 'zod';
import { tiersSchema, triedSchema, type Tiers, type Tried } from './agents/activities.ts';
import { ladderInput, ladderOutput, type Climbed } from './agents/ladder-shape.ts';
import { dollars } from './budget.ts';
import type { Decision } from './records.ts';
import { taskOf } from './task-list.ts';

/** What passes by itself (`provider`, `money` at a budget's next period), and what only the operator changes. */
export const needSchema = z.enum(['provider', 'money', 'operator']);
export type Need = z.output<typeof needSchema>;

const rungSchema = ladderOutput.shape.trail.element;
type Rung = z.output<typeof rungSchema>;

/** An answer, and how far it is above the confidence from which its tier is believed. */
const heldSchema = triedSchema.pick({ model: true, prompt: true, evidence: true }).extend({ answer: z.json(), tier: z.string(), confidence: z.number(), above: z.number(), reason: z.string() });

export const climbSchema = z.object({
  ...ladderInput.shape,
  plan: tiersSchema.nullable(),
  /** The last word of each tier. */
  trail: z.array(rungSchema),
  best: heldSchema.nullable(),
  /** Null when one has an unknown price. */
  costMicros: z.number().int().nullable(),
  /** Of tiers that could not be asked. */
  needs: z.record(z.string(), needSchema),
  /** Why the plan is missing. */
  note: z.string().nullable(),
});
export type Climb = z.output<typeof climbSchema>;

export const startClimb = (input: z.output<typeof ladderInput>): Climb => ({ ...input, plan: null, trail: [], best: null, costMicros: 0, needs: {}, note: null });

/** A plan, at the start and again after each wait: the first rung is what is there already. Tiers that could not be asked get another chance. */
export function withPlan(climb: Climb, plan: Tiers): Climb {
  const { floor } = climb;
  const thresholdOf = (tier: string) => plan.tiers.find(({ name }) => name === tier)?.threshold ?? Math.max(1, ...plan.tiers.map(({ threshold }) => threshold));
  const passed = plan.skipped.map(({ name, reason }): Rung => ({ tier: name, outcome: 'unsupported', confidence: null, costMicros: 0, reason }));
  const known = climb.trail.filter(({ tier }) => !Object.hasOwn(climb.needs, tier) && passed.every((rung) => rung.tier !== tier));
  const first: Rung[] = floor === null || known.some(({ tier }) => tier === floor.tier) ? [] : [{ tier: floor.tier, outcome: 'answered', confidence: floor.confidence, costMicros: 0, reason: 'it was there already' }];
  const best = climb.best ?? (floor && { ...floor, model: null, prompt: null, evidence: [], reason: 'it was there already' });
  return { ...climb, plan, needs: {}, note: null, trail: [...passed, ...first, ...known], best: best && { ...best, above: best.confidence - thresholdOf(best.tier) } };
}

/** The cheapest tier that has not had its say. */
export const nextTier = ({ plan, trail }: Climb): string | null => plan?.tiers.find(({ name }) => trail.every(({ tier }) => tier !== name))?.name ?? null;

export const isSure = ({ best }: Climb): boolean => best !== null && best.above >= 0;

/** What the profile says about tiers that could not be asked. */
export const shouldWait = ({ plan, needs }: Climb): boolean => plan?.otherwise === 'wait' && Object.keys(needs).length > 0;

/** Outcomes of which nothing was asked, so nothing was spent when no cost is named. */
const unasked: readonly Tried['outcome'][] = ['throttled', 'down', 'unaffordable', 'unpriced', 'unsupported'];

function needOf({ outcome, againAtMs }: Tried): Need | null {
  if (outcome === 'down' || outcome === 'throttled') return 'provider';
  return outcome === 'unaffordable' ? (againAtMs === null ? 'operator' : 'money') : null;
}

/** What a tier said. An answer of another shape than the task's is none. */
export function withTried(climb: Climb, tier: string, said: Tried): Climb {
  const shape = taskOf(climb.task)?.answer;
  const readable = said.answer === null || shape === undefined || shape.safeParse(said.answer).success;
  const tried: Tried = readable ? said : { ...said, outcome: 'unreadable', answer: null, confidence: null, reason: `its answer is not in the shape of '${climb.task}'` };
  const costMicros = tried.costMicros ?? (unasked.includes(tried.outcome) ? 0 : null);
  const rung: Rung = { tier, outcome: tried.outcome, confidence: tried.confidence, costMicros, reason: tried.reason };
  const need = needOf(tried);
  return {
    ...climb,
    trail: [...climb.trail, rung],
    best: better(climb.best, held(climb, tier, tried)),
    costMicros: climb.costMicros === null || costMicros === null ? null : climb.costMicros + costMicros,
    needs: need === null ? climb.needs : { ...climb.needs, [tier]: need },
  };
}

function held({ plan }: Climb, tier: string, { answer, confidence, model, prompt, evidence, reason }: Tried): Climb['best'] {
  if (answer === null) return null;
  const threshold = plan?.tiers.find(({ name }) => name === tier)?.threshold ?? 1;
  return { answer, tier, confidence: confidence ?? 0, above: (confidence ?? 0) - threshold, model, prompt, evidence, reason };
}

/** Of two that are equally sure, the later: it is the dearer mind. */
const better = (before: Climb['best'], now: Climb['best']) => (before === null || (now !== null && now.above >= before.above) ? now : before);

export function toClimbed(climb: Climb): Climbed {
  const { best, trail, costMicros, note } = climb;
  const why = note ?? (best === null ? 'no tier had an answer' : isSure(climb) ? `${best.tier} is sure enough: ${best.reason}` : `no tier was sure enough; ${best.tier} came nearest: ${best.reason}`);
  return {
    answer: best?.answer ?? null, confidence: best?.confidence ?? 0, sure: isSure(climb), tier: best?.tier ?? null, model: best?.model ?? null,
    costMicros, prompt: best?.prompt ?? null, evidence: best?.evidence ?? [], trail, reason: why,
  };
}

/** `small: unsure at 0.41, $0.0002: the mail asks two things` */
export function sayTrail(trail: Climbed['trail']): string[] {
  return trail.map(({ tier, outcome, confidence, costMicros, reason }) => {
    const cost = costMicros === null ? ', cost unknown' : costMicros > 0 ? `, ${dollars(costMicros)}` : '';
    return `${tier}: ${outcome}${confidence === null ? '' : ` at ${confidence.toFixed(2)}`}${cost}: ${reason}`.slice(0, 500);
  });
}

/** What a decision says about the climb that led to it: which tier answered, why, and what it cost. */
export function decisionOf(task: string, { tier, model, costMicros, prompt, trail, evidence, reason }: Climbed): Pick<Decision, 'task' | 'model' | 'costMicros' | 'reasons' | 'evidence'> & { tier?: string } {
  const worded = prompt === null ? [] : [`prompt ${prompt.id}, version ${prompt.version}`];
  return { task, ...(tier === null ? {} : { tier }), model, costMicros, reasons: [reason, ...sayTrail(trail), ...worded], evidence };
}
