// What in the company may want somebody to do something: closed facts about it, told apart by a key that stays the same as long as it
// is the same situation. Nothing in here was written by a stranger but names of entities, and those never reach a model.
import { z } from 'zod';
import { toMoney } from './money-text.ts';
import { linkSchema } from './records.ts';

export const situationKinds = ['overdue-invoice', 'unanswered-lead', 'still-project', 'expiring-asset', 'contradiction'] as const;

export const situationSchema = z.object({
  /** `overdue-invoice:2026-0007` */
  key: z.string(),
  kind: z.enum(situationKinds),
  /** Whom or what it is about; null when it is about several. */
  entity: z.string().nullable(),
  /** What it is called there: the number of an invoice, a day. */
  about: z.string(),
  /** For how long, or until when; negative: days that are left. */
  days: z.int(),
  amountMinor: z.int().nullable(),
  currency: z.string().nullable(),
  count: z.int().positive(),
  evidence: z.array(linkSchema),
});
export type Situation = z.output<typeof situationSchema>;

const weights: Record<Situation['kind'], number> = { 'overdue-invoice': 50, 'unanswered-lead': 45, 'expiring-asset': 35, contradiction: 25, 'still-project': 20 };

/** Money first, then customers who wait; what lasts longer counts more, up to a month. */
export function rankByRule(situations: readonly Situation[]): Situation[] {
  const weight = ({ kind, days, amountMinor }: Situation) => weights[kind] + Math.min(30, Math.abs(days)) + Math.min(20, Math.log10(1 + (amountMinor ?? 0) / 100) * 4);
  return situations.toSorted((a, b) => weight(b) - weight(a) || a.key.localeCompare(b.key));
}

/** A coarse step of its age: a situation is news again when it got this much worse, not each day. */
const stage = (days: number) => (days < 0 ? -1 : days < 8 ? 0 : days < 15 ? 1 : days < 31 ? 2 : 3);

/** What is compared with the last look. */
export const traitsOf = (situations: readonly Situation[]) => situations.map(({ key, days, amountMinor, count }) => [key, stage(days), amountMinor, count]).toSorted((a, b) => String(a[0]).localeCompare(String(b[0])));

const sum = ({ amountMinor, currency }: Situation) => (amountMinor === null || currency === null ? '' : `, ${toMoney(amountMinor, currency)} open`);
const nameOf = ({ entity, about }: Situation) => (entity ?? about).replace(/^[a-z]+\//, '');

/** One sentence for the operator: what is, and what could be done. */
export function propose(situation: Situation): string {
  const { kind, about, days, count } = situation;
  switch (kind) {
    case 'overdue-invoice': return `Invoice ${about} to ${nameOf(situation)} is ${days} days overdue${sum(situation)}: call, or agree on a new day`;
    case 'unanswered-lead': return `${nameOf(situation)} asked ${days} days ago and has no answer: answer, or say why not`;
    case 'still-project': return `Nothing has happened in the project ${nameOf(situation)} (${about}) for ${days} days: take the next step, or end it`;
    case 'expiring-asset': return days < 0 ? `${nameOf(situation)} expires in ${-days} days, on ${about}: renew it, or let it go` : `${nameOf(situation)} expired on ${about}: renew it, or take it off the list`;
    case 'contradiction': return `${count} contradiction${count === 1 ? ' has' : 's have'} waited for ${days} days and more: say which is right, so that agents can rely on it`;
  }
}
