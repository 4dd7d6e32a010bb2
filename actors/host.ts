// Runs machines durably: deliver → load → step → commit → acknowledge, with no other I/O in between. Everything a step asks for
// is in its commit; whatever happens to this process, the message is applied once. Failure branches:
//   unreadable ─▶ parked with its bytes      unknown machine or broken rule ─▶ parked + escalation, the host lives on
//   already applied ─▶ acknowledged          version conflict ─▶ cache dropped, computed again, never acknowledged stale
//   store away ─▶ held and tried again       delivered too often (it kills the process) ─▶ parked
import { isAddress, typeOf } from '#machines/address.ts';
import { emptyCommit, type Applied, type Commit, type Committed } from '#machines/commit.ts';
import { firstIssue, KeelsonError, plainError } from '#machines/errors.ts';
import { bodySchema, limits, type Body, type Message } from '#machines/message.ts';
import type { Bus, Delivery, Subscription } from './bus.ts';
import { createCache } from './cache.ts';
import type { Clock } from './clock.ts';
import { collectEffects } from './effects.ts';
import { sha256 } from './hash.ts';
import type { Log } from './log.ts';
import { parkCommit } from './park.ts';
import { commitPatiently, isTransient } from './patience.ts';
import type { ActorRecord } from './record.ts';
import type { Registry } from './registry.ts';
import { step, type Step } from './step.ts';
import type { StorePort } from './store-port.ts';

export interface HostOptions { bus: Bus; store: StorePort; registry: Registry; clock: Clock; log: Log }

/** Senders that are no actors and yet have promised messages in the outbox. */
const innerTypes = new Set(['job', 'connector', 'store']);
const deliveriesMax = 10;
const cachedActorsMax = 5_000;
const retryMs = 500;

/** Starts hosting every mailbox of the company. */
export async function startHost({ bus, store, registry, clock, log }: HostOptions): Promise<Subscription> {
  const records = createCache<string>(cachedActorsMax);
  const ownTypes = new Set(registry.list().map((definition) => definition.id));
  const isOurs = (from: string) => isAddress(from) && (ownTypes.has(typeOf(from)) || innerTypes.has(typeOf(from)));
  /** Our own parts do not wait for each other's steps; everyone else may. */
  const answer = (to: string, applied: Applied) => {
    if (isAddress(to) && !isOurs(to)) bus.answer(to, applied);
  };

  const deliver = async (delivery: Delivery): Promise<void> => {
    let message: Message<Body>;
    try {
      message = readMessage(delivery);
      // Ids of the host's own making can be guessed; from others they would silence the real message.
      if (message.id.includes('#') && !isOurs(message.from)) throw new KeelsonError('BAD_MESSAGE', `the id '${message.id}' is of a kind that only actors make`);
    } catch (error) {
      return park(delivery, plainError(error).message);
    }
    if (delivery.deliveries > deliveriesMax) return park(delivery, `delivered ${delivery.deliveries} times and never applied`);
    // A start is for somebody new: the store says `conflict` in the rare case that there is somebody already.
    let mayExist = message.body.kind !== 'start';
    for (;;) {
      let taken: { step: Step; commit: Commit };
      try {
        taken = await take(message, mayExist);
      } catch (error) {
        if (!isTransient(error)) return park(delivery, plainError(error).message);
        log.warn(plainError(error), 'waiting for the store');
        await clock.sleep(retryMs);
        delivery.working();
        continue;
      }
      const written = await write(delivery, taken.commit);
      if (written.outcome === 'conflict') {
        records.delete(message.to);
        mayExist = true;
        continue;
      }
      if (written.outcome === 'invalid') return park(delivery, written.reason);
      if (written.outcome === 'closed') records.delete(message.to);
      if (written.outcome === 'written' && taken.commit.step) records.set(message.to, taken.commit.step.record);
      answer(message.from, toApplied(message.id, taken.step, written));
      return;
    }
  };

  const take = async (message: Message<Body>, mayExist: boolean) => {
    const stored = records.get(message.to) ?? (mayExist ? await store.load(message.to) : null);
    const previous = stored === null ? null : (JSON.parse(stored) as ActorRecord);
    const key = previous?.machine ?? (message.body.kind === 'start' ? message.body.machine : null);
    const definition = key === null ? undefined : registry.get(key);
    if (!definition && key !== null) throw new KeelsonError('UNKNOWN_MACHINE', `this build has no machine '${key}' for ${message.to}`);
    if (definition && definition.id !== typeOf(message.to)) throw new KeelsonError('BAD_MESSAGE', `${message.to} cannot be a '${definition.id}'`);
    const nowMs = clock.now();
    const taken = definition ? step(definition, previous, message, nowMs) : noSuchActor();
    return { step: taken, commit: toCommit(message, taken, nowMs) };
  };

  /** Commits; waits as long as the store cannot write. The message stays ours meanwhile. */
  const write = (delivery: Delivery, commit: Commit): Promise<Committed> => commitPatiently({ store, clock, log }, commit, () => {
    records.delete(commit.actor);
    delivery.working();
  });

  const park = async (delivery: Delivery, reason: string) => {
    const { id, from, subject } = delivery;
    log.warn({ id, subject, reason }, 'message parked');
    await write(delivery, parkCommit(delivery, reason, { nowMs: clock.now(), promised: isOurs(from) }));
    answer(from, { id, outcome: 'parked', note: reason, rev: null, value: null, status: null });
  };

  return bus.consumeMail(deliver);
}

