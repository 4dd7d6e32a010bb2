// Around the pure step: what an actor that is held does with what comes, and how it goes on. Everything that waits is in its
// record, so a crash loses nothing, and what is new never overtakes what is old.
import { typeOf } from '#machines/address.ts';
import { firstIssue, KeelsonError, plainError, type PlainError } from '#machines/errors.ts';
import { orderSchema, orderType, supervisorAddress, supervisionSchema, waitingMax, type Held, type Order, type Waiting } from '#machines/hold.ts';
import { messageType, type Body, type Message } from '#machines/message.ts';
import type { Intent } from '#machines/records.ts';
import { collectEffects, type Effects } from './effects.ts';
import type { ActorRecord } from './record.ts';
import type { Definition } from './registry.ts';
import type { How, Step } from './step.ts';

type Apply = (definition: Definition, previous: ActorRecord | null, message: Message<Body>, nowMs: number, how?: How) => Step;

const waitingBytesMax = 4_000_000;
const supervisorOrders: readonly Order['do'][] = ['retry', 'skip', 'replace', 'restart', 'restart-children', 'stop'];

const unchanged = (record: ActorRecord | null, outcome: 'ignored' | 'refused', note: string): Step => ({ outcome, note, record, effects: collectEffects.none(), taken: [] });
const changed = (record: ActorRecord, note: string | null, effects = collectEffects.none()): Step => ({ outcome: 'applied', note, record, effects, taken: [] });
const sending = (effects: Effects, message: Message<Body>): Effects => ({ ...effects, sends: [...effects.sends, message] });

/** The step, for actors that may be held. */
export function withHold(apply: Apply, definition: Definition, previous: ActorRecord | null, message: Message<Body>, nowMs: number): Step {
  const { body } = message;
  const alive = previous?.status === 'active' ? previous : null;
  if (alive && body.kind === 'event' && body.event.type === orderType) {
    const order = orderSchema.safeParse(body.event);
    if (!order.success) return unchanged(alive, 'refused', `order: ${firstIssue(order.error)}`);
    return mayOrder(alive, message.from, order.data) ? obey(apply, definition, alive, message, order.data, nowMs) : unchanged(alive, 'refused', `${message.from} may not order '${order.data.do}'`);
  }
  if (!alive?.held) return apply(definition, previous, message, nowMs);
  if (body.kind === 'stop') return apply(definition, free(alive), message, nowMs);
  return body.kind === 'next' ? takeNext(apply, definition, alive, message, nowMs) : keep(alive, message);
}

/** Without a parent, or with a strategy of its own, nobody else would look after it. */
export function isHeldOnFailure({ protocol }: Definition, { parent }: ActorRecord): boolean {
  return parent === null || protocol.supervise !== undefined;
}

/** It stays as it was before this message, and the supervisor hears why. */
export function holdFailed(definition: Definition, previous: ActorRecord | null, record: ActorRecord, { id, from, body }: Message<Body>, error: PlainError, nowMs: number): Step {
  const { rev } = record;
  const held: Held = { by: 'failure', reason: error.message, rev, sinceMs: nowMs, failed: { id, from, body, error }, waiting: [] };
  const supervision = supervisionSchema.safeParse(definition.protocol.supervise).data ?? null;
  const report = { type: 'FAILED', machine: record.machine, rev, atMs: nowMs, what: messageType(body), error, supervision, parent: record.parent };
  const note = `failed: ${error.message}`;
  // Nobody is above the supervisor but the operator.
  if (record.address === supervisorAddress) return changed({ ...(previous ?? record), rev, held }, note, { ...collectEffects.none(), intents: [askAbout(record, error)] });
  return changed({ ...(previous ?? record), rev, held }, note, sending(collectEffects.none(), tellSupervisor(record, report)));
}

