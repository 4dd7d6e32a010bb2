// The execution agent: one external side effect, from proposal to a known outcome. `dispatching` runs an activity that is claimed
// in the store before the call leaves; when nobody can tell whether it happened the operation is `unknown` and waits.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { protocol, records } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { operatorEvents, operatorOnly, toItemData } from '../inbox.ts';
import { outgoingMailSchema } from '../mail.ts';
import { linkSchema, type Intent } from '../records.ts';
import { checkOperation, sendMail, verdictSchema, type policySchema } from './activities.ts';
import { correctedMail, correction, originSchema } from './correction.ts';

const proposalSchema = z.object({
  /** Short and unique; the operation id that providers and the operator see. */
  id: z.string(),
  action: z.literal('mail.send'),
  connector: z.literal('mail'),
  payload: outgoingMailSchema,
  summary: z.string(),
  category: z.string().nullable(),
  confidence: z.number().nullable(),
  reasons: z.array(z.string()),
  evidence: z.array(linkSchema),
  /** Addresses that did not come from untrusted content alone. */
  trusted: z.array(z.string()),
  remindAfterMs: z.number(),
  expireAfterMs: z.number(),
  /** What the payload was made from; null when it is nobody's draft. */
  origin: originSchema.nullable().default(null),
});

const outputSchema = z.object({ outcome: z.enum(['sent', 'not-sent', 'rejected', 'denied', 'expired', 'failed']), reason: z.string(), providerRef: z.string().nullable() });

const operation = protocol({
  input: proposalSchema,
  context: proposalSchema.extend({ payloadHash: z.string(), verdict: verdictSchema.nullable(), drafts: z.number().int(), approvalId: z.string().nullable(), approvedHash: z.string().nullable(), providerRef: z.string().nullable(), sent: z.boolean().nullable(), outcome: outputSchema.shape.outcome, reason: z.string() }),
  events: {
    ...operatorEvents,
    RECONCILE: z.object({ outcome: z.enum(['sent', 'not-sent']), note: z.string().max(2_000) }),
    /** The company goes on from a backup: what happened after it was taken is not in the store. */
    RESTORED: z.object({ note: z.string().min(1).max(2_000) }),
  },
  output: outputSchema,
  operatorOnly,
  may: { facts: ['mail.sent', 'mail.written-not-sent'], artifacts: ['draft', 'sent'], intents: ['approval'], act: ['gate.check', 'mail.send'], corrections: true },
});

type Context = z.output<typeof operation.schemas.context>;
/** A draft that was asked about before and comes back is a new question. */
const itemId = ({ id, payloadHash, drafts }: Context) => `ap-${id}-${payloadHash.slice(0, 8)}${drafts > 1 ? `.${drafts}` : ''}`;
const closeApproval = (context: Context, state: Intent['state']): Intent => ({ id: context.approvalId ?? itemId(context), kind: 'approval', state });
const decided = (context: Context, outcome: string) => ({ what: 'operation', outcome, confidence: null, reasons: [context.reason], evidence: context.evidence, policy: policyOf(context) });
/** An escalation about this operation, for when nobody but the operator can go on. */
const askAbout = (context: Context, question: string, answers: string): Intent => ({
  id: `op-${context.id}`,
  kind: 'escalation',
  state: 'input-required',
  summary: `${question} ${context.summary}: ${context.reason}`,
  data: toItemData({ category: context.category, confidence: context.confidence, risk: 'high', reasons: [context.reason], payload: context.payload, payloadHash: context.payloadHash, evidence: context.evidence, policy: policyOf(context), expiresAfterMs: null, answers }),
});
const isUnknown = (error: unknown) => (error as { code?: string } | null)?.code === 'SEND_UNKNOWN';
const policyOf = (context: Context): z.output<typeof policySchema> | null => context.verdict?.policy ?? null;
const originOf = ({ id, origin, summary }: Context) => origin ?? { draft: `draft-${id}`, template: null, inquiry: summary };
/** `after` is what the operator made of the payload. */
const corrected = (context: Context, after: Context['payload'], reason: string | undefined) => correction(originOf(context), { ...correctedMail(context.payload, after), reason, rule: context.verdict?.policy.rule });
const editedBy = (edit: { payload: unknown } | undefined, { payload }: Context) => outgoingMailSchema.safeParse(edit?.payload).data ?? payload;
const withText = (context: Context, text: string) => ({ ...context.payload, text });

