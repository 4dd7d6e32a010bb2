// What an operation writes down on its way: the question to the operator, what was decided, what came of it. Words, no control flow.
import { z } from 'zod';
import { modeSchema, performedSchema, reservationSchema } from '../effects.ts';
import { toItemData, type Item } from '../inbox.ts';
import { outgoingMailSchema } from '../mail.ts';
import { linkSchema, type Intent } from '../records.ts';
import { verdictSchema } from './activities.ts';
import { correctedMail, correction, originSchema } from './correction.ts';

export const proposalSchema = z.object({
  /** Short; what the operator sees. */
  id: z.string().min(1).max(200),
  /** `mail.send` */
  action: z.string().min(1).max(100),
  payload: z.json(),
  summary: z.string(),
  category: z.string().nullable().default(null),
  confidence: z.number().nullable().default(null),
  reasons: z.array(z.string()).default([]),
  evidence: z.array(linkSchema).default([]),
  remindAfterMs: z.number().default(8 * 3_600_000),
  /** At most so long a yes is waited for, and valid. Policy may say less or more; money waits an hour. */
  expireAfterMs: z.number().default(24 * 3_600_000),
  mode: modeSchema.default('live'),
  /** What the payload was made from; null when it is nobody's draft. */
  origin: originSchema.nullable().default(null),
});

export const outcomeSchema = z.enum(['done', 'not-done', 'refused', 'rejected', 'expired', 'canceled', 'failed', 'dry-run']);

export const contextSchema = proposalSchema.extend({
  payloadHash: z.string(),
  verdict: verdictSchema.nullable(),
  /** How often it was asked about. */
  drafts: z.number().int(),
  approvalId: z.string().nullable(),
  approvedHash: z.string().nullable(),
  /** The operator's own edit: the hash of its content, and the terms under which it was made. */
  edit: z.object({ hash: z.string(), terms: z.string() }).nullable(),
  reservation: reservationSchema.nullable(),
  /** When it was dispatched first; null before. By the gate's clock. */
  sinceMs: z.number().nullable(),
  dispatches: z.number().int(),
  /** The operator was asked whether it left. */
  doubted: z.boolean(),
  /** It was told that effects go on while it waited for an answer of the gate. */
  resumed: z.boolean(),
  performed: performedSchema.nullable(),
  providerRef: z.string().nullable(),
  done: z.boolean().nullable(),
  outcome: outcomeSchema,
  reason: z.string(),
});
export type Context = z.output<typeof contextSchema>;

/** A draft that was asked about before and comes back is a new question. */
export const itemId = ({ id, payloadHash, drafts }: Context) => `ap-${id}-${payloadHash.slice(0, 8)}${drafts > 1 ? `.${drafts}` : ''}`;
export const paymentId = ({ id, payloadHash }: Context) => `pay-${id}-${payloadHash.slice(0, 8)}`;
const policyOf = (context: Context) => context.verdict?.policy ?? null;

/** All that a yes is bound to besides the words and the time. */
export const termsOf = ({ verdict }: Context) => JSON.stringify(verdict && [verdict.bound.connectorVersion, verdict.bound.mode, verdict.bound.enclosures, verdict.bound.policy, verdict.plan?.control.map(({ field, value }) => [field, value])]);

export const closeApproval = (context: Context, state: Intent['state']): Intent => ({ id: context.approvalId ?? itemId(context), kind: 'approval', state });
export const wasAsked = ({ verdict, approvalId }: Context) => approvalId !== null && verdict?.answer === 'ask';

export const decided = (context: Context, outcome: string) => ({ what: 'operation', outcome, confidence: null, reasons: [context.reason], evidence: context.evidence, policy: policyOf(context) });
export const judged = (context: Context) => ({ what: 'policy', outcome: context.verdict?.answer ?? 'deny', confidence: null, reasons: context.verdict?.reasons ?? [], evidence: context.evidence, policy: policyOf(context) });
export const approved = (context: Context) => ({ what: 'approval', outcome: 'approved', confidence: 1, reasons: [`the operator approved payload ${context.approvedHash?.slice(0, 12)}`], evidence: context.evidence, policy: policyOf(context) });

