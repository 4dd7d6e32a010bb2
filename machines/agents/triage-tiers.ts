// How the word of another tier joins that of the rules. What was taught overrules them when it is sure; when it is only inclined
// otherwise, nobody is sure any more. A mail that gives orders stays suspicious whatever anybody says.
import { z } from 'zod';
import { categorySchema, languageSchema, type Category, type Language, type Mail } from '../mail.ts';
import type { Link } from '../records.ts';
import { triageTask } from '../tasks/triage.ts';
import type { Tried } from './activities.ts';
import type { Climbed } from './ladder-shape.ts';

export const localSchema = z.object({ mail: z.json(), rules: z.object({ category: categorySchema, confidence: z.number() }) });

/** What the local tier is asked: the mail, and what the rules say of it. */
export function localQuestion({ id, subject, text, from, bulk, attachments, inReplyTo, references, listId }: Mail, { category, confidence }: { category: Category; confidence: number }): z.output<typeof localSchema> {
  return { mail: { id, subject, text: text.slice(0, 3_000).toWellFormed(), from, bulk, attachments: attachments.slice(0, 10).map(({ name }) => ({ name })), inReplyTo, references: references.slice(0, 1), ...(listId === undefined ? {} : { listId }) }, rules: { category, confidence } };
}

interface Verdict { category: Category; confidence: number; language: Language; reasons: string[]; suspicious: string[]; by: 'rules' | 'learnt' | 'model' | 'operator'; tier?: string | undefined; said?: number | undefined }
interface Paid { model: string | null; costMicros: number | null; evidence: Link[] }
interface Standing { verdict: Verdict | null; paid?: Paid | undefined; threshold: number }

const nothing: Paid = { model: null, costMicros: 0, evidence: [] };
const answerSchema = z.object({ category: categorySchema, reason: z.string(), confidence: z.number().min(0).max(1) });
/** Below this a tier that says something else only guesses. */
const inclined = 0.4;
/** What is left of the rules' confidence when what was taught speaks against them. */
const contested = 0.5;

/** `isRule`: it rests on a published rule. */
export const restsOnRule = (evidence: readonly Link[]): boolean => evidence.some(({ kind, id }) => kind === 'artifact' && id.startsWith('rule/'));

/**
 * From which confidence on a verdict is acted on. The threshold is that of the rules, and grows when they turn out to be worse than they
 * claim; that says nothing about the others, whose own record is measured apart.
 */
export const sureFrom = (by: Verdict['by'], threshold: number): number => (by === 'rules' ? threshold : Math.min(threshold, othersFrom));
const othersFrom = 0.9;

export function learntVerdict({ verdict, paid = nothing, threshold }: Standing, tried: Tried): { verdict: Verdict | null; paid: Paid } {
  const answer = answerSchema.safeParse(tried.answer);
  if (verdict === null || !answer.success || (tried.outcome !== 'answered' && tried.outcome !== 'cached')) return { verdict, paid };
  const { category, reason, confidence } = answer.data;
  const shown: Paid = { ...paid, evidence: [...paid.evidence, ...tried.evidence].slice(0, 20) };
  const tier = restsOnRule(tried.evidence) ? 'rules' : 'local';
  const heard = { ...verdict, category, confidence: ceiling(verdict, confidence), by: 'learnt' as const, tier, reasons: [reason, `The rules of this build say ${verdict.category} at ${verdict.confidence}.`] };
  if (confidence >= sureFrom('learnt', threshold) && (category !== verdict.category || verdict.confidence < threshold)) return { verdict: heard, paid: shown };
  if (category === verdict.category) return { verdict: confidence > verdict.confidence && verdict.confidence < threshold ? heard : verdict, paid };
  // Not sure of it, but what was taught says something else than the rules: that is a reason to ask, not to go on.
  if (verdict.confidence >= threshold && confidence >= inclined) return { verdict: { ...verdict, confidence: Math.min(contested, verdict.confidence), reasons: [...verdict.reasons, `What you taught rather says ${category}. ${reason}`] }, paid: shown };
  return verdict.confidence >= threshold || confidence <= verdict.confidence ? { verdict, paid } : { verdict: heard, paid: shown };
}

const ceiling = ({ suspicious, confidence: before }: Verdict, confidence: number) => (suspicious.length > 0 ? Math.min(before, confidence) : confidence);

/** What the ladder brought home. Only what its tier is believed at counts as sure. */
export function climbedVerdict({ verdict, paid = nothing, threshold: ofRules }: Standing, climbed: Climbed): { verdict: Verdict | null; paid: Paid } {
  const threshold = sureFrom('model', ofRules);
  const spent: Paid = { model: climbed.model, costMicros: climbed.costMicros, evidence: [...paid.evidence, ...climbed.evidence].slice(0, 20) };
  const answer = triageTask.answer.safeParse(climbed.answer);
  if (verdict === null || !answer.success || climbed.tier === null || climbed.tier === verdict.tier) return { verdict: verdict && { ...verdict, reasons: [...verdict.reasons, climbed.reason].filter((reason) => reason !== '') }, paid: spent };
  const { category, reason } = answer.data;
  const confidence = climbed.sure ? Math.max(climbed.confidence, threshold) : Math.min(climbed.confidence, threshold - 0.01);
  return {
    verdict: {
      ...verdict, category, confidence: Math.max(0, Math.min(1, confidence)), language: languageSchema.parse(answer.data.language), by: 'model', tier: climbed.tier, said: climbed.confidence,
      reasons: [reason.slice(0, 500), climbed.reason, climbed.prompt === null ? '' : `prompt ${climbed.prompt.id}, version ${climbed.prompt.version}`, `Before, ${verdict.tier ?? 'the rules'} said ${verdict.category} at ${verdict.confidence}.`].filter((one) => one !== ''),
    },
    paid: spent,
  };
}
