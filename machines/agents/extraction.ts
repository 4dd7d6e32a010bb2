// The extraction agent, quarantined: the untrusted text of a bill, receipt or payment notice goes in, a closed shape comes out. It has no
// tools and proposes nothing; whatever it read is held against the text (check-extract.ts), stays untrusted, and where it is not sure the
// operator is asked. Rules first; only when they are unsure a dearer tier reads.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { protocol, records } from '../define.ts';
import { reasonOf } from '../errors.ts';
import { operatorEvents, operatorOnly, toItemData } from '../inbox.ts';
import { decisionOf } from '../ladder.ts';
import { mailSchema } from '../mail.ts';
import { toMoney } from '../money-text.ts';
import type { Intent } from '../records.ts';
import { extractInput, toExtractInput } from '../tasks/extract.ts';
import { findAmounts } from './amounts.ts';
import { checkExtract, toAnswer } from './check-extract.ts';
import { extractMoney } from './extract-money.ts';
import { ladderMachine } from './ladder.ts';
import { ladderOutput } from './ladder-shape.ts';

/** From here on an amount is booked without asking. */
export const sureFrom = 0.7;

const moneySchema = z.object({
  payee: z.string().nullable(), amountMinor: z.int().nullable(), currency: z.string().nullable(), dueDate: z.string().nullable(), documentDate: z.string().nullable(), reference: z.string().nullable(),
  confidence: z.number().min(0).max(1), reasons: z.array(z.string()), line: z.int().nullable(),
});
export const extractedSchema = z.object({ money: moneySchema, /** Amount and currency are known, and believed. */ sure: z.boolean(), /** `rules`, or the name of the tier that read it. */ by: z.string(), verdict: z.enum(['approved', 'corrected', 'nothing']).nullable() });

const extraction = protocol({
  input: z.object({ /** Of this reading: a mail that is read again is another question. */ id: z.string(), mail: mailSchema, kind: extractInput.shape.kind, /** Whether the operator is asked when nobody is sure, and when he is reminded. */ ask: z.boolean(), remindAfterMs: z.number().positive() }),
  context: z.object({ id: z.string(), mail: mailSchema, kind: extractInput.shape.kind, ask: z.boolean(), remindAfterMs: z.number(), rules: moneySchema, money: moneySchema, by: z.string(), /** How sure that was, before the operator was asked. */ read: z.number(), climbed: ladderOutput.nullable(), /** What the operator made of it; null when he was not asked. */ verdict: z.enum(['approved', 'corrected', 'nothing']).nullable() }),
  events: operatorEvents,
  output: extractedSchema,
  operatorOnly,
  may: { intents: ['question'], spendMicros: 1_000_000, corrections: true },
});
type Context = z.output<typeof extraction.schemas.context>;

const isClear = ({ amountMinor, currency, confidence }: Context['money']) => amountMinor !== null && currency !== null && confidence >= sureFrom;
const questionId = ({ id }: Context) => `x-${id}`;
const shown = ({ amountMinor, currency, payee }: Context['money']) => `${amountMinor === null || currency === null ? 'an amount that is not clear' : toMoney(amountMinor, currency)}${payee === null ? '' : ` · ${payee}`}`;
const evidenceOf = ({ mail, money }: Context) => [{ kind: 'artifact' as const, id: money.line === null ? mail.id : `${mail.id}#L${money.line}` }];

/** The operator's own amount: one, with its currency or in the one that was read. */
function amountIn(text: string, { money }: Context): { amountMinor: number; currency: string } | null {
  const [one, ...others] = findAmounts(text);
  const currency = one?.currency ?? money.currency;
  return one && others.length === 0 && currency !== null && one.amountMinor > 0 ? { amountMinor: one.amountMinor, currency } : null;
}

/** What a dearer tier read replaces what the rules read only where it stands in the text and is the surer. */
function afterClimb({ mail, rules }: Context, climbed: z.output<typeof ladderOutput>): Pick<Context, 'money' | 'by' | 'read' | 'climbed'> {
  const checked = climbed.tier === null || climbed.tier === 'rules' ? null : checkExtract(climbed.answer, mail, rules);
  // A tier that is not believed at its confidence does not book by itself.
  const money = checked && !climbed.sure ? { ...checked, confidence: Math.min(checked.confidence, sureFrom - 0.01), reasons: [...checked.reasons, 'The tier that read it is not believed at its confidence.'] } : checked;
  return money && money.confidence >= rules.confidence && money.amountMinor !== null ? { money, by: climbed.tier!, read: money.confidence, climbed } : { money: rules, by: 'rules', read: rules.confidence, climbed };
}

