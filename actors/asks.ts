// What an actor has asked the operator and not taken back: an actor that is ended from outside, or fails, takes its open questions
// with it, so that nobody is asked for something that nobody waits for.
import type { Effects } from './effects.ts';
import type { ActorRecord } from './record.ts';

/** Brings `record.asks` up to date with what this step records, and cancels what is open when the actor is no more. */
export function keepAsks(record: ActorRecord, effects: Effects): void {
  const asks = { ...record.asks };
  for (const { id, kind, state } of effects.intents) {
    if (state === 'input-required') asks[id] = kind;
    else delete asks[id];
  }
  if (record.status === 'stopped' || record.status === 'error') {
    for (const [id, kind] of Object.entries(asks)) {
      effects.intents.push({ id, kind, state: 'canceled' });
      delete asks[id];
    }
  }
  delete record.asks;
  if (Object.keys(asks).length > 0) record.asks = asks;
}