function readMessage(delivery: Delivery): Message<Body> {
  const { id, to, from, cause, bytes } = delivery;
  if (!isAddress(to) || !isAddress(from)) throw new KeelsonError('BAD_MESSAGE', `the subject ${delivery.subject} names no receiver and sender`);
  if (bytes.length > limits.bodyBytes) throw new KeelsonError('BAD_MESSAGE', `${bytes.length} bytes are more than ${limits.bodyBytes}`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause_) {
    throw new KeelsonError('BAD_MESSAGE', `the body is not JSON: ${plainError(cause_).message}`);
  }
  const body = bodySchema.safeParse(json);
  if (!body.success) throw new KeelsonError('BAD_MESSAGE', `the body is no message: ${firstIssue(body.error)}`);
  return { id, to, from, ...(cause ? { cause } : {}), body: body.data };
}

function noSuchActor(): Step {
  return { outcome: 'ignored', note: 'no such actor', record: null, effects: collectEffects.none(), taken: [] };
}

/** The transition record holds what replay needs (the message and the time) and what a reader wants (transitions, value, sends). */
function toCommit(message: Message<Body>, { outcome, note, record, effects, taken }: Step, nowMs: number): Commit {
  const { sends, settles, facts, intents, artifacts, decisions, annotations } = effects;
  const applied = outcome === 'applied' && record !== null;
  const stored = applied ? JSON.stringify(record) : '';
  const escalation = applied && record.status === 'error' && !record.parent ? [failure(record, note)] : [];
  const allIntents = [...intents, ...escalation];
  const journal = {
    from: message.from, cause: message.cause, message: message.body, note,
    ...(applied ? { value: record.snapshot.value, status: record.status, taken, state: sha256(stored), sends: sends.map(({ id, to, dueMs }) => ({ id, to, dueMs })), facts, intents: allIntents, decisions, annotations, artifacts: artifacts.map(({ id, hash }) => ({ id, hash })) } : {}),
  };
  return {
    ...emptyCommit(message.id, nowMs, message.to, journal),
    outcome,
    ...(applied ? { step: { rev: record.rev, machine: record.machine, status: record.status, value: JSON.stringify(record.snapshot.value), parent: record.parent?.address ?? null, record: stored } } : {}),
    sends, settles, facts, intents: allIntents, artifacts, decisions, annotations,
    blobs: artifacts.map(({ hash, text }) => ({ hash, bytes: text! })),
  };
}

/** An actor that fails and has nobody above it becomes the operator's business. */
function failure(record: ActorRecord, note: string | null): Commit['intents'][number] {
  return { id: `failed-${sha256(record.address).slice(0, 12)}`, kind: 'escalation', state: 'input-required', summary: `${record.address} has failed: ${note ?? 'no reason given'}`, data: { reasons: [note ?? ''], payload: { actor: record.address } } };
}

function toApplied(id: string, { outcome, note, record }: Step, answer: Committed): Applied {
  if (answer.outcome === 'mismatch') return { id, outcome: 'refused', note: 'this id was used before for another message; nothing was changed', rev: null, value: null, status: null };
  if (answer.outcome === 'closed') return { id, outcome: 'ignored', note: 'this actor was erased', rev: null, value: null, status: null };
  if (answer.outcome === 'duplicate') return { id, outcome: answer.first, note: answer.note, rev: answer.rev, value: null, status: null };
  return { id, outcome, note, rev: record?.rev ?? null, value: record?.snapshot.value ?? null, status: record?.status ?? null };
}
