// The execution agent: one external side effect, from proposal to a known outcome. `dispatching` runs an activity that is claimed
// in the store before the call leaves; when nobody can tell whether it happened the operation is `unknown` and waits.
import { assign, not, setup } from 'xstate';
import { z } from 'zod';
import { protocol, records } from '../define.ts';
import { performedSchema } from '../effects.ts';
import { reasonOf } from '../errors.ts';
import { operatorEvents, operatorOnly } from '../inbox.ts';
import { abortOperation, checkOperation, commitOperation, prepareOperation, settleOperation } from './activities.ts';
import * as write from './operation-records.ts';
import { contextSchema, outcomeSchema, proposalSchema, type Context } from './operation-records.ts';

const operation = protocol({
  input: proposalSchema,
  context: contextSchema,
  events: {
    ...operatorEvents,
    /** No after all: heard until it is dispatched. */
    CANCEL: z.object({ reason: z.string().max(2_000).default('') }),
    RECONCILE: z.object({ outcome: z.enum(['done', 'not-done', 'look']), note: z.string().max(2_000) }),
    /** The kill switch is off again. */
    EFFECTS_RESUMED: z.object({}),
    /** The company goes on from a backup: what happened after it was taken is not in the store. */
    RESTORED: z.object({ note: z.string().min(1).max(2_000) }),
  },
  output: z.object({ outcome: outcomeSchema, reason: z.string(), providerRef: z.string().nullable(), result: performedSchema.shape.result }),
  operatorOnly: [...operatorOnly, 'CANCEL', 'EFFECTS_RESUMED'],
  keepsOn: ['dispatching', 'settling', 'releasing', 'unknown'],
  may: {
    facts: ['mail.sent', 'mail.written-not-sent', 'invoice.issued', 'payment.linked', 'payment.charged', 'payment.refund-made', 'calendar.booked', 'calendar.cancelled', 'published'],
    artifacts: ['draft', 'sent'],
    intents: ['approval', 'payment'],
    act: ['operation.check', 'operation.prepare', 'operation.commit', 'operation.settle', 'operation.abort'],
    corrections: true,
  },
});

/** Looked at again so often while effects are stopped, should nobody have said that they go on. */
const haltedMs = 3_600_000;
/** A lookup may say that it certainly did not happen; then it is done again, but not for ever. */
const dispatchesMax = 3;

const codeOf = (error: unknown) => (error as { code?: string } | null)?.code;
const proposed = ({ id, action, payload, mode, category, confidence, expireAfterMs }: Context) => ({ operation: id, action, payload, mode, expireAfterMs, proposal: { category, confidence }, notAfterMs: null });
const held = ({ payload, payloadHash, verdict, approvalId, approvedHash, category, confidence }: Context) => ({ payload, payloadHash, bound: verdict!.bound, approvalId: approvedHash === null ? null : approvalId, proposal: { category, confidence } });
const afterwards = (context: Context) => ({ ...held(context), reservation: context.reservation, sinceMs: context.sinceMs ?? 0 });
/** Fields of the operator's edit replace those of the payload; the gate says whether the whole is still one. */
const editedBy = (edit: { payload: unknown } | undefined, { payload }: Context): Context['payload'] => (edit?.payload as Context['payload'] | undefined) ?? payload;
const hasText = ({ payload }: Context) => typeof (payload as { text?: unknown } | null)?.text === 'string';
const withText = ({ payload }: Context, text: string): Context['payload'] => ({ ...(payload as Record<string, never>), text });

/** A lost call can be settled without the operator. */
const providerKnows = ({ verdict }: Context) => (verdict?.settledBy ?? 'none') !== 'none';

