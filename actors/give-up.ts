// Ends an actor without its machine: what it started is stopped, what it promised is taken back, and its parent hears an error.
import type { ActorRecord, ChildRecord } from './record.ts';
import { keepAsks } from './asks.ts';
import { collectEffects, type Effects } from './effects.ts';
import type { Step } from './step.ts';

export function giveUp(previous: ActorRecord, reason: string): Step {
  const { held: _, ...rest } = previous;
  const error = { code: 'STOPPED', message: reason };
  const record: ActorRecord = { ...rest, rev: previous.rev + 1, status: 'error', snapshot: { ...previous.snapshot, children: {}, status: 'error', error }, children: {}, timers: {} };
  const { address, rev, parent } = record;
  const effects = collectEffects.none();
  let n = 0;
  const nextId = () => `${address}#${rev}.${n++}`;
  for (const { gen } of Object.values(previous.timers)) effects.settles.push(gen);
  for (const child of Object.values(previous.children)) endChild(child, { from: address, effects, nextId });
  if (parent) effects.sends.push({ id: nextId(), to: parent.address, from: address, body: { kind: 'error', child: parent.child, gen: parent.gen, error } });
  keepAsks(record, effects);
  return { outcome: 'applied', note: reason, record, effects, taken: [] };
}

/** A job is withdrawn, a machine is told to stop. */
export function endChild({ kind, address, gen, settled }: ChildRecord, { from, effects, nextId }: { from: string; effects: Effects; nextId: () => string }): void {
  if (settled) return;
  if (kind === 'machine') effects.sends.push({ id: nextId(), to: address, from, body: { kind: 'stop', gen } });
  else {
    effects.settles.push(gen);
    effects.withdrawn.push(gen);
  }
}
