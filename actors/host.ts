// Runs machines durably: deliver → load → step → commit → acknowledge, with no other I/O in between. Everything a step asks for
// is in its commit; whatever happens to this process, the message is applied once. Failure branches:
//   unreadable ─▶ parked with its bytes      start of an unknown machine, broken rule ─▶ parked + escalation, the host lives on
//   the actor's machine is another one now ─▶ taken over in a step of its own, or quarantined: kept in order until a build fits
//   already applied ─▶ acknowledged          version conflict ─▶ cache dropped, computed again, never acknowledged stale
//   store away ─▶ held and tried again       delivered too often (it kills the process) ─▶ parked
import { isAddress, typeOf } from '#machines/address.ts';
import type { Applied, Commit, Committed } from '#machines/commit.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import type { Body, Message } from '#machines/message.ts';
import type { Bus, Delivery, Ownership, Subscription } from './bus.ts';
import { createCache } from './cache.ts';
import type { Clock } from './clock.ts';
import { collectEffects } from './effects.ts';
import { handingOver } from './hand-over.ts';
import type { Log } from './log.ts';
import { parkCommit } from './park.ts';
import { commitPatiently, isTransient } from './patience.ts';
import { readMessage } from './read-message.ts';
import type { ActorRecord } from './record.ts';
import type { Registry } from './registry.ts';
import { step, type Step } from './step.ts';
import { toCommit } from './step-commit.ts';
import type { StorePort } from './store-port.ts';
import { escalationOf, meet, meetUnfit } from './versions.ts';
import { wakeQuarantined } from './wake.ts';

export interface HostOptions {
  bus: Bus; store: StorePort; registry: Registry; clock: Clock; log: Log;
  /** The mailboxes that are read here; without it all of them. */
  owned?: Ownership;
}

/** `first`: the message itself comes after it. */
interface Taken { step: Step; commit: Commit; first?: true }

/** Senders that are no actors and yet have promised messages in the outbox. */
const innerTypes = new Set(['job', 'connector', 'store', 'host']);
const deliveriesMax = 5;
const cachedActorsMax = 5_000;
const retryMs = 500;