const parts = setup({
  types: operation.types,
  schemas: operation.schemas,
  actions: records,
  actors: { checkOperation, prepareOperation, commitOperation, settleOperation, abortOperation },
  delays: {
    reminder: ({ context }) => Math.min(context.remindAfterMs, Math.max(60_000, (context.verdict?.expiresAfterMs ?? context.expireAfterMs) / 2)),
    expiry: ({ context }) => context.verdict?.expiresAfterMs ?? context.expireAfterMs,
    halted: haltedMs,
  },
  guards: {
    denied: ({ context }) => context.verdict?.answer === 'deny',
    allowed: ({ context }) => context.verdict?.answer === 'allow',
    /** What the operator saw is what is stored now. */
    sameHash: ({ context }, { hash }: { hash: string }) => hash === context.payloadHash,
    saysSomethingElse: ({ context }, { text }: { text: string }) => hasText(context) && text !== (context.payload as { text: string }).text,
    confirmsText: ({ context }, { text }: { text: string }) => hasText(context) && text === (context.payload as { text: string }).text,
    editsWhatWasShown: ({ context, event }) => event.type === 'APPROVE' && event.payloadHash === context.payloadHash && event.edit !== undefined,
    /** The operator's own edit needs no second yes, unless the rules changed under it. */
    editedUnderTheseTerms: ({ context }) => context.edit?.terms === write.termsOf(context),
    editIsWhatWasChecked: ({ context: { edit, verdict } }) => edit?.hash === verdict?.contentHash,
    isHalted: (_, { error }: { error: unknown }) => codeOf(error) === 'EFFECTS_STOPPED',
    /** What the gate says now is older than that effects go on. */
    haltIsOver: ({ context }, { error }: { error: unknown }) => codeOf(error) === 'EFFECTS_STOPPED' && context.resumed,
    hasExpired: (_, { error }: { error: unknown }) => codeOf(error) === 'EXPIRED',
    cannotKnow: (_, { error }: { error: unknown }) => codeOf(error) === 'SEND_UNKNOWN',
    canBeSettled: ({ context }, { error }: { error: unknown }) => codeOf(error) === 'SEND_UNKNOWN' && providerKnows(context),
    isDryRun: ({ context }) => context.verdict?.bound.mode === 'dry-run',
    hasReservation: ({ context }) => context.reservation !== null,
    wasFound: (_, { found }: { found: string }) => found === 'done',
    mayRunAgain: ({ context }, { found }: { found: string }) => found === 'absent' && context.dispatches < dispatchesMax,
    looksAgain: ({ context }, { outcome }: { outcome: string }) => outcome === 'look' && providerKnows(context) && context.sinceMs !== null,
    says: (_, { outcome }: { outcome: string }) => outcome !== 'look',
    isCanceled: ({ context }) => context.outcome === 'canceled',
  },
});

/** Why it ended so: the error of the part that failed, or the operator's words. */
const failure = ({ event }: { event: object }) => ({ reason: reasonOf((event as { error?: unknown }).error) });
const because = parts.assign({ reason: ({ event }) => ('note' in event ? event.note : 'reason' in event ? (event.reason ?? '') : '') });
const withdrawQuestion = { type: 'recordIntent' as const, params: ({ context }: { context: Context }) => write.closeApproval(context, 'canceled') };
const restored = { target: '#operation.unknown', actions: because } as const;
const restoredWhileAsked = { target: '#operation.unknown', actions: [because, withdrawQuestion] };

const movesMoney = (context: Context) => context.dispatches > 0 && context.mode === 'live' && context.verdict?.plan?.money?.moves === true;
const openMoney = parts.enqueueActions(({ context, enqueue }) => {
  if (movesMoney(context)) enqueue({ type: 'recordIntent', params: write.payment(context, 'working') });
});
/** What was on its way has arrived, or has certainly not left. */
const closeMoney = parts.enqueueActions(({ context, enqueue }) => {
  if (movesMoney(context)) enqueue({ type: 'recordIntent', params: write.payment(context, context.done ? 'completed' : 'failed') });
});
const closeQuestion = parts.enqueueActions(({ context, enqueue }) => {
  if (context.approvalId !== null && context.approvedHash === null && context.verdict?.answer !== 'allow') enqueue({ type: 'recordIntent', params: write.closeApproval(context, context.outcome === 'refused' ? 'rejected' : 'canceled') });
});
/** The provider knew it after all, or it was taken back. */
const closeDoubt = parts.enqueueActions(({ context, enqueue }) => {
  if (context.doubted) enqueue({ type: 'recordIntent', params: write.closeDoubt(context) });
});
const recordWhatHappened = parts.enqueueActions(({ context, enqueue }) => {
  if (context.verdict?.effect !== 'write') return;
  enqueue({ type: 'recordArtifact', params: write.whatLeft(context) });
  for (const fact of context.performed?.facts ?? []) enqueue({ type: 'recordFact', params: { ...fact, label: 'system', source: write.whatLeft(context).id } });
});