const itemOf = (context: Context): Omit<Item, 'risk' | 'reasons' | 'expiresAfterMs' | 'answers'> => ({ category: context.category, confidence: context.confidence, payload: context.payload, payloadHash: context.payloadHash, evidence: context.evidence, policy: policyOf(context) });

export const question = (context: Context): Intent => ({
  id: itemId(context),
  kind: 'approval',
  state: 'input-required',
  summary: context.summary,
  data: toItemData({
    ...itemOf(context),
    risk: context.verdict?.risk ?? 'high',
    reasons: [...context.reasons, ...(context.verdict?.reasons ?? [])],
    ...(context.verdict ? { bound: context.verdict.bound } : {}),
    ...(context.verdict?.plan ? { does: context.verdict.plan.summary, preview: context.verdict.plan.preview, control: context.verdict.plan.control, enclosures: context.verdict.plan.enclosures, money: context.verdict.plan.money } : {}),
    ...(context.verdict ? { reversible: context.verdict.reversible } : {}),
    expiresAfterMs: context.verdict?.expiresAfterMs ?? context.expireAfterMs,
    answers: 'approve = do exactly this; approve --edit FILE = do it as edited; reject --reason',
  }),
});

export const reminder = (context: Context): Intent => ({ id: context.approvalId ?? '', kind: 'approval', state: 'input-required', summary: `Reminder: ${context.summary}` });

/** An escalation about this operation, for when nobody but the operator can go on. */
export const askAbout = (context: Context, asked: string, answers: string): Intent => ({
  id: `op-${context.id}`,
  kind: 'escalation',
  state: 'input-required',
  summary: `${asked} ${context.summary}: ${context.reason}`,
  data: toItemData({ ...itemOf(context), risk: 'high', reasons: [context.reason], expiresAfterMs: null, answers }),
});
export const didItHappen = (context: Context) => askAbout(context, 'Did this leave?', `look at the other side (sent folder, account, calendar), then: ops reconcile ${context.id} --done | --not-done`);
export const closeDoubt = (context: Context): Intent => ({ id: `op-${context.id}`, kind: 'escalation', state: 'completed' });

const moneyOf = ({ verdict }: Context) => {
  const { amountMinor = 0, currency = '', payee = '' } = verdict?.plan?.money ?? {};
  return { amountMinor, currency, payee };
};

/** Money that is on its way, for the caps: the store adds these up. */
export const payment = (context: Context, state: Intent['state']): Intent => ({
  id: paymentId(context),
  kind: 'payment',
  state,
  summary: context.summary,
  data: { ...moneyOf(context), action: context.action, operation: context.id },
});

// What the operator made of a payload is kept as a correction, which later runs find.
const shown = (payload: unknown) => (typeof (payload as { text?: unknown } | null)?.text === 'string' ? (payload as { text: string }).text : JSON.stringify(payload, null, 2));
const originOf = ({ id, origin, summary }: Context) => origin ?? { draft: `draft-${id}`, template: null, inquiry: summary };
export function corrected(context: Context, after: Context['payload'], reason: string | undefined) {
  const [mailBefore, mailAfter] = [outgoingMailSchema.safeParse(context.payload).data, outgoingMailSchema.safeParse(after).data];
  const texts = mailBefore && mailAfter ? correctedMail(mailBefore, mailAfter) : { before: shown(context.payload), after: shown(after) };
  return correction(originOf(context), { ...texts, reason, rule: context.verdict?.policy.rule });
}

const readable = ({ payload, verdict }: Context) => {
  const { subject, text } = payload as { subject?: unknown; text?: unknown };
  return typeof text === 'string' ? `${typeof subject === 'string' ? `${subject}\n\n` : ''}${text}` : verdict?.plan?.preview ?? shown(payload);
};
export const editedDraft = (context: Context) => ({ id: originOf(context).draft, kind: 'draft' as const, mediaType: 'text/plain', text: readable(context) });
export const whatLeft = (context: Context) => ({ id: `sent-${context.id}`, kind: 'sent' as const, mediaType: 'text/plain', text: readable(context) });
