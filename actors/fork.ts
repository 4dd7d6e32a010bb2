// A fork: another actor, made of what one was at some revision, to try what would have happened. It is a dry run by construction:
// the only place where effects become a write passes them through `holdBack`, which lets nothing through but the fork's own timers.
import { keyOf, typeOf, address as makeAddress } from '#machines/address.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Message } from '#machines/message.ts';
import { collectEffects, type Effects } from './effects.ts';
import { sha256 } from './hash.ts';
import type { ActorRecord } from './record.ts';
import { readHistory, replay } from './replay.ts';
import type { Registry } from './registry.ts';
import type { StorePort } from './store-port.ts';

export interface Forked { address: string; from: string; at: number }

/** What of a step's effects is done, and for a fork what would have been done, as its history shows it. */
export function holdBack(record: ActorRecord | null, effects: Effects): { effects: Effects; would?: object } {
  if (!record?.dryRun) return { effects };
  const own = record.address;
  const isTimer = ({ to, body }: Message) => to === own && body.kind === 'timer';
  const { sends, facts, intents, artifacts, decisions, annotations } = effects;
  const would = { sends: sends.filter((message) => !isTimer(message)), facts, intents, artifacts, decisions, annotations };
  return {
    effects: { ...collectEffects.none(), sends: sends.filter(isTimer), settles: effects.settles.filter((id) => id.startsWith(`${own}#`)), notices: effects.notices },
    ...(Object.values(would).some((list) => list.length > 0) ? { would } : {}),
  };
}

/** Writes the fork; asked for again under the same id it is the same fork. Throws NOT_FOUND, BAD_ARGUMENT or UNKNOWN_MACHINE. */
export async function forkActor({ store, registry, nowMs, from }: { store: StorePort; registry: Registry; nowMs: number; from: string }, { id, address, at }: { id: string; address: string; at?: number }): Promise<Forked> {
  const stored = await store.load(address);
  if (stored === null) throw new KeelsonError('NOT_FOUND', `there is no actor '${address}'`);
  const { rev: newest } = JSON.parse(stored) as ActorRecord;
  const rev = at ?? newest;
  if (rev > newest) throw new KeelsonError('BAD_ARGUMENT', `${address} has revisions 0 to ${newest}, not ${rev}`);
  const rows = await readHistory((args) => store.query('history', args), address);
  const { record, difference, incomplete } = replay(registry, address, rows, stored, rev);
  if (record?.rev !== rev) throw new KeelsonError('UNKNOWN_MACHINE', `the history of ${address} cannot be replayed up to revision ${rev}: ${difference?.reason ?? incomplete?.reason}`);
  const atMs = rows.find((row) => row.rev === rev)!.at_ms;
  const commit = toFork(record, { id, from, address: forkAddress(address, id), atMs, nowMs });
  const written = await store.commit(commit);
  if (written.outcome === 'invalid') throw new KeelsonError('REFUSED', written.reason);
  if (written.outcome !== 'written' && written.outcome !== 'duplicate') throw new KeelsonError('REFUSED', `the fork of ${address} was not written: ${written.outcome}`);
  return { address: commit.actor, from: address, at: rev };
}

function forkAddress(address: string, id: string): string {
  return makeAddress(typeOf(address), `${keyOf(address)}~fork-${sha256(id).slice(0, 8)}`);
}

/** Generations are its own: one of the original must never be settled by it. What was left of a deadline is left to it too. */
function toFork(original: ActorRecord, { id, from, address, atMs, nowMs }: { id: string; from: string; address: string; atMs: number; nowMs: number }): Commit {
  let n = 0;
  const nextGen = () => `${address}#0.${n++}`;
  const { held: _, ...rest } = original;
  const record: ActorRecord = {
    ...rest, address, rev: 0, dryRun: { of: original.address, rev: original.rev },
    children: Object.fromEntries(Object.entries(original.children).map(([name, child]) => [name, { ...child, gen: nextGen() }])),
    timers: Object.fromEntries(Object.entries(original.timers).map(([name, timer]) => [name, { ...timer, gen: nextGen(), dueMs: nowMs + Math.max(0, timer.dueMs - atMs) }])),
  };
  const sends = Object.entries(record.timers).map(([timer, { gen, dueMs }]): Message => ({ id: gen, to: address, from: address, dueMs, body: { kind: 'timer', timer, gen } }));
  const text = JSON.stringify(record);
  const { machine, status, snapshot: { value } } = record;
  return {
    ...emptyCommit(id, nowMs, address, { from, note: `fork of ${original.address} at revision ${original.rev}: nothing leaves it`, value, status, state: sha256(text), record }),
    step: { rev: 0, machine, status, value: JSON.stringify(value), parent: original.address, record: text },
    sends,
  };
}
