// What a builder imports as `keelson/testing`: agents of a company in one process, on a clock that only the test moves. With `chaos`
// it crashes, repeats and delivers twice; what comes out must be the same.
//   const company = testCompany({ machines: [followUp] });
//   await company.given('follow-up/anna', followUp, { who: 'Anna' });
//   await company.after({ days: 3 });
//   company.expect('follow-up/anna').is('asking').asks(/Anna/);
import assert from 'node:assert/strict';
import type { AnyStateMachine } from 'xstate';
import type { Activity } from '#actors/worker.ts';
import { supervisorMachine } from '#machines/agents/supervisor.ts';
import { supervisorAddress } from '#machines/hold.ts';
import type { Fact, Intent } from '#machines/records.ts';
import { createSim, type Sim, type SimOptions } from './sim.ts';

export { connectorContract, type ConnectorContract, type Provider } from '#test/contract/connector.ts';
export { createSim, type Sim, type SimOptions } from './sim.ts';

export interface Span { days?: number; hours?: number; minutes?: number; seconds?: number; ms?: number }
export interface TestCompany {
  /** An actor that was started with this input. */
  given(address: string, machine: AnyStateMachine, input?: unknown): Promise<void>;
  when(address: string, event: { type: string; [field: string]: unknown }): Promise<void>;
  /** Moves the clock; every deadline on the way fires. */
  after(span: Span): Promise<void>;
  /** Your answer to what was asked last, or to the item of this id. */
  approve(item?: string): Promise<void>;
  reject(reason: string, item?: string): Promise<void>;
  respond(text: string, item?: string): Promise<void>;
  /** Given, when, and this. Not called `then`: what has a `then` cannot be awaited. */
  expect(address: string): Expectation;
  /** Below all this. */
  sim: Sim;
}

/** Each throws an AssertionError that says what is there instead. */
export interface Expectation {
  is(value: unknown): Expectation;
  /** The named fields of its context. */
  holds(fields: Record<string, unknown>): Expectation;
  /** It waits for your answer to a question like this. */
  asks(summary: RegExp): Expectation;
  asksNothing(): Expectation;
  /** It has ended; with `output`, with this. */
  ended(output?: unknown): Expectation;
}

const msPer = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1_000, ms: 1 };

/** The supervisor is there by itself. Everything a machine does beyond its `may` is refused, as in the real store. */
export function testCompany({ machines, ...options }: Omit<SimOptions, 'permissions'>): TestCompany {
  const sim = createSim({ machines: [...machines, supervisorMachine], permissions: true, ...options });
  const started = sim.start(supervisorAddress, supervisorMachine).idle();
  const asked = () => {
    const newest = new Map<string, Intent>();
    for (const intent of sim.recorded.intents) newest.set(intent.id, { ...newest.get(intent.id), ...intent });
    return [...newest.values()].filter(({ state }) => state === 'input-required');
  };
  const answer = async (item: string | undefined, event: { type: string; [field: string]: unknown }) => {
    const open = asked();
    const found = item === undefined ? open.at(-1) : open.find(({ id }) => id === item);
    assert.ok(found, item === undefined ? 'nothing is asked' : `'${item}' is not asked; open: ${open.map(({ id }) => id).join(', ') || 'nothing'}`);
    const owner = sim.addresses().find((address) => sim.record(address)?.asks?.[found.id] !== undefined);
    assert.ok(owner, `nobody waits for '${found.id}'`);
    const { payloadHash = '' } = found.data ?? {};
    return company.when(owner, { ...event, ...(event.type === 'APPROVE' ? { payloadHash } : {}), about: found.id });
  };

  const company: TestCompany = {
    sim,
    async given(address, machine, input = {}) {
      await started;
      await sim.start(address, machine, input).idle();
      const note = sim.notes().at(-1);
      assert.ok(sim.record(address), `${address} did not start: ${note ?? 'nobody said why'}`);
    },
    async when(address, event) {
      await sim.event(address, event, 'operator/test').idle();
    },
    async after(span) {
      await sim.advance(Object.entries(span).reduce((ms, [unit, n]) => ms + msPer[unit as keyof Span] * (n as number), 0));
    },
    approve: (item) => answer(item, { type: 'APPROVE' }),
    reject: (reason, item) => answer(item, { type: 'REJECT', reason }),
    respond: (text, item) => answer(item, { type: 'RESPOND', text }),
    expect(address) {
      const record = sim.record(address);
      assert.ok(record, `there is no ${address}; there are ${sim.addresses().join(', ')}`);
      const failed = record.held?.failed ? `: it failed: ${record.held.reason}` : '';
      const mine = () => asked().filter(({ id }) => record.asks?.[id] !== undefined);
      const expectation: Expectation = {
        is(value) {
          assert.deepEqual(record.snapshot.value, value, `${address} is ${JSON.stringify(record.snapshot.value)}, not ${JSON.stringify(value)}${failed}`);
          return expectation;
        },
        holds(fields) {
          const context = record.snapshot.context as Record<string, unknown>;
          assert.deepEqual(Object.fromEntries(Object.keys(fields).map((key) => [key, context[key]])), fields);
          return expectation;
        },
        asks(summary) {
          assert.ok(mine().some((intent) => summary.test(intent.summary ?? '')), `${address} asks ${mine().map((intent) => `“${intent.summary}”`).join(', ') || 'nothing'}${failed}`);
          return expectation;
        },
        asksNothing() {
          assert.deepEqual(mine().map((intent) => intent.summary), []);
          return expectation;
        },
        ended(...output) {
          assert.equal(record.status, 'done', `${address} is ${record.status}${failed}`);
          if (output.length > 0) assert.deepEqual(record.snapshot.output, output[0]);
          return expectation;
        },
      };
      return expectation;
    },
  };
  return company;
}

/** What was stated about an entity, in order. */
export const factsAbout = (company: TestCompany, entity: string): Fact[] => company.sim.recorded.facts.filter((fact) => fact.entity === entity);

/** Stands for a model: each question is answered by the first line whose `when` is found in it; a question without an answer fails the job. */
export function scriptedModel(script: readonly { when: RegExp; answer: unknown }[]): Activity & { asked: string[] } {
  const asked: string[] = [];
  const run: Activity = ({ input }) => {
    const question = JSON.stringify(input);
    asked.push(question);
    const line = script.find(({ when }) => when.test(question));
    return line ? Promise.resolve(line.answer) : Promise.reject(new Error(`the script has no answer to ${question.slice(0, 200)}`));
  };
  return Object.assign(run, { asked });
}