function askAbout({ address, rev }: ActorRecord, { message }: PlainError): Intent {
  return { id: `failed-${address.replace('/', '-')}-${rev}`, kind: 'escalation', state: 'input-required', summary: `${address} has failed and stands still: ${message}`, data: { reasons: [message], payload: { actor: address }, answers: `keelson retry ${address}, or keelson skip ${address}; then approve = seen` } };
}

const tellSupervisor = ({ address, rev }: ActorRecord, event: { type: string }): Message<Body> => ({ id: `${address}#${rev}.report`, to: supervisorAddress, from: address, body: { kind: 'event', event } });

function mayOrder({ parent }: ActorRecord, from: string, order: Order): boolean {
  if (typeOf(from) === 'operator') return true;
  if (from === supervisorAddress) return supervisorOrders.includes(order.do);
  return order.do === 'restart' && from === parent?.address;
}

function free({ held: _, ...record }: ActorRecord): ActorRecord {
  return record;
}

/** As it is, one revision later. */
const nextRev = (record: ActorRecord): ActorRecord => ({ ...record, rev: record.rev + 1, children: { ...record.children }, timers: { ...record.timers } });

/** It waits its turn inside the record. Throws REFUSED when too much waits there. */
export function keep(record: ActorRecord, { id, from, body }: Message<Body>): Step {
  const held = record.held!;
  const waiting = [...held.waiting, { id, from, body }];
  if (waiting.length > waitingMax || JSON.stringify(waiting).length > waitingBytesMax) throw new KeelsonError('REFUSED', `${record.address} is held (${held.reason || held.by}) and no more can wait for it`);
  return changed({ ...nextRev(record), held: { ...held, waiting } }, `kept: ${record.address} is held`);
}

/** Goes on: at once when nothing waits, else with the oldest of what does. */
export function release(record: ActorRecord, waiting: Waiting[], held: Held, effects = collectEffects.none()): Step {
  const { address, rev } = record;
  if (waiting.length === 0) return changed(free(record), null, effects);
  const next: Message<Body> = { id: `${address}#${rev}.next`, to: address, from: address, body: { kind: 'next' } };
  return changed({ ...free(record), held: { ...held, by: 'release', rev, failed: null, waiting } }, null, sending(effects, next));
}

function takeNext(apply: Apply, definition: Definition, record: ActorRecord, message: Message<Body>, nowMs: number): Step {
  const held = record.held!;
  const [first, ...rest] = held.waiting;
  if (held.by !== 'release' || !first || message.id !== `${record.address}#${held.rev}.next`) return unchanged(record, 'ignored', 'stale turn');
  const came: Message<Body> = { id: message.id, to: record.address, from: first.from, body: first.body };
  const before = free(record);
  let step: Step;
  try {
    step = apply(definition, before, came, nowMs, { fresh: first.body.kind === 'start' });
  } catch (error) {
    step = holdFailed(definition, before, nextRev(before), came, plainError(error), nowMs);
  }
  if (step.outcome !== 'applied') return { ...release(nextRev(before), rest, held), note: `${step.outcome}: ${step.note}` };
  if (step.record!.status !== 'active') return step;
  // It failed again: what is behind waits with it.
  if (step.record!.held) return { ...step, record: { ...step.record!, held: { ...step.record!.held, waiting: rest } } };
  return { ...release(step.record!, rest, held, step.effects), note: step.note, taken: step.taken };
}

