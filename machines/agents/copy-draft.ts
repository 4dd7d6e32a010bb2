// What the copy agent makes of an answer from the ladder. Pure.
import type { z } from 'zod';
import type { draftSchema } from './activities.ts';
import type { Climbed } from './ladder-shape.ts';
import { findSuspicious } from './suspicious.ts';
import { decisionOf } from '../ladder.ts';
import type { Mail } from '../mail.ts';
import type { Link } from '../records.ts';
import { draftAnswer } from '../tasks/draft.ts';

export type Draft = z.output<typeof draftSchema>;
interface Drafted { hits: readonly { kind: string; id: string }[]; draft: Draft | null; tier: string | null; costMicros: number | null; threshold: number }

/** A model's word about itself is never certainty. */
const confidenceMax = 0.9;

export const isGood = ({ draft, threshold }: Pick<Drafted, 'draft' | 'threshold'>): boolean => draft !== null && draft.confidence >= threshold;

/** Why no model is asked about this mail, or null. */
export function mayClimb(mail: Mail): string | null {
  const [sign] = findSuspicious(mail);
  if (sign !== undefined) return `No model was asked: the mail ${sign}.`;
  const { autoSubmitted, bounce, list } = mail.bulk;
  return autoSubmitted || bounce || list ? 'No model was asked: a program wrote the mail.' : null;
}

/** A draft of which the ladder was not sure stays below the threshold, so that the operator is asked. */
export function climbedDraft({ draft, threshold, hits }: Drafted, climbed: Climbed): Omit<Drafted, 'threshold' | 'hits'> {
  const answer = draftAnswer.safeParse(climbed.answer);
  const { reasons, evidence, costMicros } = decisionOf('draft', climbed);
  if (climbed.tier === 'templates' || climbed.tier === null || !answer.success) {
    const asked = climbed.trail.filter(({ tier }) => tier !== 'templates');
    const why = asked.length === 0 ? [] : [`This is the template, since no model gave a better draft: ${asked.map(({ tier, reason }) => `${tier}: ${reason}`).join('; ')}`.slice(0, 1_000)];
    return { draft: draft && { ...draft, reasons: [...draft.reasons, ...why] }, tier: 'templates', costMicros };
  }
  const { text, templateId: named } = answer.data;
  const ids = [draft?.templateId ?? null, ...hits.filter(({ kind }) => kind === 'template').map(({ id }) => id)];
  const templateId = named !== null && ids.some((id) => id === named || id === `template/${named}`) ? named : null;
  const sure = Math.min(climbed.confidence, confidenceMax);
  const confidence = climbed.sure ? sure : Math.max(0, Math.min(sure, threshold - 0.01));
  return {
    draft: { subject: draft?.subject ?? '', text, templateId, confidence, reasons: [`drafted by ${climbed.model ?? climbed.tier} (tier ${climbed.tier})`, ...reasons, ...(draft?.reasons ?? [])], evidence: unique([...evidence, ...(draft?.evidence ?? [])]), model: climbed.model, costMicros },
    tier: climbed.tier, costMicros,
  };
}

const unique = (links: Link[]) => [...new Map(links.map((link) => [`${link.kind} ${link.id}`, link])).values()];
