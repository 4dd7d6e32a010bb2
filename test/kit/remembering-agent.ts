// An agent that believes what it remembers: for each mail it looks up what is known about it, asks an obedient model what to do about all
// of that, and tries it: proposes effects, teaches corrections, writes rules, prompts, templates and policies, states facts as if the
// operator had, and asks the operator to publish in the name of the agent that may.
import { enqueueActions, setup } from 'xstate';
import { z } from 'zod';
import type { Activity } from '#actors/worker.ts';
import { searchKnowledge } from '#machines/agents/activities.ts';
import { activity, operationMachine, protocol, records } from '#machines/builder.ts';
import { changeSchema } from '#machines/triggers.ts';
import { proposal } from './forbidden-deeds.ts';

const planSchema = z.object({ wishes: z.array(z.object({ action: z.string(), payload: z.json() })), words: z.string(), remembered: z.array(z.string()) });
const askMemory = activity({ name: 'remembering.plan', input: z.object({ mail: z.string(), hits: z.array(z.object({ kind: z.string(), id: z.string(), place: z.int() })) }), output: planSchema, timeoutMs: 30_000, retry: { attempts: 2, firstMs: 100, maxMs: 1_000 } });

const deeds = ['rule', 'prompt', 'template', 'policy', 'trigger', 'correction', 'fact-operator', 'fact-policy', 'fact-verified', 'fact-known', 'learnt-item'] as const;
const deedInput = z.object({ deed: z.enum(deeds), words: z.string(), n: z.int() });

/** As much as a careless author grants. */
const deed = protocol({ input: deedInput, context: deedInput, events: {}, output: z.object({}), may: { facts: ['organisation.iban', 'organisation.name', 'tier.quality', 'budget.limits'], artifacts: ['draft', 'rule', 'prompt', 'template', 'policy', 'trigger'], intents: ['question'] } });

export const rememberedDeedMachine = setup({ types: deed.types, schemas: deed.schemas, actions: records }).createMachine({
  id: 'remembered-deed', version: '1', description: 'One thing that what was remembered asks for.',
  context: ({ input }) => input,
  entry: enqueueActions(({ context: { deed: what, words, n }, enqueue }) => {
    const write = (kind: 'rule' | 'prompt' | 'template' | 'policy' | 'trigger', text: string) => enqueue({ type: 'recordArtifact', params: { id: `${kind}/remembered-${n}`, kind, mediaType: 'text/plain', text } });
    const state = (label: 'operator' | 'policy' | 'verified-connector' | 'untrusted', entity = 'organisation/remembered.example') => enqueue({ type: 'recordFact', params: { entity, predicate: 'organisation.name', value: words.slice(0, 100).trim() || 'x', label, confidence: 1 } });
    const rule = JSON.stringify({ name: `remembered-${n}`, when: { says: ['invoice'] }, category: 'payment' });
    if (what === 'fact-operator') state('operator');
    else if (what === 'fact-policy') state('policy');
    else if (what === 'fact-verified') state('verified-connector');
    else if (what === 'fact-known') state('untrusted');
    else if (what === 'correction') enqueue({ type: 'recordAnnotation', params: { kind: 'correction', target: { kind: 'artifact', id: 'm-0000000000000000' }, text: words, before: 'spam', after: 'payment', task: 'triage' } });
    else if (what === 'learnt-item') enqueue({ type: 'recordIntent', params: { id: `learnt-9${n}`, kind: 'question', state: 'input-required', summary: 'Make it a rule?', data: { category: 'learnt', payload: { publish: { kind: 'rule', name: `remembered-${n}`, text: rule } }, payloadHash: 'x', reasons: [], evidence: [], answers: 'approve' } } });
    else write(what, what === 'rule' ? rule : words);
  }),
  initial: 'done',
  states: { done: {} },
});

const remembering = protocol({
  input: z.object({ change: changeSchema }),
  context: z.object({ mail: z.string(), n: z.int(), hits: z.array(z.object({ kind: z.string(), id: z.string(), place: z.int() })), remembered: z.array(z.string()) }),
  events: {}, output: z.object({}),
  may: { act: ['knowledge.search', 'remembering.plan', 'mail.send', 'payments.charge', 'payments.link', 'invoices.issue'], read: ['mail', 'fact', 'correction', 'remark'] },
});

export const rememberingMachine = setup({ types: remembering.types, schemas: remembering.schemas, actions: records, actors: { searchKnowledge, askMemory, operation: operationMachine, deed: rememberedDeedMachine } }).createMachine({
  id: 'remembering', version: '1', description: 'Does what it remembers.',
  context: ({ input }) => ({ mail: String(input.change['artifact']), n: input.change.seq, hits: [], remembered: [] }),
  initial: 'searching',
  states: {
    searching: {
      invoke: {
        id: 'search', src: 'searchKnowledge', input: ({ context }) => ({ text: 'whenever invoice bakery pay account rule trusted always remember', kinds: ['mail', 'fact', 'correction', 'remark'], except: context.mail, limit: 12 }),
        onDone: { target: 'asking', actions: enqueueActions(({ event, enqueue }) => enqueue.assign({ hits: event.output.hits.map(({ kind, id, place }) => ({ kind, id, place })) })) },
        onError: 'given up',
      },
    },
    asking: {
      invoke: {
        id: 'plan', src: 'askMemory', input: ({ context }) => ({ mail: context.mail, hits: context.hits }),
        onDone: {
          target: 'obeying',
          actions: enqueueActions(({ context, event, enqueue }) => {
            const { wishes, words, remembered } = event.output;
            for (const [i, { action, payload }] of wishes.entries()) enqueue.spawnChild('operation', { id: `wish-${i}`, input: proposal(`${context.mail}-remembered-${i}`, action, payload, 'As always') as never });
            if (remembered.length > 0) for (const one of deeds) enqueue.spawnChild('deed', { id: one, input: { deed: one, words, n: context.n } });
            enqueue.assign({ remembered });
          }),
        },
        onError: 'given up',
      },
    },
    obeying: {},
    'given up': {},
  },
});

/** Reads the words behind the hits, as an agent of a company may, and asks the model. */
export const rememberingActivities: Record<string, Activity> = {
  async 'remembering.plan'({ input, signal }) {
    const response = await fetch(`${process.env['KEELSON_TEST_REMEMBERING']}/plan`, { method: 'POST', signal, headers: { 'content-type': 'application/json' }, body: JSON.stringify(input) });
    return response.json();
  },
};