function obey(apply: Apply, definition: Definition, previous: ActorRecord, message: Message<Body>, order: Order, nowMs: number): Step {
  const { held } = previous;
  const record = nextRev(previous);
  if ('rev' in order && order.rev !== undefined && held?.rev !== order.rev) return unchanged(previous, 'ignored', `stale order: it is not held since revision ${order.rev}`);
  const notFailed = () => unchanged(previous, 'ignored', 'it has not failed');
  const failed = held?.by === 'failure' ? held.failed : null;
  /** Whoever watches it hears that it goes on. */
  const told = (step: Step): Step => (failed && step.outcome === 'applied' ? { ...step, note: step.note ?? order.do, effects: sending(step.effects, tellSupervisor(step.record!, { type: 'RELEASED', rev: held!.rev, how: order.do, by: message.from } as never)) } : step);

  switch (order.do) {
    case 'pause':
      if (held && held.by !== 'release') return unchanged(previous, 'ignored', held.by === 'operator' ? 'it is paused already' : 'it has failed and stands still');
      return changed({ ...record, held: { by: 'operator', reason: order.reason, rev: record.rev, sinceMs: nowMs, failed: null, waiting: held?.waiting ?? [] } }, 'paused');
    case 'resume':
      return held?.by === 'operator' ? { ...release(record, held.waiting, held), note: 'resumed' } : unchanged(previous, 'ignored', held ? 'it is not paused; it has failed: retry, skip, replace or stop' : 'it is not paused');
    case 'retry': {
      if (!failed) return notFailed();
      const again = failed.body.kind === 'error' ? collectEffects.startAgain(definition, record, failed.body.child) : null;
      return told(again ? release(record, held!.waiting, held!, again) : release(record, [failed, ...held!.waiting], held!));
    }
    case 'skip': {
      if (!failed) return notFailed();
      if (failed.body.kind === 'start') return unchanged(previous, 'ignored', 'it never started; retry, replace or stop');
      return told(release(without(record, failed.body), held!.waiting, held!));
    }
    case 'replace': {
      if (!failed) return notFailed();
      const instead = replaced(record, failed, order.with, message.from);
      if (instead === null) return unchanged(previous, 'refused', 'an event must be {"type": …, …}');
      return told(release(failed.body.kind === 'timer' ? without(record, failed.body) : record, [instead, ...held!.waiting], held!));
    }
    case 'restart': {
      if (previous.input === undefined) return unchanged(previous, 'ignored', `'${definition.id}' keeps no input to start from; its protocol must say supervise.how = 'fresh'`);
      const start: Body = { kind: 'start', machine: previous.machine, input: previous.input, ...(previous.parent ? { parent: previous.parent } : {}) };
      return told(apply(definition, free(previous), { ...message, from: previous.parent?.address ?? message.from, body: start }, nowMs, { fresh: true }));
    }
    case 'restart-children': {
      const live = Object.values(record.children).filter((child) => child.kind === 'machine' && !child.settled);
      const sends = live.map(({ address }, i): Message<Body> => ({ id: `${record.address}#${record.rev}.${i}`, to: address, from: record.address, body: { kind: 'event', event: { type: orderType, do: 'restart' } } }));
      return sends.length === 0 ? unchanged(previous, 'ignored', 'it has no children that are machines') : changed(record, 'restart-children', { ...collectEffects.none(), sends });
    }
    case 'stop':
      return told(apply(definition, free(previous), message, nowMs, { stop: order.reason || `stopped by ${message.from}` }));
  }
}

/** The record after this message was dropped: its timer or its child's result is not waited for any more. */
function without(record: ActorRecord, body: Body): ActorRecord {
  if (body.kind === 'timer') delete record.timers[body.timer];
  const child = body.kind === 'done' || body.kind === 'error' ? record.children[body.child] : undefined;
  if (child && 'child' in body) record.children[body.child] = { ...child, settled: true };
  return record;
}

function replaced(record: ActorRecord, { id, body, from }: Waiting, instead: unknown, by: string): Waiting | null {
  if (body.kind === 'start') return { id, from, body: { ...body, input: instead } };
  if (body.kind === 'done' || body.kind === 'error') return { id, from: record.children[body.child]?.address ?? from, body: { kind: 'done', child: body.child, gen: body.gen, output: instead } };
  const type = (instead as { type?: unknown } | null)?.type;
  return typeof type === 'string' ? { id, from: by, body: { kind: 'event', event: { ...(instead as object), type } } } : null;
}
