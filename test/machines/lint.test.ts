import assert from 'node:assert/strict';
import test from 'node:test';
import { and, assign, createActor, createMachine, enqueueActions, fromCallback, fromEventObservable, fromObservable, fromPromise, fromTransition, log, not, raise, sendTo, setup, spawnChild, stopChild, type AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { activity, protocol, records } from '#machines/define.ts';
import { KeelsonError } from '#machines/errors.ts';
import { assertDurable, lintMachine } from '#machines/lint.ts';
import { createMachines } from '#supervisor/agents.ts';

const { schemas } = protocol({ context: z.any(), input: z.any(), output: z.any(), events: { GO: z.object({}) } });
const ask = activity({ name: 'ask', input: z.any(), output: z.any(), timeoutMs: 1, retry: { attempts: 1, firstMs: 1, maxMs: 1 } });
const kid = setup({ schemas }).createMachine({ id: 'kid', version: '1' });
const strict = activity({ name: 'strict', input: z.object({ n: z.number() }), output: z.any(), timeoutMs: 1, retry: { attempts: 1, firstMs: 1, maxMs: 1 } });
const needy = setup({ schemas: { ...schemas, input: z.object({ n: z.number() }) } }).createMachine({ id: 'needy', version: '1' });
const running = createActor(createMachine({}));
/** A machine with an `a` state as given; the rest is clean. TypeScript would stop some of these, which is not the point. */
const machineWith = (a: object, { config = {}, parts = {} }: { config?: object; parts?: object } = {}): AnyStateMachine =>
  (setup({ schemas, actors: { ask, kid }, actions: records, ...parts }) as any).createMachine({ id: 'm', version: '1', initial: 'a', ...config, states: { a, b: {} } });

interface Case { rule: string; what: string; machine: AnyStateMachine; at: string; says: RegExp }
const on = (transition: object) => ({ on: { GO: transition } });
const cases: Case[] = [
  { rule: 'inline-actor', what: 'logic invoked without a name', machine: machineWith({ invoke: { id: 'x', src: kid } }), at: '#m.a.invoke(x)', says: /register it in setup\(\{actors\}\)/ },
  { rule: 'inline-actor', what: 'logic spawned without a name', machine: machineWith({ entry: spawnChild(kid as never, { id: 'x' }) }), at: '#m.a.entry', says: /register it in setup\(\{actors\}\)/ },
  { rule: 'unknown-actor', what: 'an actor nobody registered', machine: machineWith({ invoke: { id: 'x', src: 'missing' } }), at: '#m.a.invoke(x)', says: /'missing'.*add it to setup\(\{actors\}\)/ },
  { rule: 'unknown-delay', what: 'a misspelt delay in after', machine: machineWith({ after: { patiense: 'b' } }), at: '#m.a.after', says: /'patiense'.*add it to setup\(\{delays\}\)/ },
  { rule: 'unknown-delay', what: 'a misspelt delay of raise', machine: machineWith({ entry: raise({ type: 'GO' }, { delay: 'patiense' as never }) }), at: '#m.a.entry', says: /'patiense'/ },
  { rule: 'unknown-delay', what: 'a misspelt delay of sendTo', machine: machineWith({ exit: sendTo('x', { type: 'GO' }, { delay: 'patiense' as never }) }), at: '#m.a.exit', says: /'patiense'/ },
  { rule: 'bad-delay', what: 'a negative delay', machine: machineWith({ entry: raise({ type: 'GO' }, { delay: -1 }) }), at: '#m.a.entry', says: /-1.*use 0 or more/ },
  { rule: 'bad-delay', what: 'a negative after', machine: machineWith({ after: { '-5': 'b' } }), at: '#m.a.after', says: /-5.*use 0 or more/ },
  { rule: 'bad-delay', what: 'a delay that is no number', machine: machineWith({ entry: raise({ type: 'GO' }, { delay: Number.NaN }) }), at: '#m.a.entry', says: /NaN.*use 0 or more/ },
  { rule: 'unknown-guard', what: 'a guard nobody registered', machine: machineWith(on({ guard: 'open', target: 'b' })), at: '#m.a.on(GO)', says: /'open'.*add it to setup\(\{guards\}\)/ },
  { rule: 'unknown-guard', what: 'a guard nobody registered in always', machine: machineWith({ always: { guard: { type: 'open' }, target: 'b' } }), at: '#m.a.on(always)', says: /'open'/ },
  { rule: 'unknown-guard', what: 'a guard nobody registered inside and/not', machine: machineWith(on({ guard: and([not('open')]), target: 'b' })), at: '#m.a.on(GO)', says: /'open'/ },
  { rule: 'unknown-action', what: 'an action nobody registered', machine: machineWith({ entry: 'notify' }), at: '#m.a.entry', says: /'notify'.*use one of the records/ },
  { rule: 'action-body', what: 'an action whose body would never run', machine: machineWith(on({ actions: 'notify' }), { parts: { actions: { notify: () => {} } } }), at: '#m.a.on(GO)', says: /'notify' would never run; record it/ },
  { rule: 'inline-action', what: 'an inline function as action', machine: machineWith(on({ actions: function shout() {} })), at: '#m.a.on(GO)', says: /'shout' cannot be recorded; use assign/ },
  { rule: 'inline-action', what: 'an inline function that exit runs', machine: machineWith({ exit: [() => {}] }), at: '#m.a.exit', says: /use assign/ },
  { rule: 'spawn-id', what: 'a spawn without id', machine: machineWith({ entry: spawnChild('kid' as never) }), at: '#m.a.entry', says: /add \{id\}/ },
  { rule: 'spawn-id', what: 'a registered action that spawns without id', machine: machineWith({ entry: 'make' }, { parts: { actions: { make: spawnChild('kid' as never) } } }), at: '#m.a.entry', says: /add \{id\}/ },
  { rule: 'system-id', what: 'a spawn with systemId', machine: machineWith({ entry: spawnChild('kid' as never, { id: 'k', systemId: 's' }) }), at: '#m.a.entry', says: /system\.get\(address\)/ },
  { rule: 'system-id', what: 'an invoke with systemId', machine: machineWith({ invoke: { id: 'k', src: 'kid', systemId: 's' } }), at: '#m.a.invoke(k)', says: /system\.get\(address\)/ },
  { rule: 'sync-snapshot', what: 'a spawn that syncs its snapshot', machine: machineWith({ entry: spawnChild('kid' as never, { id: 'k', syncSnapshot: true }) }), at: '#m.a.entry', says: /sendParent/ },
  { rule: 'on-snapshot', what: 'an invoke that follows snapshots', machine: machineWith({ invoke: { id: 'k', src: 'kid', onSnapshot: {} } }), at: '#m.a.invoke(k)', says: /sendParent/ },
  { rule: 'invoke-id', what: 'an invoke without id', machine: machineWith({ invoke: { src: 'kid' } }), at: '#m.a.invoke(?)', says: /add an id/ },
  { rule: 'unknown-key', what: 'a key of a state that XState does not know', machine: machineWith({ entri: [] }), at: '#m.a', says: /'entri' is not a key/ },
  { rule: 'unknown-key', what: 'a key of a transition that XState does not know', machine: machineWith(on({ tagret: 'b' })), at: '#m.a.on(GO)', says: /'tagret' is not a key/ },
  { rule: 'no-id', what: 'a machine without id', machine: machineWith({}, { config: { id: undefined } }), at: '(root)', says: /needs an explicit id/ },
  { rule: 'no-version', what: 'a machine without version', machine: machineWith({}, { config: { version: undefined } }), at: '(root)', says: /needs a version/ },
  { rule: 'no-schemas', what: 'a machine without schemas', machine: createMachine({ id: 'm', version: '1' }), at: '(root)', says: /pass protocol\(\{\.\.\.\}\)\.schemas to setup/ },
  { rule: 'actor-kind', what: 'a bare promise as actor', machine: machineWith({}, { parts: { actors: { p: fromPromise(async () => 1) } } }), at: 'actors.p', says: /turn promises, callbacks.* into an activity/ },
  { rule: 'actor-kind', what: 'a callback as actor', machine: machineWith({}, { parts: { actors: { c: fromCallback(() => {}) } } }), at: 'actors.c', says: /turn promises, callbacks.* into an activity/ },
  { rule: 'actor-kind', what: 'an observable as actor', machine: machineWith({}, { parts: { actors: { o: fromObservable(() => ({ subscribe: () => ({ unsubscribe() {} }) })) } } }), at: 'actors.o', says: /observables.* into an activity/ },
  { rule: 'actor-kind', what: 'an observable of events as actor', machine: machineWith({}, { parts: { actors: { o: fromEventObservable(() => ({ subscribe: () => ({ unsubscribe() {} }) })) } } }), at: 'actors.o', says: /observables.* into an activity/ },
  { rule: 'actor-kind', what: 'a reducer as actor', machine: machineWith({}, { parts: { actors: { t: fromTransition((n: number) => n, 0) } } }), at: 'actors.t', says: /reducers into an activity or a machine/ },
  { rule: 'no-input', what: 'an invoke without the input that the schema wants', machine: machineWith({ invoke: { id: 'x', src: 'strict' } }, { parts: { actors: { strict } } }), at: '#m.a.invoke(x)', says: /'strict' gets no input.*add \{input\}/ },
  { rule: 'no-input', what: 'a spawn without the input that the schema wants', machine: machineWith({ entry: spawnChild('needy' as never, { id: 'x' }) }, { parts: { actors: { needy } } }), at: '#m.a.entry', says: /'needy' gets no input.*add \{input\}/ },
  { rule: 'bad-input', what: 'fixed input that the schema refuses', machine: machineWith({ invoke: { id: 'x', src: 'strict', input: { n: 'one' } } }, { parts: { actors: { strict } } }), at: '#m.a.invoke(x)', says: /input that its schema refuses: n/ },
  { rule: 'context-json', what: 'a function in the context', machine: machineWith({}, { config: { context: { list: [{ run: () => 1 }] } } }), at: 'context.list.0.run', says: /a function does not survive JSON; keep plain data/ },
  { rule: 'context-json', what: 'a Date in the context', machine: machineWith({}, { config: { context: { at: new Date(0) } } }), at: 'context.at', says: /a Date does not survive JSON/ },
  { rule: 'context-json', what: 'a number that JSON has not', machine: machineWith({}, { config: { context: { n: Number.POSITIVE_INFINITY } } }), at: 'context.n', says: /Infinity does not survive JSON/ },
  { rule: 'live-reference', what: 'a message to a running actor', machine: machineWith({ entry: sendTo(running as never, { type: 'GO' } as never) }), at: '#m.a.entry', says: /use the id of a child, or system\.get\(address\)/ },
  { rule: 'live-reference', what: 'the stop of a running actor', machine: machineWith({ entry: stopChild(running as never) }), at: '#m.a.entry', says: /use the id of a child/ },
  { rule: 'send-id', what: 'a computed id of a delayed event', machine: machineWith({ entry: raise({ type: 'GO' }, { delay: 1, id: (() => 'x') as never }) }), at: '#m.a.entry', says: /write a text, or enqueue it/ },
  { rule: 'event-object', what: 'an event that is a text', machine: machineWith({ entry: raise('GO' as never) }), at: '#m.a.entry', says: /write \{type: 'GO'\}/ },
  { rule: 'reserved-event', what: 'an event of a type that only the host makes', machine: machineWith({ entry: sendTo('x', { type: 'xstate.stop' }) }), at: '#m.a.entry', says: /give the event a name of your own/ },
  { rule: 'inline-action', what: 'an inline function where a state begins', machine: machineWith({ initial: { target: 'x', actions: function start() {} }, states: { x: {} } }), at: '#m.a.initial', says: /'start' cannot be recorded/ },
  { rule: 'action-body', what: 'a registered body that only enqueueActions could name', machine: machineWith({ entry: enqueueActions(() => {}) }, { parts: { actions: { notify: () => {} } } }), at: 'actions.notify', says: /would never run; record it/ },
  { rule: 'bad-delay', what: 'a registered delay below 0', machine: machineWith({}, { parts: { delays: { soon: -1 } } }), at: 'delays.soon', says: /-1.*use 0 or more/ },
  { rule: 'unknown-guard', what: 'a registered guard made of one nobody registered', machine: machineWith({}, { parts: { guards: { both: and(['open']) } } }), at: 'guards.both', says: /'open'/ },
  { rule: 'bad-id', what: 'an id that cannot be addressed', machine: machineWith({}, { config: { id: 'The Boss' } }), at: '(root)', says: /'The Boss' is not an actor type: lower-case letters/ },
  ...['operator', 'automation', 'job', 'connector', 'store', 'host'].map((id) => ({ rule: 'bad-id', what: `the id '${id}', whose messages are believed more`, machine: machineWith({}, { config: { id } }), at: '(root)', says: /choose another/ })),
  { rule: 'bad-version', what: 'a version with an @', machine: machineWith({}, { config: { version: '1@2' } }), at: '(root)', says: /holds an @.*leave it out/ },
];

for (const { rule, what, machine, at, says } of cases) {
  test(`${rule}: ${what} is found at its place, with what to write instead`, () => {
    const found = lintMachine(machine);
    assert.deepEqual(found.map((problem) => [problem.rule, problem.at]), [[rule, at]], JSON.stringify(found));
    assert.match(found[0]!.message, says);
    assert.throws(() => assertDurable(machine), (error) => error instanceof KeelsonError && error.code === 'MACHINE_NOT_DURABLE' && error.message.includes(`${at}: `) && error.message.includes(`[${rule}]`));
  });
}

test('every problem is reported at once, also in nested states', () => {
  const machine = machineWith({ initial: 'x', states: { x: { after: { soon: {} }, states: {}, invoke: [{ src: 'kid' }, { id: 'y', src: 'nobody' }] } } });
  assert.deepEqual(lintMachine(machine).map(({ rule, at }) => `${rule} ${at}`).toSorted(), ['invoke-id #m.a.x.invoke(?)', 'unknown-actor #m.a.x.invoke(y)', 'unknown-delay #m.a.x.after']);
});

test('a machine that uses what is durable is clean', () => {
  const machine = machineWith(
    { entry: [{ type: 'recordFact', params: {} }, assign({}), sendTo(({ self }: any) => self, { type: 'GO' }), stopChild(() => 'k'), log('in'), raise({ type: 'GO' }, { id: 't', delay: 'soon' as never })], after: { 100: 'b', soon: 'b' }, invoke: { id: 'k', src: 'kid', onDone: 'b', onError: 'b' }, on: { GO: { guard: and(['yes', not('yes'), () => true]), target: 'b', description: 'd', meta: {} }, '*': 'b', 'go.*': 'b', 'xstate.done.actor.k': 'b' } },
    { config: { context: { n: 0, none: undefined, list: [null] } }, parts: { delays: { soon: 5, later: () => 5 }, guards: { yes: () => true, both: and(['yes']) } } },
  );
  assert.deepEqual(lintMachine(machine), []);
  assert.doesNotThrow(() => assertDurable(machine));
});

test('every machine the product ships is clean', () => {
  const shipped = createMachines().list();
  assert.ok(shipped.length >= 5, 'mail and its stages');
  for (const { key, machine } of shipped) assert.deepEqual(lintMachine(machine).filter(({ rule }) => rule !== 'actor-kind'), [], key);
});
