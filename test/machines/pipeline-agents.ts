// Agents for the tests of pipelines: activities whose answers a test scripts, and one that is a machine.
import { setup } from 'xstate';
import { z } from 'zod';
import type { Activity } from '#actors/worker.ts';
import { activity, protocol, records } from '#machines/define.ts';
import { KeelsonError } from '#machines/errors.ts';
import { createSim, type SimOptions } from '#test/kit/sim.ts';

const once = { attempts: 1, firstMs: 1, maxMs: 1 };
const text = z.object({ text: z.string() });
const make = <O extends z.ZodType>(name: string, output: O) => activity({ name, input: text, output, timeoutMs: 60_000, retry: once });

export const noteSchema = z.object({ text: z.string(), confidence: z.number(), costMicros: z.number().int().nullable() });
/** Says anything: the stage's own schema decides. */
export const writer = make('test.write', z.json());
export const plain = make('test.plain', z.string());
export const cheap = make('test.cheap', z.json());
export const sure = make('test.sure', z.object({ text: z.string(), confidence: z.number() }));
export const paid = make('test.paid', noteSchema);
export const checker = make('test.check', z.object({ ok: z.boolean(), remark: z.string() }));
export const sender = activity({ name: 'test.send', input: text, output: text, timeoutMs: 60_000, retry: once, once: true });

const echo = protocol({ input: text, context: text, events: {}, output: text });
/** A machine that ends at once. */
export const echoMachine = setup({ types: echo.types, schemas: echo.schemas, actions: records }).createMachine({
  id: 'echo', version: '1', context: ({ input }) => input, initial: 'said', states: { said: { type: 'final' } }, output: ({ context }) => ({ text: context.text.toUpperCase() }),
});

export type Answers = Record<string, (input: { text: string }, nth: number) => unknown>;

/** Activities by script. `nth` counts the calls with the same input, so that a repeated job gets the same answer. */
export function scripted(answers: Answers): Record<string, Activity> {
  return Object.fromEntries(Object.entries(answers).map(([name, answer]) => {
    const seen = new Map<string, string[]>();
    return [name, async ({ input, operationId }) => {
      const { text: asked } = input as { text: string };
      const before = seen.get(asked) ?? [];
      const calls = before.includes(operationId) ? before : [...before, operationId];
      seen.set(asked, calls);
      const said = answer(input, calls.indexOf(operationId) + 1);
      if (said instanceof Error) throw said;
      return said;
    }];
  }));
}

export const failing = (why: string) => new KeelsonError('REFUSED', why);

interface Item { id: string; kind: string; state: string; summary: string; data: { payload: unknown; reasons: string[]; answers: string; risk: string } }

/** A simulator with the questions of a run beside it. */
export function createRun({ machines, activities = {}, ...options }: Omit<SimOptions, 'activities'> & { activities?: Answers }, address: string, input: unknown) {
  const sim = createSim({ machines, activities: scripted(activities), permissions: true, ...options });
  const items = () => {
    const all = new Map<string, Item>();
    for (const intent of sim.recorded.intents) all.set(intent.id, { ...all.get(intent.id), ...JSON.parse(JSON.stringify(intent)) } as Item);
    return [...all.values()];
  };
  const open = () => items().filter(({ state }) => state === 'input-required');
  const say = (item: string, event: { type: string; [field: string]: unknown }, to = address) => sim.event(to, { about: item, ...event }, 'operator/desk').idle();
  const only = () => {
    const [first, ...more] = open();
    if (!first || more.length > 0) throw new Error(`${more.length + (first ? 1 : 0)} questions are open`);
    return first;
  };
  return {
    sim, items, open, only,
    begin: () => sim.start(address, machines[0]!, input).idle(),
    value: () => sim.value(address),
    output: () => sim.record(address)!.snapshot.output as { outcome: string; reason: string; result: unknown; costMicros: number | null },
    decisions: (what: string) => sim.recorded.decisions.filter((decision) => decision.what === what).map(({ outcome, reasons }) => `${outcome}: ${reasons.join('; ')}`),
    approve: (id = only().id, to?: string) => say(id, { type: 'APPROVE', payloadHash: id }, to),
    reject: (reason: string, id = only().id, to?: string) => say(id, { type: 'REJECT', reason }, to),
    respond: (value: unknown, id = only().id, to?: string) => say(id, { type: 'RESPOND', text: JSON.stringify(value) }, to),
  };
}
