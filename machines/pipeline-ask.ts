// A pipeline asks the operator: an item in the inbox with reminders, a deadline and what happens after it. An answer counts for the
// very item it names; silence is never a yes.
import type { AnyEventObject } from 'xstate';
import { z } from 'zod';
import { answerAsJson, operatorEvents, toItemData, type Risk } from './inbox.ts';
import { slotOf, withSlot, type Context } from './pipeline-context.ts';
import { act, type Outcome, type StateConfig, type Topic } from './pipeline-part.ts';
import type { Decision, Intent } from './records.ts';

/** The item that is answered. */
const about = z.string().max(500).optional();
export const pipelineEvents = {
  APPROVE: operatorEvents.APPROVE.extend({ about }),
  REJECT: operatorEvents.REJECT.extend({ about }),
  RESPOND: operatorEvents.RESPOND.extend({ about }),
  /** From an agent of ours: it waits for a person (or does no more), so its time stands still. The host says who sent it. */
  PARKED: z.object({ from: z.string(), parked: z.boolean() }),
};

const itemId = (context: Context, { slot }: Topic) => `p-${context.address.replace('/', '.')}.${slot}.${slotOf(context, slot).asked}`;

export const decisionOf = (context: Context, what: string, decision: Pick<Decision, 'outcome' | 'reasons'> & Partial<Decision>): NonNullable<Outcome['records']>[number] =>
  ({ type: 'recordDecision', params: { what, confidence: null, evidence: context.evidence, ...decision } });

/** The state of a question. `to` names where each answer leads. */
export function askState(topic: Topic, to: { approve: string; respond: string; reject: string }): StateConfig {
  const { remindMs, deadlineMs, expiry } = topic.questions;
  const params = { topic: topic.name };
  const expired = { deny: { target: to.reject, actions: { type: 'deny', params } }, hold: { target: '.overdue', actions: { type: 'expire', params } }, escalate: { target: '.escalated', actions: { type: 'expire', params } } }[expiry];
  const reminding = { target: 'reminded', reenter: true };
  return {
    description: `Waits for the operator (${topic.what}).`,
    tags: ['operator'],
    entry: [{ type: 'ask', params }, 'park'],
    exit: [{ type: 'close', params }, 'unpark'],
    after: { [deadlineMs]: expired },
    initial: 'asked',
    states: {
      asked: { after: { [remindMs]: 'reminded' } },
      reminded: { entry: { type: 'remind', params: { ...params, word: 'Reminder' } }, after: { [remindMs]: reminding } },
      ...(expiry === 'hold' && { overdue: { entry: { type: 'remind', params: { ...params, word: 'Overdue' } }, after: { [remindMs]: { target: 'overdue', reenter: true } } } }),
      ...(expiry === 'escalate' && { escalated: { entry: { type: 'escalate', params } } }),
    },
    on: {
      APPROVE: [
        { guard: { type: 'approves', params }, target: to.approve, actions: { type: 'approve', params } },
        { guard: { type: 'responds', params }, target: to.respond, actions: { type: 'respond', params } },
      ],
      RESPOND: { guard: { type: 'responds', params }, target: to.respond, actions: { type: 'respond', params } },
      REJECT: { guard: { type: 'rejects', params }, target: to.reject, actions: { type: 'reject', params } },
    },
  };
}

