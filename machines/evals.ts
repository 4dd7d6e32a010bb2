// How good an answer is, measured on cases from the past: what the operator confirmed, corrected or sent in the end is what should have
// been said. Pure: the same cases and answers give the same score, in any order of asking.
import { z } from 'zod';
import { findPromises } from './promises.ts';
import { wordSimilarity } from './similarity.ts';

type Json = z.core.util.JSONType;

export const evalPredicate = 'eval.result';
export const evalKinds = ['prompt', 'rules', 'tier'] as const;
export type EvalKind = (typeof evalKinds)[number];

/** What was scored: `asset/prompt-draft`, `asset/rules-triage`, `asset/tier-triage-local`. */
export const evalEntity = (kind: EvalKind, task: string, tier: string | null) => `asset/${kind}-${task}${kind === 'tier' ? `-${tier}` : ''}`;

const share = z.number().min(0).max(1);
export const evalResultSchema = z.strictObject({
  task: z.string().max(100),
  kind: z.enum(evalKinds),
  tier: z.string().max(100).nullable(),
  model: z.string().max(200).nullable(),
  /** sha256 of what was scored; a published version with this hash was evaluated. Null when nothing has a version, as for a tier. */
  hash: z.string().max(64).nullable(),
  /** Of the artifact, when it was published already. */
  version: z.int().nonnegative().nullable(),
  cases: z.int().nonnegative(),
  /** Of ids and expected answers: results of the same cases can be compared. */
  caseSet: z.string().max(64),
  /** 0 to 1: see `measure`. */
  score: share,
  measure: z.enum(['accuracy', 'similarity']),
  /** Mean distance between how sure it was and how right; null when it never said how sure it is. */
  calibrationError: share.nullable(),
  /** Cases that were not answered at all: refused, unreadable, no money. They count as wrong. */
  unanswered: z.int().nonnegative(),
  /** Drafts that promise what nobody had stated. */
  promises: z.int().nonnegative(),
  /** null when a price is unknown. */
  costMicros: z.int().nonnegative().nullable(),
  medianMs: z.number().nonnegative(),
  /** Cases that were answered otherwise than what is in force answers; null when that was not asked. */
  differs: z.int().nonnegative().nullable(),
  /** The score of what is in force, on the same cases. */
  before: share.nullable(),
});
export type EvalResult = z.output<typeof evalResultSchema>;

export interface EvalCase {
  id: string;
  input: Json;
  /** In the shape of the task's answer; what is not in it is not compared. */
  expected: Readonly<Record<string, Json>>;
  /** `confirmed`: it was right as it was · `corrected`: the operator changed it, so this is what was learnt. */
  source: 'confirmed' | 'corrected' | 'answered';
  atMs: number;
  /** What the company states about such cases: amounts, dates and links that an answer may hold. */
  stated?: string;
}

export interface EvalAnswer {
  id: string;
  /** null when nobody answered. */
  answer: Readonly<Record<string, Json>> | null;
  confidence: number | null;
  costMicros: number | null;
  ms: number;
  model: string | null;
  /** Why there is no answer, or what was said with it. */
  reason: string;
}

export interface ScoredCase { id: string; score: number; confidence: number | null; said: string; expected: string; why: string; promises: string[] }
export interface Scored extends Pick<EvalResult, 'score' | 'measure' | 'calibrationError' | 'unanswered' | 'promises' | 'costMicros' | 'medianMs' | 'cases'> { list: ScoredCase[] }

/** Field of an answer that is running text: it is compared by words. Any other field is right or wrong. */
const textField = 'text';
const show = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value ?? null));
const rounded = (n: number) => Math.round(n * 10_000) / 10_000;

