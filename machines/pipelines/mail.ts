// One run per mail: triage → for inquiries retrieve, draft, check, propose → for everything else a booked fact, a task or
// "ignored", always with the reason. Each stage is an agent with a schema for what it gives back.
import { and, assign, or, setup } from 'xstate';
import { z } from 'zod';
import { draftSchema, hitSchema } from '../agents/activities.ts';
import { copyMachine } from '../agents/copy.ts';
import { correction, originOf } from '../agents/correction.ts';
import { extractMoney } from '../agents/extract-money.ts';
import { extractedSchema, extractionMachine } from '../agents/extraction.ts';
import { operationMachine } from '../agents/operation.ts';
import { retrievalMachine } from '../agents/retrieval.ts';
import { triageMachine, verdictSchema } from '../agents/triage.ts';
import { protocol, records } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { operatorEvents, operatorOnly, toItemData } from '../inbox.ts';
import { mailboxSchema, mailSchema, type OutgoingMail } from '../mail.ts';
import type { Json } from '../predicates.ts';
import type { Fact, Intent, Link } from '../records.ts';

export const companySchema = z.object({
  from: mailboxSchema,
  thresholds: z.object({ triage: z.number(), draft: z.number() }),
  remindAfterMs: z.number(),
  expireAfterMs: z.number(),
  useModel: z.boolean(),
});

const mailRun = protocol({
  /** `given`: the operator has said what it is, so nobody is asked; `run`: the mail was handled before, and this is another run of it. */
  input: z.object({ mail: mailSchema, company: companySchema, given: verdictSchema.optional(), run: z.string().regex(/^r\d{1,6}$/).optional() }),
  context: z.object({ run: z.string().optional(), mail: mailSchema, company: companySchema, verdict: verdictSchema.nullable(), hits: z.array(hitSchema), draft: draftSchema.nullable(), failures: z.number().int(), reason: z.string(), extracted: extractedSchema.nullable().optional() }),
  events: operatorEvents,
  output: z.object({ category: z.string(), reason: z.string() }),
  operatorOnly,
  may: { facts: ['mail.received', 'person.name', 'invoice', 'receipt', 'payment'], intents: ['question', 'task'], act: ['mail.send'], corrections: true },
  takesOver: ['1'],
});
type Context = z.output<typeof mailRun.schemas.context>;

const evidenceOf = ({ mail, draft }: Context): Link[] => [{ kind: 'artifact', id: mail.id }, ...(draft?.evidence ?? [])];
/** After a failure or a correction the mail is handled again: its questions and operations are new ones. */
const again = ({ failures, run }: Context) => `${run === undefined ? '' : `-${run}`}${failures > 0 ? `-${failures}` : ''}`;
const runId = ({ mail, run }: Context) => (run === undefined ? mail.id : `${mail.id}-${run}`);
const questionId = (context: Context) => `w-${context.mail.id}${again(context)}`;
const sender = ({ mail }: Context) => mail.from?.address.toLowerCase() ?? 'unknown';
/** As rules read it, or else whoever was sure, or the operator. */
const moneyOf = ({ mail, extracted }: Context) => extracted?.money ?? extractMoney(mail);
/** Whoever the money is with: the payee that was read, else the sender's domain. */
const counterparty = (context: Context) => `organisation/${(moneyOf(context).payee ?? sender(context).split('@')[1] ?? 'unknown').toLowerCase().slice(0, 100)}`;
const moneyIsClear = (mail: Context['mail']) => {
  const money = extractMoney(mail);
  return money.amountMinor !== null && money.currency !== null && money.confidence >= 0.7;
};

const questionOf = (context: Context) => `How shall “${context.mail.subject || '(no subject)'}” from ${sender(context)} be answered?`;
const taskOf = (context: Context) => (context.verdict?.category === 'invoice' ? `Pay: ${describeMoney(context)}` : `Check this ${context.verdict?.category}: ${describeMoney(context)}`);
const troubleOf = (context: Context) => `“${context.mail.subject}” from ${sender(context)} could not be handled: ${context.reason}`;
/** The same item once more; without an answer it waits on, for nothing is decided by silence. */
const reminder = (id: string, kind: Intent['kind'], summary: string): Intent => ({ id, kind, state: 'input-required', summary: `Reminder: ${summary}` });

function replyTo({ mail, draft, company }: Context): Json {
  const to = mail.replyTo ?? mail.from;
  const references = mail.messageId ? [...mail.references, mail.messageId].slice(-20) : mail.references;
  return { from: company.from, to: to ?? { address: '', name: '' }, subject: draft?.subject ?? `Re: ${mail.subject}`, text: draft?.text ?? '', inReplyTo: mail.messageId, references, ...(mail.from ? { expected: [mail.from.address] } : {}) } satisfies OutgoingMail;
}