/** Starts hosting the mailboxes of the company. */
export async function startHost({ bus, store: given, registry, clock, log, owned }: HostOptions): Promise<Subscription> {
  const store = handingOver(given, bus);
  const records = createCache<string>(cachedActorsMax);
  const ownTypes = new Set(registry.list().map((definition) => definition.id));
  const isOurs = (from: string) => isAddress(from) && (ownTypes.has(typeOf(from)) || innerTypes.has(typeOf(from)));
  /** Also of an actor whose machine this build does not have: it makes ids of its own address. */
  const mayBePromised = ({ id, from }: { id: string; from: string }) => isOurs(from) || id.startsWith(`${from}#`);
  /** Our own parts do not wait for each other's steps; everyone else may. */
  const answer = (to: string, applied: Applied) => {
    if (isAddress(to) && !isOurs(to)) bus.answer(to, applied);
  };

  const deliver = async (delivery: Delivery): Promise<void> => {
    let message: Message<Body>;
    try {
      message = readMessage(delivery);
      // Ids of the host's own making can be guessed; from others they would silence the real message.
      if (message.id.includes('#') && !mayBePromised(message)) throw new KeelsonError('BAD_MESSAGE', `the id '${message.id}' is of a kind that only actors make`);
    } catch (error) {
      return park(delivery, plainError(error).message);
    }
    if (delivery.deliveries > deliveriesMax) return park(delivery, `delivered ${delivery.deliveries} times and never applied`);
    // A start is for somebody new: the store says `conflict` in the rare case that there is somebody already.
    let mayExist = message.body.kind !== 'start';
    for (;;) {
      let taken: Taken;
      try {
        taken = await take(message, mayExist);
      } catch (error) {
        if (!isTransient(error)) {
          if (records.get(message.to) === undefined) return park(delivery, plainError(error).message);
          // What is cached may be older than what is stored; only that counts.
          records.delete(message.to);
          mayExist = true;
          continue;
        }
        log.warn(plainError(error), 'waiting for the store');
        await clock.sleep(retryMs);
        delivery.working();
        continue;
      }
      const written = await write(delivery, taken.commit);
      if (written.outcome === 'conflict' || (taken.first && written.outcome === 'duplicate')) {
        records.delete(message.to);
        mayExist = true;
        continue;
      }
      if (written.outcome === 'invalid') return park(delivery, written.reason);
      if (written.outcome === 'closed') records.delete(message.to);
      if (written.outcome === 'written' && taken.commit.step) records.set(message.to, taken.commit.step.record);
      if (written.outcome === 'written' && taken.step.effects.withdrawn.length > 0) bus.withdraw(taken.step.effects.withdrawn);
      if (taken.first && written.outcome === 'written') continue;
      answer(message.from, toApplied(message.id, taken.step, written));
      return;
    }
  };

  const take = async (message: Message<Body>, mayExist: boolean): Promise<Taken> => {
    const stored = records.get(message.to) ?? (mayExist ? await store.load(message.to) : null);
    const previous = stored === null ? null : (JSON.parse(stored) as ActorRecord);
    const nowMs = clock.now();
    const basis = previous?.rev ?? -1;
    if (previous?.status === 'active') {
      const met = meet(registry, previous, nowMs);
      if ('unfit' in met) {
        const kept = meetUnfit(previous, message, met.unfit, nowMs);
        return { step: kept, commit: toCommit(message, kept, { basis, nowMs, version: { unfit: met.unfit } }) };
      }
      if (met.first) return takeOverFirst(previous, met.first, nowMs);
      const taken = step(met.definition, previous, message, nowMs);
      return { step: taken, commit: toCommit(message, taken, { basis, nowMs }) };
    }
    const key = previous?.machine ?? (message.body.kind === 'start' ? message.body.machine : null);
    const definition = key === null ? undefined : registry.get(key);
    if (!definition && key !== null && !previous) throw new KeelsonError('UNKNOWN_MACHINE', `this build has no machine '${key}' for ${message.to}`);
    if (definition && definition.id !== typeOf(message.to)) throw new KeelsonError('BAD_MESSAGE', `${message.to} cannot be a '${definition.id}'`);
    const taken = definition ? step(definition, previous, message, nowMs) : nobodyToHear(previous);
    return { step: taken, commit: toCommit(message, taken, { basis, nowMs }) };
  };

  /** A step of its own: a crash after it changes nothing, the message comes again. */
  const takeOverFirst = async (previous: ActorRecord, taken: Step, nowMs: number): Promise<Taken> => {
    const { machine, structure, rev, held, address } = previous;
    const record = taken.record!;
    const asked = held?.by === 'version' ? ((await store.query('intent', { id: escalationOf(previous) })) as { id: string; state: string } | null) : null;
    const intents = asked?.state === 'input-required' ? [{ id: asked.id, kind: 'escalation' as const, state: 'completed' as const }] : [];
    const first = { ...taken, effects: { ...taken.effects, intents } };
    const version = { from: { machine, structure }, to: { machine: record.machine, structure: record.structure } };
    const came = { id: `${address}#${record.rev}.version`, to: address, from: 'host/versions' };
    return { step: first, commit: toCommit(came, first, { basis: rev, nowMs, version, checkpoint: true }), first: true };
  };

  /** Commits; waits as long as the store cannot write. The message stays ours meanwhile. */
  const write = (delivery: Delivery, commit: Commit): Promise<Committed> => commitPatiently({ store, clock, log }, commit, () => {
    records.delete(commit.actor);
    delivery.working();
  });

  const park = async (delivery: Delivery, reason: string) => {
    const { id, from, subject } = delivery;
    log.warn({ id, subject, reason }, 'message parked');
    let after: number | null = null;
    for (;;) {
      const written = await write(delivery, parkCommit(delivery, reason, { nowMs: clock.now(), promised: mayBePromised(delivery), after }));
      // Parked before, and handed in again from there: then it is parked once more. Else the bus repeats itself.
      if (written.outcome !== 'duplicate' || (await store.query('stillParked', { seq: written.seq }))) break;
      after = written.seq;
    }
    answer(from, { id, outcome: 'parked', note: reason, rev: null, value: null, status: null });
  };

  const subscription = await bus.consumeMail(deliver, owned);
  await wakeQuarantined({ store, registry, clock, log });
  return subscription;
}

function nobodyToHear(previous: ActorRecord | null): Step {
  return { outcome: 'ignored', note: previous ? `the actor is ${previous.status}` : 'no such actor', record: previous, effects: collectEffects.none(), taken: [] };
}

function toApplied(id: string, { outcome, note, record }: Step, answer: Committed): Applied {
  if (answer.outcome === 'mismatch') return { id, outcome: 'refused', note: 'this id was used before for another message; nothing was changed', rev: null, value: null, status: null };
  if (answer.outcome === 'closed') return { id, outcome: 'ignored', note: 'this actor was erased', rev: null, value: null, status: null };
  if (answer.outcome === 'duplicate') return { id, outcome: answer.first, note: answer.note, rev: answer.rev, value: null, status: null };
  return { id, outcome, note, rev: record?.rev ?? null, value: record?.snapshot.value ?? null, status: record?.status ?? null };
}