/** 1 for what was expected, 0 for nothing. Text is compared by words; a promise that nobody stated makes it worthless. */
export function scoreCase({ id, expected, stated = '' }: EvalCase, given: EvalAnswer | undefined): ScoredCase {
  const wanted = Object.entries(expected).map(([field, value]) => `${show(value)}${Object.keys(expected).length > 1 ? ` (${field})` : ''}`).join(', ');
  if (!given?.answer) return { id, score: 0, confidence: null, said: '', expected: wanted, why: given?.reason ?? 'it was not asked', promises: [] };
  const { answer, confidence } = given;
  const parts = Object.entries(expected).map(([field, value]) => (field === textField ? wordSimilarity(show(answer[field] ?? ''), show(value)) : show(answer[field]) === show(value) ? 1 : 0));
  const promises = textField in expected ? findPromises(show(answer[textField] ?? ''), `${stated}\n${show(expected[textField])}`) : [];
  const score = promises.length > 0 ? 0 : parts.reduce((sum, part) => sum + part, 0) / Math.max(1, parts.length);
  const said = Object.keys(expected).map((field) => show(answer[field])).join(', ');
  return { id, score: rounded(score), confidence, said, expected: wanted, why: promises.length > 0 ? `promises ${promises.join(', ')}, which nobody has stated` : given.reason, promises };
}

export function scoreCases(cases: readonly EvalCase[], answers: readonly EvalAnswer[]): Scored {
  const byId = new Map(answers.map((answer) => [answer.id, answer]));
  const list = cases.map((one) => scoreCase(one, byId.get(one.id)));
  const mean = (values: readonly number[]) => (values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length);
  const sure = list.filter(({ confidence }) => confidence !== null);
  const asked = cases.flatMap(({ id }) => byId.get(id) ?? []);
  const times = asked.map(({ ms }) => ms).toSorted((a, b) => a - b);
  return {
    cases: cases.length, list,
    score: rounded(mean(list.map(({ score }) => score))),
    measure: cases.some(({ expected }) => textField in expected) ? 'similarity' : 'accuracy',
    calibrationError: sure.length === 0 ? null : rounded(calibrationError(sure.map(({ confidence, score }) => ({ confidence: confidence!, right: score })))),
    unanswered: list.filter(({ id }) => !byId.get(id)?.answer).length,
    promises: list.filter(({ promises }) => promises.length > 0).length,
    costMicros: asked.some(({ costMicros }) => costMicros === null) ? null : asked.reduce((sum, { costMicros }) => sum + costMicros!, 0),
    medianMs: times[Math.floor(times.length / 2)] ?? 0,
  };
}

const bins = 10;

/** Expected calibration error: cases in ten bins by confidence, the distance in each between mean confidence and share right, weighted by cases. */
function calibrationError(cases: readonly { confidence: number; right: number }[]): number {
  const groups = Map.groupBy(cases, ({ confidence }) => Math.min(bins - 1, Math.floor(confidence * bins)));
  const distance = (group: readonly { confidence: number; right: number }[]) => Math.abs(group.reduce((sum, { confidence, right }) => sum + confidence - right, 0));
  return [...groups.values()].reduce((sum, group) => sum + distance(group), 0) / cases.length;
}

export interface Difference { id: string; before: string; now: string; expected: string; better: boolean | null }

/** Cases that are answered otherwise than before; `better` is null when both are equally right. */
export function compareScored(before: Scored, now: Scored): Difference[] {
  const old = new Map(before.list.map((one) => [one.id, one]));
  return now.list.flatMap((one) => {
    const was = old.get(one.id);
    if (!was || was.said === one.said) return [];
    return [{ id: one.id, before: was.said || was.why, now: one.said || one.why, expected: one.expected, better: was.score === one.score ? null : one.score > was.score }];
  });
}

/** The newest first where none is chosen twice; so that the same history gives the same cases. */
export const pickCases = (cases: readonly EvalCase[], limit: number): EvalCase[] => [...new Map(cases.map((one) => [one.id, one])).values()].toSorted((a, b) => b.atMs - a.atMs || (a.id < b.id ? -1 : 1)).slice(0, limit);
