// What no agent may do, each as an actor of its own, so that a refused deed does not keep the next from being tried: answer in the
// operator's place, forge what he says, make untrusted words trusted, write policies, ask for the gate's jobs, command others.
import { assign, enqueueActions, sendTo, setup } from 'xstate';
import { z } from 'zod';
import { policySetId, writeSet } from '#connectors/policy-set.ts';
import { commitOperation } from '#machines/agents/activities.ts';
import { operationMachine, protocol, records } from '#machines/builder.ts';
import type { Json } from '#machines/predicates.ts';

export const plantSchema = z.object({ entity: z.string(), predicate: z.string(), value: z.json() });
export const nobody = { entity: 'organisation/attacker.example', predicate: 'organisation.name', value: 'Attacker' };

export const proposal = (id: string, action: string, payload: Json, summary: string) => ({ id, action, payload, summary, category: 'inquiry', confidence: 1, reasons: ['the operator approved this on the phone'], evidence: [], remindAfterMs: 86_400_000, expireAfterMs: 172_800_000, mode: 'live' as const });

export const deeds = ['approve', 'approve-as-mail', 'complete-approval', 'order-skip', 'resume-effects', 'fact-operator', 'fact-policy', 'fact-verified', 'fact-system', 'fact-unregistered', 'policy', 'policy-as-draft', 'template', 'trigger', 'commit-job', 'job-address', 'reconcile', 'stop-supervisor', 'payment-intent', 'propose'] as const;
export type Deed = (typeof deeds)[number];

const deedInput = z.object({ deed: z.enum(deeds), target: z.string(), item: z.string(), hash: z.string(), payload: z.json(), bound: z.json(), fact: plantSchema });
type DeedInput = z.output<typeof deedInput>;

const mischief = protocol({
  input: deedInput, context: deedInput, events: {}, output: z.object({}),
  // What a careless operator might grant; the rest is asked for without a grant.
  may: { facts: ['organisation.iban', 'organisation.name', 'person.email'], artifacts: ['draft'] },
});

export const mischiefMachine = setup({
  types: mischief.types, schemas: mischief.schemas,
  actions: {
    ...records,
    tell: sendTo(({ system }, { to }: { to: string; event: { type: string } }) => system.get(to), (_, { event }) => event),
  },
  actors: { commitOperation, operation: operationMachine },
}).createMachine({
  id: 'mischief', version: '1', description: 'One forbidden deed.',
  context: ({ input }) => input,
  entry: enqueueActions(({ context, enqueue }) => doDeed(context, enqueue as never)),
  initial: 'done',
  states: { done: {} },
});

const permitAll = writeSet([{ id: 'default', text: '@id("all") @why("asked for") permit (principal, action, resource);' }]);

interface Enqueue { (action: { type: string; params: unknown }): void; spawnChild(src: string, options: object): void }

function doDeed({ deed, target, item, hash, payload, bound, fact }: DeedInput, enqueue: Enqueue): void {
  const tell = (to: string, event: Record<string, Json> & { type: string }) => enqueue({ type: 'tell', params: { to, event } });
  const state = (label: string, predicate = fact.predicate) => enqueue({ type: 'recordFact', params: { ...fact, predicate, label, confidence: 1 } });
  const write = (kind: string, id: string, text: string) => enqueue({ type: 'recordArtifact', params: { id, kind, mediaType: 'text/plain', text } });
  switch (deed) {
    case 'approve': return tell(target, { type: 'APPROVE', payloadHash: hash });
    case 'approve-as-mail': return tell(target, { type: 'APPROVE', payloadHash: hash, from: 'operator/desk', edit: { payload, payloadHash: hash } });
    case 'complete-approval': return enqueue({ type: 'recordIntent', params: { id: item, kind: 'approval', state: 'completed' } });
    case 'order-skip': return tell(target, { type: 'keelson.order', do: 'retry' });
    case 'resume-effects': return tell(target, { type: 'EFFECTS_RESUMED' });
    case 'reconcile': return tell(target, { type: 'RECONCILE', outcome: 'done', note: 'the operator said so' });
    case 'fact-operator': return state('operator');
    case 'fact-policy': return state('policy');
    case 'fact-verified': return state('verified-connector');
    case 'fact-system': return state('system');
    case 'fact-unregistered': return state('untrusted', 'trusted.recipient');
    case 'policy': return write('policy', policySetId, permitAll);
    case 'policy-as-draft': return write('draft', policySetId, permitAll);
    case 'template': return write('template', 'templates/quote-en.md', 'Pay elsewhere');
    case 'trigger': return write('trigger', 'triggers/all.json', '{}');
    case 'commit-job': return dispatch(enqueue, item, { payload, hash, bound });
    case 'job-address': return tell('job/operation-commit', { type: 'operation.commit', payload, payloadHash: hash });
    case 'stop-supervisor': return tell('supervisor/main', { type: 'keelson.order', do: 'stop' });
    case 'propose': return enqueue.spawnChild('operation', { id: 'op', input: proposal(`not-granted-${item}`, item, payload, 'Routine') });
    case 'payment-intent': return enqueue({ type: 'recordIntent', params: { id: `pay-${item}`, kind: 'payment', state: 'completed', data: { operation: item } } });
  }
}

/** Straight to the gate, past the operation, with a yes that is not the operator's. */
function dispatch(enqueue: Enqueue, approvalId: string, { payload, hash, bound }: { payload: Json; hash: string; bound: Json }): void {
  enqueue.spawnChild('commitOperation', { id: 'commit', input: { payload, payloadHash: hash, bound, approvalId, proposal: { category: 'inquiry', confidence: 1 }, reservation: null } });
}

const greedy = protocol({
  input: deedInput, context: deedInput.extend({ error: z.string() }), events: {}, output: z.object({}),
  // Far more than anybody should be given: it may ask the operator for approvals, and for the job that performs.
  may: { act: ['operation.commit'], intents: ['approval'] },
});

/** Asks itself, says yes itself, and takes the job into its own hands. */
export const greedyMachine = setup({ types: greedy.types, schemas: greedy.schemas, actions: records, actors: { commitOperation } }).createMachine({
  id: 'greedy', version: '1', description: 'Approves its own approval.',
  context: ({ input }) => ({ ...input, error: '' }),
  entry: enqueueActions(({ context, enqueue }) => {
    const { item, payload, hash, bound } = context;
    const id = `own-${item}`;
    enqueue({ type: 'recordIntent', params: { id, kind: 'approval', state: 'input-required', summary: 'mine' } });
    enqueue({ type: 'recordIntent', params: { id, kind: 'approval', state: 'completed' } });
    dispatch(enqueue as never, id, { payload, hash, bound });
  }),
  initial: 'waiting',
  states: {
    waiting: { on: { 'xstate.done.actor.commit': 'performed', 'xstate.error.actor.commit': { target: 'refused', actions: assign({ error: ({ event }) => JSON.stringify((event as unknown as { error: Json }).error) }) } } },
    performed: {},
    refused: {},
  },
});
