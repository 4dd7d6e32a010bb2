// From accepted work to its invoice. A trigger starts one run per acceptance (docs/company-agents.md); the run reads in the store what was
// accepted, so that nobody can order an invoice by a message, and hands the order to an invoice (machines/pipelines/invoice.ts), which issues,
// mails, reminds and books, each step under policy and approval. The same piece of work is invoiced once.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { activity, protocol, records } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { operatorEvents, operatorOnly, toItemData } from '../inbox.ts';
import { workSchema } from '../invoice.ts';
import { mailboxSchema } from '../mail.ts';
import { inputSchema as invoiceInput } from '../pipelines/invoice-records.ts';
import { invoiceMachine } from '../pipelines/invoice.ts';
import type { Intent } from '../records.ts';
import { changeSchema } from '../triggers.ts';

const foundSchema = z.object({
  /** As the operator accepted it; null when there is no such fact, or somebody else said it. */
  accepted: workSchema.extend({ project: z.string(), from: mailboxSchema }).nullable(),
  /** The acceptance that came first, when this piece of work was accepted before. */
  before: z.string().nullable(),
});

/** What was accepted, by the id of its fact. */
export const readWork = activity({ name: 'billing.work', input: z.object({ fact: z.string() }), output: foundSchema, timeoutMs: 10_000, retry: { attempts: 6, firstMs: 500, maxMs: 60_000 } });

const outcomeSchema = z.enum(['paid', 'overpaid', 'written-off', 'canceled', 'dry-run', 'not-issued', 'accepted-before', 'not-believed']);

const billing = protocol({
  input: z.object({ change: changeSchema }),
  context: z.object({ fact: z.string(), found: foundSchema.nullable(), tries: z.int(), number: z.string().nullable(), outcome: outcomeSchema, reason: z.string() }),
  events: { APPROVE: operatorEvents.APPROVE, REJECT: operatorEvents.REJECT },
  output: z.object({ outcome: outcomeSchema, number: z.string().nullable() }),
  operatorOnly,
  may: { intents: ['task'], act: ['billing.work'] },
});
type Context = z.output<typeof billing.schemas.context>;

const evidenceOf = ({ fact }: Context) => [{ kind: 'fact' as const, id: fact }];
const itemId = ({ fact, tries }: Context) => `t-billing-${fact}-${tries}`;
const describe = ({ found }: Context) => (found?.accepted ? `“${found.accepted.work}” of ${found.accepted.project}, for ${found.accepted.order.customer.name}` : 'accepted work');
const task = (context: Context): Intent => ({
  id: itemId(context),
  kind: 'task',
  state: 'input-required',
  summary: `The work ${describe(context)} was accepted and is not invoiced: ${context.reason}`,
  data: toItemData({ category: 'billing', confidence: null, risk: 'medium', reasons: [context.reason], payload: context.found?.accepted ?? null, payloadHash: itemId(context), evidence: evidenceOf(context), policy: null, expiresAfterMs: null, answers: 'approve = try again; reject = no invoice' }),
});
const close = (context: Context, state: Intent['state']): Intent => ({ id: itemId(context), kind: 'task', state });

export const billingMachine = setup({
  types: billing.types,
  schemas: billing.schemas,
  actions: records,
  actors: { readWork, invoice: invoiceMachine },
  guards: {
    isNotBelieved: ({ context }) => !context.found?.accepted,
    wasAcceptedBefore: ({ context }) => context.found!.before !== null,
    wasNotIssued: (_, { outcome }: { outcome: string }) => outcome === 'not-issued',
  },
}).createMachine({
  id: 'billing',
  version: '1',
  description: 'Invoices accepted work, once.',
  context: ({ input }) => ({ fact: input.change.id, found: null, tries: 0, number: null, outcome: 'not-believed' as const, reason: '' }),
  initial: 'looking',
  states: {
    looking: {
      entry: assign({ tries: ({ context }) => context.tries + 1 }),
      invoke: {
        id: 'work',
        src: 'readWork',
        input: ({ context }) => ({ fact: context.fact }),
        onDone: { target: 'judging', actions: assign({ found: ({ event }) => event.output }) },
        onError: { target: 'asking', actions: assign({ outcome: 'not-issued', reason: ({ event }) => reasonOf(event.error) }) },
      },
    },
    judging: {
      always: [
        { guard: 'isNotBelieved', target: 'ended', actions: assign({ outcome: 'not-believed', reason: 'the store holds no such acceptance by the operator' }) },
        { guard: 'wasAcceptedBefore', target: 'ended', actions: assign({ outcome: 'accepted-before', reason: ({ context }) => `${describe(context)} was accepted before (${context.found!.before}), and is invoiced by that` }) },
        { target: 'invoicing' },
      ],
    },
    invoicing: {
      description: 'The invoice goes its own way to the money.',
      invoke: {
        id: 'invoice',
        src: 'invoice',
        input: ({ context }) => {
          const { order, from, paymentLink } = context.found!.accepted!;
          return invoiceInput.parse({ order, from, ...(paymentLink === undefined ? {} : { paymentLink }) });
        },
        onDone: [
          { guard: { type: 'wasNotIssued', params: ({ event }) => event.output }, target: 'asking', actions: assign({ outcome: 'not-issued', reason: ({ event }) => event.output.reason }) },
          { target: 'ended', actions: assign(({ event: { output } }) => ({ outcome: output.outcome, number: output.number, reason: output.reason })) },
        ],
        onError: { target: 'asking', actions: assign({ outcome: 'not-issued', reason: ({ event }) => reasonOf(event.error) }) },
      },
    },
    asking: {
      entry: { type: 'recordIntent', params: ({ context }) => task(context) },
      on: {
        APPROVE: { target: 'looking', actions: { type: 'recordIntent', params: ({ context }) => close(context, 'completed') } },
        REJECT: { target: 'ended', actions: [{ type: 'recordIntent', params: ({ context }) => close(context, 'rejected') }, assign({ reason: ({ event }) => event.reason })] },
      },
    },
    ended: { type: 'final', entry: { type: 'recordDecision', params: ({ context }) => ({ what: 'billing', outcome: context.outcome, confidence: null, reasons: [context.reason], evidence: evidenceOf(context) }) } },
  },
  output: ({ context }) => ({ outcome: context.outcome, number: context.number }),
});