export const operationMachine = setup({
  types: operation.types,
  schemas: operation.schemas,
  actions: records,
  actors: { checkOperation, sendMail },
  delays: { reminder: ({ context }) => context.remindAfterMs, expiry: ({ context }) => context.expireAfterMs },
  guards: {
    denied: ({ context }) => context.verdict?.answer === 'deny',
    allowed: ({ context }) => context.verdict?.answer === 'allow',
    /** What the operator saw is what is stored now. */
    sameHash: ({ context }, { hash }: { hash: string }) => hash === context.payloadHash,
    saysSomethingElse: ({ context }, { text }: { text: string }) => text !== context.payload.text,
    editsWhatWasShown: ({ context, event }) => event.type === 'APPROVE' && event.payloadHash === context.payloadHash && event.edit !== undefined && outgoingMailSchema.safeParse(event.edit.payload).success,
    approvedAsChecked: ({ context }) => context.verdict?.answer !== 'deny' && context.approvedHash === context.verdict?.payloadHash,
    cannotKnow: (_, { error }: { error: unknown }) => isUnknown(error),
  },
}).createMachine({
  id: 'operation',
  version: '1',
  description: 'One external side effect: checked, approved, dispatched at most once, or visibly unknown.',
  context: ({ input }) => ({ ...input, payloadHash: '', verdict: null, drafts: 0, approvalId: null, approvedHash: null, providerRef: null, sent: null, outcome: 'failed' as const, reason: '' }),
  initial: 'proposed',
  states: {
    proposed: {
      invoke: {
        id: 'check',
        src: 'checkOperation',
        input: ({ context }) => ({ operationId: context.id, action: context.action, payload: context.payload, trusted: context.trusted }),
        onDone: { target: 'checked', actions: assign({ verdict: ({ event }) => event.output, payloadHash: ({ event }) => event.output.payloadHash }) },
        onError: { target: 'failed', actions: assign({ reason: ({ event }) => reasonOf(event.error) }) },
      },
      on: { RESTORED: { target: 'unknown', actions: assign({ reason: ({ event }) => event.note }) } },
    },
    checked: {
      entry: [assign({ drafts: ({ context }) => context.drafts + 1 }), assign({ approvalId: ({ context }) => itemId(context) }), { type: 'recordDecision', params: ({ context }) => ({ what: 'policy', outcome: context.verdict?.answer ?? 'deny', confidence: null, reasons: context.verdict?.reasons ?? [], evidence: context.evidence, policy: policyOf(context) }) }],
      always: [{ guard: 'denied', target: 'denied' }, { guard: 'allowed', target: 'prepared' }, { target: 'awaiting-approval' }],
    },
    'awaiting-approval': {
      entry: {
        type: 'recordIntent',
        params: ({ context }) => ({
          id: itemId(context),
          kind: 'approval' as const,
          state: 'input-required' as const,
          summary: context.summary,
          data: toItemData({
            category: context.category,
            confidence: context.confidence,
            risk: context.verdict?.risk ?? 'high',
            reasons: [...context.reasons, ...(context.verdict?.reasons ?? [])],
            payload: context.payload,
            payloadHash: context.payloadHash,
            evidence: context.evidence,
            policy: policyOf(context),
            expiresAfterMs: context.expireAfterMs,
            answers: 'approve = send exactly this; approve --edit FILE = send the edited text; reject --reason',
          }),
        }),
      },
      after: { expiry: 'expired' },
      initial: 'asked',
      states: {
        asked: { after: { reminder: 'reminded' } },
        reminded: {
          entry: { type: 'recordIntent', params: ({ context }) => ({ id: context.approvalId ?? '', kind: 'approval' as const, state: 'input-required' as const, summary: `Reminder: ${context.summary}` }) },
          after: { reminder: { target: 'reminded', reenter: true } },
        },
      },
      on: {
        APPROVE: [
          {
            guard: { type: 'sameHash', params: ({ event }) => ({ hash: event.edit === undefined ? event.payloadHash : '' }) },
            target: 'approved',
            actions: assign({ approvedHash: ({ event }) => event.payloadHash }),
          },
          {
            guard: 'editsWhatWasShown',
            target: 'checking edit',
            actions: [
              { type: 'recordAnnotation', params: ({ context, event }) => corrected(context, editedBy(event.edit, context), event.reason) },
              assign({ approvedHash: ({ event }) => event.edit?.payloadHash ?? null, payload: ({ context, event }) => editedBy(event.edit, context) }),
            ],
          },
          {
            actions: { type: 'recordDecision', params: ({ context, event }) => ({ what: 'approval', outcome: 'refused', confidence: null, reasons: [`what was approved (${event.payloadHash.slice(0, 12)}) is not what waits here now (${context.payloadHash.slice(0, 12)})`], evidence: [] }) },
          },
        ],
        REJECT: { target: 'rejected', actions: assign({ reason: ({ event }) => event.reason }) },
        // Another text: a new draft with a new hash, which is asked about again.
        RESPOND: [
          {
            guard: { type: 'saysSomethingElse', params: ({ event }) => ({ text: event.text }) },
            target: 'proposed',
            actions: [
              { type: 'recordIntent', params: ({ context }) => closeApproval(context, 'canceled') },
              { type: 'recordAnnotation', params: ({ context, event }) => corrected(context, withText(context, event.text), event.reason) },
              assign({ payload: ({ context, event }) => withText(context, event.text), confidence: 1, reasons: ['written by the operator'] }),
            ],
          },
          { target: 'proposed', actions: [{ type: 'recordIntent', params: ({ context }) => closeApproval(context, 'canceled') }, assign({ confidence: 1, reasons: ['confirmed by the operator'] })] },
        ],
        RESTORED: { target: 'unknown', actions: [assign({ reason: ({ event }) => event.note }), { type: 'recordIntent', params: ({ context }) => closeApproval(context, 'canceled') }] },
      },
    },
    'checking edit': {
      invoke: {
        id: 'recheck',
        src: 'checkOperation',
        input: ({ context }) => ({ operationId: context.id, action: context.action, payload: context.payload, trusted: context.trusted }),
        onDone: { target: 'edit checked', actions: assign({ verdict: ({ event }) => event.output, payloadHash: ({ event }) => event.output.payloadHash }) },
        onError: { target: 'failed', actions: [assign({ reason: ({ event }) => reasonOf(event.error) }), { type: 'recordIntent', params: ({ context }) => closeApproval(context, 'failed') }] },
      },
      on: { RESTORED: { target: 'unknown', actions: [assign({ reason: ({ event }) => event.note }), { type: 'recordIntent', params: ({ context }) => closeApproval(context, 'canceled') }] } },
    },
    'edit checked': {
      entry: { type: 'recordArtifact', params: ({ context }) => ({ id: originOf(context).draft, kind: 'draft' as const, mediaType: 'text/plain', text: `${context.payload.subject}\n\n${context.payload.text}` }) },
      always: [{ guard: 'approvedAsChecked', target: 'approved' }, { guard: 'denied', target: 'denied' }, { target: 'failed', actions: [assign({ reason: 'the edited payload is not the one that was checked' }), { type: 'recordIntent', params: ({ context }) => closeApproval(context, 'failed') }] }],
    },
    approved: {
      entry: [
        { type: 'recordIntent', params: ({ context }) => ({ id: context.approvalId ?? '', kind: 'approval' as const, state: 'completed' as const }) },
        { type: 'recordDecision', params: ({ context }) => ({ what: 'approval', outcome: 'approved', confidence: 1, reasons: [`the operator approved payload ${context.approvedHash?.slice(0, 12)}`], evidence: context.evidence, policy: policyOf(context) }) },
      ],
      always: 'prepared',
    },
    prepared: { description: 'Safe to run: nothing has left yet.', always: 'dispatching' },
    dispatching: {
      description: 'The job is claimed in the store before the call leaves.',
      invoke: {
        id: 'send',
        src: 'sendMail',
        input: ({ context }) => ({ operationId: context.id, payload: context.payload, payloadHash: context.payloadHash, policy: context.verdict!.policy }),
        onDone: { target: 'done', actions: assign({ providerRef: ({ event }) => event.output.providerRef, sent: ({ event }) => event.output.sent, reason: ({ event }) => event.output.note }) },
        onError: [
          { guard: { type: 'cannotKnow', params: ({ event }) => ({ error: event.error }) }, target: 'unknown', actions: assign({ reason: ({ event }) => reasonOf(event.error) }) },
          { target: 'failed', actions: assign({ reason: ({ event }) => reasonOf(event.error) }) },
        ],
      },
      // The claim may have been made after the backup: what looks like a job that never ran may be one that did.
      on: { RESTORED: { target: 'unknown', actions: assign({ reason: ({ event }) => event.note }) } },
    },
    unknown: {
      description: 'Nobody can tell whether it left. It waits for the operator and is never sent again by itself.',
      entry: { type: 'recordIntent', params: ({ context }) => askAbout(context, 'Did this leave?', `look in the sent folder, then: ops reconcile ${context.id} --sent | --not-sent`) },
      on: {
        RECONCILE: {
          target: 'reconciled',
          actions: assign({ sent: ({ event }) => event.outcome === 'sent', reason: ({ event }) => event.note || `the operator says: ${event.outcome}` }),
        },
      },
    },
    reconciled: { type: 'final', entry: [assign({ outcome: ({ context }) => (context.sent ? ('sent' as const) : ('not-sent' as const)) }), { type: 'recordIntent', params: ({ context }) => ({ id: `op-${context.id}`, kind: 'escalation' as const, state: 'completed' as const }) }, { type: 'recordDecision', params: ({ context }) => decided(context, 'reconciled') }] },
    done: {
      type: 'final',
      entry: [
        assign({ outcome: ({ context }) => (context.sent ? ('sent' as const) : ('not-sent' as const)) }),
        { type: 'recordDecision', params: ({ context }) => decided(context, 'done') },
        { type: 'recordArtifact', params: ({ context }) => ({ id: `sent-${context.id}`, kind: 'sent' as const, mediaType: 'text/plain', text: `${context.payload.subject}\n\n${context.payload.text}` }) },
        { type: 'recordFact', params: ({ context }) => ({ entity: `person/${context.payload.to.address.toLowerCase()}`, predicate: context.sent ? 'mail.sent' : 'mail.written-not-sent', value: { subject: context.payload.subject, operation: context.id }, label: 'system' as const, confidence: 1, source: `sent-${context.id}` }) },
      ],
    },
    failed: { type: 'final', entry: [{ type: 'recordIntent', params: ({ context }) => askAbout(context, 'This could not be done:', 'approve or reject = seen') }, { type: 'recordDecision', params: ({ context }) => decided(context, 'failed') }] },
    rejected: { type: 'final', entry: [assign({ outcome: 'rejected' }), { type: 'recordIntent', params: ({ context }) => closeApproval(context, 'rejected') }, { type: 'recordDecision', params: ({ context }) => decided(context, 'rejected') }] },
    expired: { type: 'final', entry: [assign({ outcome: 'expired', reason: 'nobody decided in time' }), { type: 'recordIntent', params: ({ context }) => closeApproval(context, 'canceled') }, { type: 'recordDecision', params: ({ context }) => decided(context, 'expired') }] },
    denied: { type: 'final', entry: [assign({ outcome: 'denied', reason: ({ context }) => `policy rule ${context.verdict?.policy.rule} denies it` }), { type: 'recordIntent', params: ({ context }) => closeApproval(context, 'rejected') }, { type: 'recordDecision', params: ({ context }) => decided(context, 'denied') }] },
  },
  output: ({ context }) => ({ outcome: context.outcome, reason: context.reason, providerRef: context.providerRef }),
});
