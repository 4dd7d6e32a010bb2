// Carries a stored actor into another version by the function that its machine declares. Pure. What the function does not say
// follows from the states: deadlines of states that are left are withdrawn, those of states that are new begin now.
import { z } from 'zod';
import type { Migration } from '#machines/define.ts';
import { firstIssue, KeelsonError } from '#machines/errors.ts';
import { collectEffects, type Effects } from './effects.ts';
import { endChild } from './give-up.ts';
import { assertPlainJson } from './plain-json.ts';
import type { ActorRecord } from './record.ts';
import type { Definition } from './registry.ts';
import { activeStates, deadlinesOf, hasState } from './structure.ts';

const migratedSchema = z.strictObject({ value: z.union([z.string(), z.record(z.string(), z.unknown())]), context: z.unknown(), stop: z.array(z.string()).default([]) });

/** `taken` carries the new machine and revision already. Throws when the function throws or gives what is no state. */
export function migrate(definition: Definition, taken: ActorRecord, declared: Migration, nowMs: number): { record: ActorRecord; effects: Effects } {
  const { address, rev, snapshot } = taken;
  const running = Object.keys(taken.children).filter((id) => !taken.children[id]!.settled);
  const given = migratedSchema.safeParse(declared(structuredClone({ value: snapshot.value, context: snapshot.context as Record<string, unknown>, children: running })));
  if (!given.success) throw new KeelsonError('UNKNOWN_MACHINE', `its migration gave ${firstIssue(given.error)}`);
  const { value, context, stop } = given.data;
  assertPlainJson(context, 'context');
  const record: ActorRecord = { ...taken, children: { ...taken.children }, timers: { ...taken.timers } };
  const effects = collectEffects.none();
  let n = 0;
  const nextId = () => `${address}#${rev}.${n++}`;

  for (const id of stop) {
    const child = record.children[id];
    if (!child) throw new KeelsonError('UNKNOWN_MACHINE', `its migration stops the child '${id}', which does not run`);
    delete record.children[id];
    endChild(child, { from: address, effects, nextId });
  }

  // What is no state of this machine is refused afterwards, with the reason.
  const due = deadlinesOf(activeStates(definition, value) ?? []);
  for (const [id, { gen, event, to }] of Object.entries(record.timers)) {
    if (to !== null || !event.type.startsWith('xstate.after.') || due.some(({ eventType }) => eventType === event.type)) continue;
    delete record.timers[id];
    effects.settles.push(gen);
  }
  for (const { eventType, delay } of due) {
    if (record.timers[eventType]) continue;
    const gen = nextId();
    const dueMs = nowMs + delayMs(definition, delay, context);
    record.timers[eventType] = { gen, dueMs, event: { type: eventType }, to: null };
    effects.sends.push({ id: gen, to: address, from: address, dueMs, body: { kind: 'timer', timer: eventType, gen } });
  }

  const children = Object.fromEntries(Object.entries(record.children).map(([id, { src }]) => [id, { src, snapshot: { status: 'active' } }]));
  record.snapshot = { ...snapshot, value, context, historyValue: remembered(definition, snapshot['historyValue']), children };
  return { record, effects };
}

/** What history states remember, as far as those states are still there. */
function remembered({ machine }: Definition, historyValue: unknown): Record<string, { id: string }[]> {
  const entries = Object.entries((historyValue ?? {}) as Record<string, { id: string }[]>);
  return Object.fromEntries(entries.filter(([id, states]) => hasState(machine, id) && states.every((state) => hasState(machine, state.id))));
}

function delayMs({ machine }: Definition, delay: unknown, context: unknown): number {
  const named = typeof delay === 'string' ? (machine.implementations.delays as Record<string, unknown>)[delay] : delay;
  const ms: unknown = typeof named === 'function' ? (named as (args: object) => unknown)({ context, event: { type: 'keelson.migrated' } }) : named;
  if (typeof ms !== 'number' || !(ms >= 0) || ms === Infinity) throw new KeelsonError('UNKNOWN_MACHINE', `the delay '${String(delay)}' is ${String(ms)} for the migrated context`);
  return ms;
}