function taskFor(context: Context, summary: string): Intent {
  const money = moneyOf(context);
  return {
    id: `t-${runId(context)}`,
    kind: 'task',
    state: 'input-required',
    summary,
    data: toItemData({ category: context.verdict?.category ?? null, confidence: money.confidence, risk: 'medium', reasons: money.reasons, payload: { ...money, from: sender(context), subject: context.mail.subject }, payloadHash: context.mail.id, evidence: evidenceOf(context), policy: null, expiresAfterMs: null, answers: 'approve = done; reject = not needed' }),
  };
}

function describeMoney(context: Context): string {
  const { amountMinor, currency, payee, dueDate } = moneyOf(context);
  const amount = amountMinor === null ? 'an unclear amount' : `${(amountMinor / 100).toFixed(2)} ${currency ?? '(currency unclear)'}`;
  return `${amount}${payee ? ` · ${payee}` : ''}${dueDate ? ` · due ${dueDate}` : ''}`;
}

function bookedFact(context: Context): Fact {
  const money = moneyOf(context);
  return { entity: counterparty(context), predicate: context.verdict?.category ?? 'payment', value: { ...money }, label: 'untrusted', confidence: money.confidence, source: money.line === null ? context.mail.id : `${context.mail.id}#L${money.line}` };
}