export const operationMachine = parts.createMachine({
  id: 'operation',
  version: '1',
  description: 'One external side effect: checked, approved, dispatched at most once, or visibly unknown.',
  context: ({ input }) => ({ ...input, payloadHash: '', verdict: null, drafts: 0, approvalId: null, approvedHash: null, edit: null, reservation: null, sinceMs: null, dispatches: 0, doubted: false, resumed: false, performed: null, providerRef: null, done: null, outcome: 'failed' as const, reason: '' }),
  initial: 'proposed',
  states: {
    proposed: {
      invoke: {
        id: 'check',
        src: 'checkOperation',
        input: ({ context }) => proposed(context),
        onDone: { target: 'checked', actions: assign({ verdict: ({ event }) => event.output, payload: ({ event }) => event.output.payload, payloadHash: ({ event }) => event.output.payloadHash, mode: ({ event }) => event.output.bound.mode, approvedHash: null }) },
        onError: { target: 'failed', actions: assign(failure) },
      },
      on: { RESTORED: restored, CANCEL: { target: 'canceled', actions: because } },
    },
    checked: {
      entry: [assign({ drafts: ({ context }) => context.drafts + 1 }), assign({ approvalId: ({ context }) => write.itemId(context) }), { type: 'recordDecision', params: ({ context }) => write.judged(context) }],
      always: [{ guard: 'denied', target: 'refused' }, { guard: 'allowed', target: 'prepared' }, { target: 'awaiting-approval' }],
    },
    'awaiting-approval': {
      entry: { type: 'recordIntent', params: ({ context }) => write.question(context) },
      after: { expiry: { target: 'expired', actions: assign({ reason: 'nobody decided in time' }) } },
      initial: 'asked',
      states: {
        asked: { after: { reminder: 'reminded' } },
        reminded: { entry: { type: 'recordIntent', params: ({ context }) => write.reminder(context) }, after: { reminder: { target: 'reminded', reenter: true } } },
      },
      on: {
        APPROVE: [
          { guard: { type: 'sameHash', params: ({ event }) => ({ hash: event.edit === undefined ? event.payloadHash : '' }) }, target: 'approved', actions: assign({ approvedHash: ({ event }) => event.payloadHash }) },
          {
            guard: 'editsWhatWasShown',
            target: 'checking edit',
            actions: [
              { type: 'recordAnnotation', params: ({ context, event }) => write.corrected(context, editedBy(event.edit, context), event.reason) },
              assign({ payload: ({ context, event }) => editedBy(event.edit, context), edit: ({ context, event }) => ({ hash: event.edit?.payloadHash ?? '', terms: write.termsOf(context) }) }),
            ],
          },
          { actions: { type: 'recordDecision', params: ({ context, event }) => ({ what: 'approval', outcome: 'refused', confidence: null, reasons: [`what was approved (${event.payloadHash.slice(0, 12)}) is not what waits here now (${context.payloadHash.slice(0, 12)})`], evidence: [] }) } },
        ],
        REJECT: { target: 'rejected', actions: because },
        CANCEL: { target: 'canceled', actions: because },
        // Another text: a new draft with a new hash, which is asked about again.
        RESPOND: [
          {
            guard: { type: 'saysSomethingElse', params: ({ event }) => ({ text: event.text }) },
            target: 'proposed',
            actions: [
              withdrawQuestion,
              { type: 'recordAnnotation', params: ({ context, event }) => write.corrected(context, withText(context, event.text), event.reason) },
              assign({ payload: ({ context, event }) => withText(context, event.text), confidence: 1, reasons: ['written by the operator'] }),
            ],
          },
          { guard: { type: 'confirmsText', params: ({ event }) => ({ text: event.text }) }, target: 'proposed', actions: [withdrawQuestion, assign({ confidence: 1, reasons: ['confirmed by the operator'] })] },
        ],
        RESTORED: restoredWhileAsked,
      },
    },
    'checking edit': {
      invoke: {
        id: 'recheck',
        src: 'checkOperation',
        input: ({ context }) => ({ ...proposed(context), notAfterMs: context.verdict?.bound.expiresAtMs ?? null }),
        onDone: { target: 'edit checked', actions: assign({ verdict: ({ event }) => event.output, payload: ({ event }) => event.output.payload, payloadHash: ({ event }) => event.output.payloadHash }) },
        onError: { target: 'failed', actions: [assign(failure), { type: 'recordIntent', params: ({ context }) => write.closeApproval(context, 'failed') }] },
      },
      on: { RESTORED: restoredWhileAsked },
    },
    'edit checked': {
      entry: { type: 'recordArtifact', params: ({ context }) => write.editedDraft(context) },
      always: [
        { guard: 'denied', target: 'refused' },
        { guard: not('editIsWhatWasChecked'), target: 'failed', actions: [assign({ reason: 'the edited payload is not the one that was checked' }), { type: 'recordIntent', params: ({ context }) => write.closeApproval(context, 'failed') }] },
        { guard: 'editedUnderTheseTerms', target: 'approved', actions: assign({ approvedHash: ({ context }) => context.payloadHash }) },
        { target: 'checked', actions: withdrawQuestion },
      ],
    },
    approved: {
      entry: [{ type: 'recordIntent', params: ({ context }) => write.closeApproval(context, 'completed') }, { type: 'recordDecision', params: ({ context }) => write.approved(context) }],
      always: 'prepared',
    },
    prepared: {
      description: 'Safe to run: nothing has left that does not lapse by itself.',
      initial: 'preparing',
      states: {
        preparing: {
          entry: assign({ resumed: false }),
          on: { EFFECTS_RESUMED: { actions: assign({ resumed: true }) } },
          invoke: {
            id: 'prepare',
            src: 'prepareOperation',
            input: ({ context }) => held(context),
            onDone: { target: '#operation.dispatching', actions: assign({ reservation: ({ event }) => event.output.reservation, sinceMs: ({ context, event }) => context.sinceMs ?? event.output.atMs }) },
            onError: [
              { guard: { type: 'haltIsOver', params: ({ event }) => ({ error: event.error }) }, target: 'preparing', reenter: true },
              { guard: { type: 'isHalted', params: ({ event }) => ({ error: event.error }) }, target: 'halted', actions: assign(failure) },
              { guard: 'hasReservation', target: '#operation.releasing', actions: assign(failure) },
              { guard: { type: 'hasExpired', params: ({ event }) => ({ error: event.error }) }, target: '#operation.expired', actions: assign(failure) },
              { target: '#operation.failed', actions: assign(failure) },
            ],
          },
        },
        halted: { description: 'Effects are stopped.', after: { halted: 'preparing' }, on: { EFFECTS_RESUMED: 'preparing' } },
      },
      on: { CANCEL: [{ guard: 'hasReservation', target: 'releasing', actions: [because, assign({ outcome: 'canceled' })] }, { target: 'canceled', actions: because }], RESTORED: restored },
    },
    dispatching: {
      description: 'The job is claimed in the store before the call leaves.',
      entry: [assign({ dispatches: ({ context }) => context.dispatches + 1, resumed: false }), openMoney],
      invoke: {
        id: 'commit',
        src: 'commitOperation',
        input: ({ context }) => afterwards(context),
        onDone: [
          { guard: 'isDryRun', target: 'dry-run', actions: assign({ performed: ({ event }) => event.output, reason: ({ event }) => event.output.note }) },
          { target: 'done', actions: assign({ performed: ({ event }) => event.output, providerRef: ({ event }) => event.output.providerRef, done: ({ event }) => event.output.done, reason: ({ event }) => event.output.note }) },
        ],
        onError: [
          { guard: { type: 'haltIsOver', params: ({ event }) => ({ error: event.error }) }, target: 'prepared' },
          { guard: { type: 'isHalted', params: ({ event }) => ({ error: event.error }) }, target: 'prepared.halted', actions: assign(failure) },
          { guard: { type: 'canBeSettled', params: ({ event }) => ({ error: event.error }) }, target: 'settling', actions: assign(failure) },
          { guard: { type: 'cannotKnow', params: ({ event }) => ({ error: event.error }) }, target: 'unknown', actions: assign(failure) },
          { guard: 'hasReservation', target: 'releasing', actions: assign(failure) },
          { target: 'failed', actions: assign(failure) },
        ],
      },
      // The claim may have been made after the backup: what looks like a job that never ran may be one that did.
      on: { RESTORED: restored, EFFECTS_RESUMED: { actions: assign({ resumed: true }) } },
    },
    settling: {
      description: 'The call may be lost; the provider is asked what it knows.',
      invoke: {
        id: 'settle',
        src: 'settleOperation',
        input: ({ context }) => afterwards(context),
        onDone: [
          { guard: { type: 'wasFound', params: ({ event }) => event.output }, target: 'done', actions: assign(({ event }) => (event.output.found === 'done' ? { performed: event.output.performed, providerRef: event.output.performed.providerRef, done: event.output.performed.done, reason: event.output.performed.note } : {})) },
          { guard: { type: 'mayRunAgain', params: ({ event }) => event.output }, target: 'prepared' },
          { target: 'unknown', actions: assign({ reason: ({ context, event }) => `${context.reason}; ${event.output.found === 'done' ? '' : event.output.note}` }) },
        ],
        onError: { target: 'unknown', actions: assign({ reason: ({ context, event }) => `${context.reason}; asking did not help: ${reasonOf(event.error)}` }) },
      },
      on: { RESTORED: restored },
    },
    unknown: {
      description: 'Nobody can tell whether it left. It waits for the operator and is never sent again by itself.',
      entry: [assign({ doubted: true }), { type: 'recordIntent', params: ({ context }) => write.didItHappen(context) }],
      on: {
        RECONCILE: [
          { guard: { type: 'looksAgain', params: ({ event }) => event }, target: 'settling' },
          { guard: { type: 'says', params: ({ event }) => event }, target: 'reconciled', actions: assign({ done: ({ event }) => event.outcome === 'done', reason: ({ event }) => event.note || `the operator says: ${event.outcome}` }) },
        ],
      },
    },
    releasing: {
      description: 'It did not happen, and what the first phase holds is let go.',
      invoke: {
        id: 'abort',
        src: 'abortOperation',
        input: ({ context }) => afterwards(context),
        onDone: [{ guard: 'isCanceled', target: 'canceled' }, { target: 'failed' }],
        onError: { target: 'failed', actions: assign({ reason: ({ context, event }) => `${context.reason}; what was reserved (${context.reservation?.ref}) could not be let go: ${reasonOf(event.error)}` }) },
      },
      on: { RESTORED: restored },
    },
    reconciled: { type: 'final', entry: [closeMoney, assign({ outcome: ({ context }) => (context.done ? ('done' as const) : ('not-done' as const)) }), closeDoubt, { type: 'recordDecision', params: ({ context }) => write.decided(context, 'reconciled') }] },
    done: {
      type: 'final',
      entry: [
        closeMoney,
        closeDoubt,
        assign({ outcome: ({ context }) => (context.done ? ('done' as const) : ('not-done' as const)) }),
        { type: 'recordDecision', params: ({ context }) => write.decided(context, 'done') },
        recordWhatHappened,
      ],
    },
    'dry-run': { type: 'final', description: 'What would have been done; nothing left.', entry: [assign({ outcome: 'dry-run', done: false }), { type: 'recordDecision', params: ({ context }) => write.decided(context, 'dry-run') }] },
    failed: { type: 'final', entry: [closeMoney, { type: 'recordIntent', params: ({ context }) => write.askAbout(context, 'This could not be done:', 'approve or reject = seen') }, { type: 'recordDecision', params: ({ context }) => write.decided(context, 'failed') }] },
    rejected: { type: 'final', entry: [assign({ outcome: 'rejected' }), { type: 'recordIntent', params: ({ context }) => write.closeApproval(context, 'rejected') }, { type: 'recordDecision', params: ({ context }) => write.decided(context, 'rejected') }] },
    expired: { type: 'final', entry: [assign({ outcome: 'expired' }), closeQuestion, closeDoubt, { type: 'recordDecision', params: ({ context }) => write.decided(context, 'expired') }] },
    canceled: { type: 'final', entry: [closeMoney, assign({ outcome: 'canceled' }), closeQuestion, closeDoubt, { type: 'recordDecision', params: ({ context }) => write.decided(context, 'canceled') }] },
    refused: { type: 'final', entry: [assign({ outcome: 'refused', reason: ({ context }) => `policy rule ${context.verdict?.policy.rule} denies it` }), closeQuestion, { type: 'recordDecision', params: ({ context }) => write.decided(context, 'refused') }] },
  },
  output: ({ context }) => ({ outcome: context.outcome, reason: context.reason, providerRef: context.providerRef, result: context.performed?.result ?? null }),
});