export function askActions(topicOf: (name: string) => Topic) {
  interface Params { topic: string }
  const item = (context: Context, topic: Topic, { kind, risk, expires }: { kind: Intent['kind']; risk: Risk; expires: boolean }): NonNullable<Outcome['records']>[number] => {
    const { summary, reasons, payload, confidence, answers } = topic.show(context);
    const id = itemId(context, topic);
    return { type: 'recordIntent', params: { id, kind, state: 'input-required', summary: `${context.title}: ${summary}`, data: toItemData({ category: topic.what, confidence, risk, reasons, payload, payloadHash: id, evidence: context.evidence, policy: null, expiresAfterMs: expires ? topic.questions.deadlineMs : null, answers }) } };
  };
  const next = (context: Context, { slot }: Topic) => ({ ...context, ...withSlot(context, slot, { asked: slotOf(context, slot).asked + 1 }) });
  const closed = (context: Context, topic: Topic, state: Intent['state']): NonNullable<Outcome['records']>[number] => ({ type: 'recordIntent', params: { id: itemId(context, topic), kind: kindNow(context, topic), state } });
  const kindNow = (context: Context, topic: Topic) => (slotOf(context, topic.slot).escalated ? 'escalation' : topic.kind);
  const say = (context: Context, topic: Topic, outcome: string, reasons: string[]) => decisionOf(context, 'answer', { outcome, confidence: 1, reasons: [topic.name, ...reasons] });

  return {
    ask: act((before, { topic: name }: Params) => {
      const topic = topicOf(name);
      const context = next(before, topic);
      return { change: { slots: context.slots }, records: [decisionOf(context, topic.what, { outcome: 'operator', reasons: topic.show(context).reasons }), item(context, topic, { kind: topic.kind, risk: topic.kind === 'escalation' ? 'medium' : 'low', expires: true })] };
    }),
    remind: act((context, { topic: name, word }: Params & { word: string }) => {
      const topic = topicOf(name);
      return { records: [{ type: 'recordIntent', params: { id: itemId(context, topic), kind: topic.kind, state: 'input-required', summary: `${word}: ${context.title}: ${topic.show(context).summary}` } }] };
    }),
    expire: act((context, { topic: name }: Params) => {
      const { questions: { expiry, deadlineMs } } = topicOf(name);
      return { records: [decisionOf(context, 'expiry', { outcome: expiry, reasons: [`${name}: nobody answered within ${deadlineMs} ms`] })] };
    }),
    /** The same question once more, as an escalation that waits for ever. */
    escalate: act((before, { topic: name }: Params) => {
      const topic = topicOf(name);
      const asked = next(before, topic);
      const context = { ...asked, ...withSlot(asked, topic.slot, { escalated: true }) };
      return { change: { slots: context.slots }, records: [closed(before, topic, 'canceled'), item(context, topic, { kind: 'escalation', risk: 'high', expires: false })] };
    }),
    close: act((context, { topic: name }: Params, event) => {
      const topic = topicOf(name);
      const state = event.type === 'REJECT' ? 'rejected' : event.type === 'APPROVE' || event.type === 'RESPOND' ? 'completed' : 'canceled';
      // In a parallel state an answer to another item may end this question as well; then it was not this one that was answered.
      const mine = aboutOf(event) === itemId(context, topic);
      return { change: withSlot(context, topic.slot, { escalated: false }), records: [closed(context, topic, mine ? state : 'canceled')] };
    }),
    approve: act((context, { topic: name }: Params, event) => {
      const topic = topicOf(name);
      return { change: topic.approve(context), records: [say(context, topic, 'approved', reasonsOf(event))] };
    }),
    respond: act((context, { topic: name }: Params, event) => {
      const topic = topicOf(name);
      const answer = readAnswer(topic, context, event)!;
      return { change: topic.respond!.apply(context, answer.value as never), records: [say(context, topic, 'answered', reasonsOf(event))] };
    }),
    reject: act((context, { topic: name }: Params, event) => {
      const topic = topicOf(name);
      return { change: topic.reject(context, String(event['reason'])), records: [say(context, topic, 'rejected', reasonsOf(event))] };
    }),
    deny: act((context, { topic: name }: Params) => {
      const topic = topicOf(name);
      const reason = `nobody answered within ${topic.questions.deadlineMs} ms`;
      return { change: topic.reject(context, reason), records: [decisionOf(context, 'expiry', { outcome: 'deny', reasons: [`${name}: ${reason}`] })] };
    }),
    park: act(() => ({ parked: 1 })),
    unpark: act(() => ({ parked: -1 })),
  };
}

export function askGuards(topicOf: (name: string) => Topic) {
  const isAbout = (context: Context, name: string, event: AnyEventObject) => aboutOf(event) === itemId(context, topicOf(name));
  return {
    approves: ({ context, event }: { context: Context; event: AnyEventObject }, { topic }: { topic: string }) => isAbout(context, topic, event) && event['edit'] === undefined,
    rejects: ({ context, event }: { context: Context; event: AnyEventObject }, { topic }: { topic: string }) => isAbout(context, topic, event),
    responds: ({ context, event }: { context: Context; event: AnyEventObject }, { topic }: { topic: string }) => isAbout(context, topic, event) && readAnswer(topicOf(topic), context, event) !== null,
  };
}

/** A yes is bound to what was shown by its hash, which is the item's id; other answers name the item. */
function aboutOf(event: AnyEventObject): unknown {
  return event.type === 'APPROVE' ? event['payloadHash'] : event['about'];
}

const reasonsOf = (event: AnyEventObject) => (typeof event['reason'] === 'string' ? [event['reason']] : []);

/** The answer as what the stage would have given; null when it is none. */
function readAnswer(topic: Topic, context: Context, event: AnyEventObject): { value: unknown } | null {
  const text: unknown = event.type === 'RESPOND' ? event['text'] : (event['edit'] as { payload?: { text?: unknown } } | undefined)?.payload?.text;
  if (!topic.respond || typeof text !== 'string') return null;
  const schema = topic.respond.schema(context);
  const asJson = schema.safeParse(answerAsJson(text));
  const parsed = asJson.success ? asJson : schema.safeParse(text); // an output may be a plain string
  return parsed.success ? { value: parsed.data ?? null } : null;
}