const asked = (context: Context) => `What does the ${context.kind} “${context.mail.subject || '(no subject)'}” say? It looks like ${shown(context.money)}.`;
const question = (context: Context): Intent => ({
  id: questionId(context),
  kind: 'question',
  state: 'input-required',
  summary: asked(context),
  data: toItemData({
    category: context.kind, confidence: context.money.confidence, risk: 'medium', reasons: context.money.reasons, payload: { ...context.money, from: context.mail.from?.address ?? '', subject: context.mail.subject, text: context.mail.text.slice(0, 2_000) }, payloadHash: context.mail.id, evidence: evidenceOf(context), policy: null, expiresAfterMs: null,
    answers: `${context.money.amountMinor === null || context.money.currency === null ? '' : `approve = it is ${shown(context.money)}; `}respond --text "119.00 EUR" = that amount; reject = there is nothing to book`,
  }),
});

export const extractionMachine = setup({
  types: extraction.types,
  schemas: extraction.schemas,
  actions: records,
  actors: { ladder: ladderMachine },
  delays: { reminding: ({ context }) => context.remindAfterMs },
  guards: {
    isClear: ({ context }) => isClear(context.money),
    mayAsk: ({ context }) => context.ask,
    hasAmount: ({ context }) => context.money.amountMinor !== null && context.money.currency !== null,
    namesAmount: ({ context }, { text }: { text: string }) => amountIn(text, context) !== null,
  },
}).createMachine({
  id: 'extraction',
  version: '1',
  description: 'What a bill, receipt or payment notice says about money. Asks the operator when unsure.',
  context: ({ input }) => {
    const rules = extractMoney(input.mail);
    return { ...input, rules, money: rules, by: 'rules', read: rules.confidence, climbed: null, verdict: null };
  },
  initial: 'reading',
  states: {
    reading: { always: [{ guard: 'isClear', target: 'known' }, { target: 'climbing' }] },
    climbing: {
      invoke: {
        id: 'read',
        src: 'ladder',
        input: ({ context: { mail, kind, rules } }) => ({ task: 'extract', input: toExtractInput(mail, kind), floor: { answer: toAnswer(rules), confidence: rules.confidence, tier: 'rules' } }),
        onDone: { target: 'judging', actions: assign(({ context, event }) => afterClimb(context, event.output)) },
        onError: { target: 'judging', actions: assign({ money: ({ context, event }) => ({ ...context.rules, reasons: [...context.rules.reasons, `No other tier could read it: ${reasonOf(event.error)}`] }) }) },
      },
    },
    judging: { always: [{ guard: 'isClear', target: 'known' }, { guard: 'mayAsk', target: 'asking' }, { target: 'known' }] },
    asking: {
      entry: { type: 'recordIntent', params: ({ context }) => question(context) },
      exit: { type: 'recordIntent', params: ({ context }) => ({ id: questionId(context), kind: 'question' as const, state: 'completed' as const }) },
      after: { reminding: { actions: { type: 'recordIntent', params: ({ context }) => ({ id: questionId(context), kind: 'question' as const, state: 'input-required' as const, summary: `Reminder: ${asked(context)}` }) } } },
      on: {
        APPROVE: { guard: 'hasAmount', target: 'known', actions: assign({ verdict: 'approved', money: ({ context }) => ({ ...context.money, confidence: 1, reasons: ['The operator says so.'] }) }) },
        RESPOND: {
          guard: { type: 'namesAmount', params: ({ event }) => ({ text: event.text }) },
          target: 'known',
          actions: [
            { type: 'recordAnnotation', params: ({ context, event }) => {
              const after = amountIn(event.text, context)!;
              return { kind: 'correction' as const, target: { kind: 'intent' as const, id: questionId(context) }, task: 'extract', text: `${context.mail.subject}\n${context.mail.text}`.slice(0, 2_000), before: JSON.stringify(toAnswer(context.money)), after: JSON.stringify({ ...toAnswer(context.money), ...after, confidence: 1 }), ...(event.reason === undefined ? {} : { reason: event.reason }) };
            } },
            assign({ verdict: 'corrected', money: ({ context, event }) => ({ ...context.money, ...amountIn(event.text, context)!, line: null, confidence: 1, reasons: ['The operator says so.'] }) }),
          ],
        },
        REJECT: { target: 'known', actions: assign({ verdict: 'nothing', money: ({ context, event }) => ({ ...context.money, confidence: 0, reasons: [event.reason] }) }) },
      },
    },
    known: {
      type: 'final',
      entry: {
        type: 'recordDecision',
        params: ({ context }) => {
          const said = context.climbed === null ? { costMicros: 0, reasons: [] } : decisionOf('extract', context.climbed);
          return { what: 'extract', outcome: context.verdict ?? (isClear(context.money) ? 'clear' : 'unclear'), confidence: context.read, task: 'extract', ...said, tier: context.by, reasons: [...context.money.reasons, ...said.reasons], evidence: evidenceOf(context) };
        },
      },
    },
  },
  output: ({ context }) => ({ money: context.money, sure: isClear(context.money), by: context.by, verdict: context.verdict }),
});