export const mailMachine = setup({
  types: mailRun.types,
  schemas: mailRun.schemas,
  actions: records,
  actors: { triage: triageMachine, retrieval: retrievalMachine, copy: copyMachine, operation: operationMachine, extraction: extractionMachine },
  delays: { reminding: ({ context }) => context.company.remindAfterMs },
  guards: {
    isTriaged: ({ context }) => context.verdict !== null,
    isInquiry: ({ context }) => context.verdict?.category === 'inquiry',
    isInvoice: ({ context }) => context.verdict?.category === 'invoice',
    isMoney: ({ context }) => context.verdict?.category === 'receipt' || context.verdict?.category === 'payment',
    moneyIsClear: ({ context }) => context.extracted?.sure ?? moneyIsClear(context.mail),
    isExtracted: ({ context }) => Boolean(context.extracted),
    isNoMoney: ({ context }) => context.extracted?.verdict === 'nothing',
    hasSender: ({ context }) => context.mail.from !== null,
    draftIsGood: ({ context }) => context.draft !== null && context.draft.confidence >= context.company.thresholds.draft,
    confirmsSuggestion: ({ context }, { text }: { text: string | null }) => text === (context.draft?.text ?? ''),
    givesText: ({ event }) => event.type === 'RESPOND' || (event.type === 'APPROVE' && editedText(event.edit?.payload) !== null),
  },
}).createMachine({
  id: 'mail',
  version: '2',
  description: 'One mail, from arrival to its reply, its booking, its task or the reason why nothing is done.',
  context: ({ input: { given = null, ...input } }) => ({ ...input, verdict: given, hits: [], draft: null, failures: 0, reason: '' }),
  initial: 'arriving',
  states: {
    arriving: {
      always: [
        { guard: 'isTriaged', target: 'routing' },
        {
          target: 'triaging',
          actions: [
            { type: 'recordFact', params: ({ context }) => ({ entity: `person/${sender(context)}`, predicate: 'mail.received', value: { subject: context.mail.subject, date: context.mail.date, messageId: context.mail.messageId }, label: 'untrusted', confidence: 1, source: context.mail.id }) },
            { type: 'recordFact', params: ({ context }) => ({ entity: `person/${sender(context)}`, predicate: 'person.name', value: context.mail.from?.name ?? '', label: 'untrusted', confidence: 0.5, source: context.mail.id }) },
          ],
        },
      ],
    },
    triaging: {
      invoke: {
        id: 'triage',
        src: 'triage',
        input: ({ context }) => ({ mail: context.mail, threshold: context.company.thresholds.triage, useModel: context.company.useModel }),
        onDone: { target: 'routing', actions: assign({ verdict: ({ event }) => event.output }) },
        onError: { target: 'escalated', actions: assign({ reason: ({ event }) => reasonOf(event.error) }) },
      },
    },
    routing: {
      always: [
        { guard: and(['isInquiry', 'hasSender']), target: 'retrieving' },
        { guard: and(['isInvoice', or(['isExtracted', 'moneyIsClear'])]), target: 'tasked' },
        { guard: and(['isMoney', 'moneyIsClear']), target: 'booked' },
        { guard: and(['isMoney', 'isNoMoney']), target: 'closed', actions: assign({ reason: ({ context }) => `nothing is booked: ${context.extracted?.money.reasons[0] ?? ''}` }) },
        { guard: and(['isMoney', 'isExtracted']), target: 'tasked' },
        { guard: or(['isInvoice', 'isMoney']), target: 'extracting' },
        { target: 'ignored', actions: assign({ reason: ({ context }) => `${context.verdict?.category ?? 'unknown'}: ${context.verdict?.reasons[0] ?? 'nothing to do'}` }) },
      ],
    },
    extracting: {
      description: 'The rules cannot tell what it says about money.',
      invoke: {
        id: 'extraction',
        src: 'extraction',
        // A bill is shown to the operator in any case, with what was read.
        input: ({ context }) => ({ id: `${context.mail.id}${again(context)}`, mail: context.mail, kind: context.verdict?.category === 'invoice' || context.verdict?.category === 'receipt' ? context.verdict.category : ('payment' as const), ask: context.verdict?.category !== 'invoice', remindAfterMs: context.company.remindAfterMs }),
        onDone: { target: 'routing', actions: assign({ extracted: ({ event }) => event.output }) },
        onError: { target: 'escalated', actions: assign({ reason: ({ event }) => reasonOf(event.error) }) },
      },
    },
    retrieving: {
      invoke: {
        id: 'retrieval',
        src: 'retrieval',
        input: ({ context: { mail } }) => ({ mail: { id: mail.id, subject: mail.subject, text: mail.text } }),
        onDone: { target: 'drafting', actions: assign({ hits: ({ event }) => event.output.hits }) },
        onError: { target: 'escalated', actions: assign({ reason: ({ event }) => reasonOf(event.error) }) },
      },
    },
    drafting: {
      invoke: {
        id: 'copy',
        src: 'copy',
        input: ({ context }) => ({ mail: context.mail, language: context.verdict?.language ?? 'en', hits: context.hits, threshold: context.company.thresholds.draft }),
        onDone: { target: 'checking', actions: assign({ draft: ({ event }) => event.output }) },
        onError: { target: 'escalated', actions: assign({ reason: ({ event }) => reasonOf(event.error) }) },
      },
    },
    checking: { always: [{ guard: 'draftIsGood', target: 'proposing' }, { target: 'asking' }] },
    asking: {
      description: 'No draft is good enough: the operator writes, or says no.',
      entry: {
        type: 'recordIntent',
        params: ({ context }) => ({
          id: questionId(context),
          kind: 'question' as const,
          state: 'input-required' as const,
          summary: questionOf(context),
          data: toItemData({ category: 'inquiry', confidence: context.draft?.confidence ?? 0, risk: 'low', reasons: context.draft?.reasons ?? [], payload: { mail: context.mail.text.slice(0, 2_000), suggestion: context.draft?.text ?? '' }, payloadHash: context.mail.id, evidence: evidenceOf(context), policy: null, expiresAfterMs: null, answers: 'respond --text "…" = draft this reply; approve --edit FILE = the same from a file; reject = no reply' }),
        }),
      },
      exit: { type: 'recordIntent', params: ({ context }) => ({ id: questionId(context), kind: 'question' as const, state: 'completed' as const }) },
      after: { reminding: { actions: { type: 'recordIntent', params: ({ context }) => reminder(questionId(context), 'question', questionOf(context)) } } },
      on: {
        RESPOND: [
          { guard: { type: 'confirmsSuggestion', params: ({ event }) => ({ text: event.text }) }, target: 'proposing', actions: assign({ draft: ({ context, event }) => written(context, event.text) }) },
          { target: 'proposing', actions: [{ type: 'recordAnnotation', params: ({ context, event }) => corrected(context, event.text, event.reason) }, assign({ draft: ({ context, event }) => written(context, event.text) })] },
        ],
        APPROVE: [
          { guard: { type: 'confirmsSuggestion', params: ({ event }) => ({ text: editedText(event.edit?.payload) }) }, target: 'proposing', actions: assign({ draft: ({ context }) => written(context, context.draft?.text ?? '') }) },
          { guard: 'givesText', target: 'proposing', actions: [{ type: 'recordAnnotation', params: ({ context, event }) => corrected(context, editedText(event.edit?.payload) ?? '', event.reason) }, assign({ draft: ({ context, event }) => written(context, editedText(event.edit?.payload) ?? '') })] },
        ],
        REJECT: { target: 'ignored', actions: assign({ reason: ({ event }) => `the operator decided not to answer: ${event.reason}` }) },
      },
    },
    proposing: {
      invoke: {
        id: 'reply',
        src: 'operation',
        input: ({ context }) => ({
          id: `${context.mail.id}${again(context)}`,
          action: 'mail.send',
          payload: replyTo(context),
          summary: `Reply to ${sender(context)}: ${context.draft?.subject ?? ''}`,
          category: context.verdict?.category ?? null,
          confidence: context.draft?.confidence ?? null,
          reasons: [...(context.verdict?.suspicious ?? []), ...(context.draft?.reasons ?? [])],
          evidence: evidenceOf(context),
          remindAfterMs: context.company.remindAfterMs,
          expireAfterMs: context.company.expireAfterMs,
          mode: 'live' as const,
          origin: originOf(context.mail, context.draft?.templateId ?? null),
        }),
        onDone: { target: 'closed', actions: assign({ reason: ({ event }) => `${event.output.outcome}: ${event.output.reason}` }) },
        onError: { target: 'escalated', actions: assign({ reason: ({ event }) => reasonOf(event.error) }) },
      },
    },
    tasked: {
      description: 'The operator has something to do: pay a bill, look at an unclear receipt.',
      entry: [
        { type: 'recordFact', params: ({ context }) => bookedFact(context) },
        { type: 'recordIntent', params: ({ context }) => taskFor(context, taskOf(context)) },
      ],
      after: { reminding: { actions: { type: 'recordIntent', params: ({ context }) => reminder(`t-${runId(context)}`, 'task', taskOf(context)) } } },
      on: {
        APPROVE: { target: 'closed', actions: [assign({ reason: 'the operator did it' }), { type: 'recordIntent', params: ({ context }) => ({ id: `t-${runId(context)}`, kind: 'task' as const, state: 'completed' as const }) }] },
        REJECT: { target: 'closed', actions: [assign({ reason: ({ event }) => event.reason }), { type: 'recordIntent', params: ({ context }) => ({ id: `t-${runId(context)}`, kind: 'task' as const, state: 'rejected' as const }) }] },
      },
    },
    escalated: {
      description: 'A stage failed for good. The operator sees the reason.',
      entry: [assign({ failures: ({ context }) => context.failures + 1 }), {
        type: 'recordIntent',
        params: ({ context }) => ({ id: `e-${runId(context)}-${context.failures}`, kind: 'escalation' as const, state: 'input-required' as const, summary: troubleOf(context), data: toItemData({ category: context.verdict?.category ?? null, confidence: null, risk: 'medium', reasons: [context.reason], payload: { mail: context.mail.text.slice(0, 2_000) }, payloadHash: context.mail.id, evidence: evidenceOf(context), policy: null, expiresAfterMs: null, answers: 'approve = try again; reject = leave it' }) }),
      }],
      exit: { type: 'recordIntent', params: ({ context }) => ({ id: `e-${runId(context)}-${context.failures}`, kind: 'escalation' as const, state: 'completed' as const }) },
      after: { reminding: { actions: { type: 'recordIntent', params: ({ context }) => reminder(`e-${runId(context)}-${context.failures}`, 'escalation', troubleOf(context)) } } },
      on: { APPROVE: [{ guard: 'isTriaged', target: 'routing' }, { target: 'triaging' }], REJECT: { target: 'closed', actions: assign({ reason: ({ event }) => event.reason }) } },
    },
    booked: {
      type: 'final',
      entry: [
        { type: 'recordFact', params: ({ context }) => bookedFact(context) },
        assign({ reason: ({ context }) => `booked: ${describeMoney(context)}` }),
        { type: 'recordDecision', params: ({ context }) => ({ what: 'mail', outcome: 'booked', confidence: moneyOf(context).confidence, reasons: moneyOf(context).reasons, evidence: evidenceOf(context) }) },
      ],
    },
    ignored: { type: 'final', entry: { type: 'recordDecision', params: ({ context }) => ({ what: 'mail', outcome: 'ignored', confidence: context.verdict?.confidence ?? null, reasons: [context.reason], evidence: evidenceOf(context) }) } },
    closed: { type: 'final', entry: { type: 'recordDecision', params: ({ context }) => ({ what: 'mail', outcome: 'closed', confidence: null, reasons: [context.reason], evidence: evidenceOf(context) }) } },
  },
  output: ({ context }) => ({ category: context.verdict?.category ?? 'unknown', reason: context.reason }),
});

/** A draft in the operator's own words. It still passes policy and approval, as the exact mail that will leave. */
function written({ mail, draft }: Context, text: string): z.output<typeof draftSchema> {
  return { subject: draft?.subject || `Re: ${mail.subject}`, text, templateId: null, confidence: 1, reasons: ['written by the operator'], evidence: [], model: null, costMicros: null };
}

/** The suggestion was no good: what the operator wrote instead is a correction of the draft it came from. */
const corrected = ({ mail, draft }: Context, text: string, reason: string | undefined) => correction(originOf(mail, draft?.templateId ?? null), { before: draft?.text ?? '', after: text, reason });

function editedText(payload: unknown): string | null {
  const text = (payload as { text?: unknown } | null | undefined)?.text;
  return typeof text === 'string' && text.trim() !== '' ? text : null;
}
