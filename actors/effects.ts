// XState's actions, as data, become durable operations: messages to send, deadlines, jobs, and records for the store.
import type { AnyActorRef, AnyMachineSnapshot, EventObject } from 'xstate';
import { childAddress, address as makeAddress, isAddress } from '#machines/address.ts';
import { firstIssue, plainError } from '#machines/errors.ts';
import type { Body, Job, Message } from '#machines/message.ts';
import { recordSchemas, type Annotation, type Artifact, type Decision, type Fact, type Intent, type RecordType } from '#machines/records.ts';
import { sha256 } from './hash.ts';
import { assertPlainJson } from './plain-json.ts';
import type { ActorRecord } from './record.ts';
import type { Definition } from './registry.ts';
import { addressTag, type Scope } from './scope.ts';

export interface Effects {
  sends: Message[];
  /** Ids of messages that must not be delivered any more: timers and jobs of a state that was left. */
  settles: string[];
  facts: Fact[];
  intents: Intent[];
  artifacts: Artifact[];
  decisions: Decision[];
  annotations: Annotation[];
  /** `emit` and `log`: for whoever watches; not kept. */
  notices: { type: string; value: unknown }[];
}

interface Input { definition: Definition; record: ActorRecord; scope: Scope; before: AnyMachineSnapshot | undefined; next: AnyMachineSnapshot; nowMs: number }

const none = (): Effects => ({ sends: [], settles: [], facts: [], intents: [], artifacts: [], decisions: [], annotations: [], notices: [] });

/** The address of a job's queue: `mail.send` is served at `job/mail-send`. */
export const jobAddress = (activity: string) => makeAddress('job', activity.replaceAll('.', '-'));

export const collectEffects = Object.assign(collect, {
  none,
  /** Tells the parent why its child could not start. */
  stillborn({ address, parent }: ActorRecord, startId: string, note: string): Effects {
    if (!parent) return none();
    return { ...none(), sends: [{ id: `${startId}!refused`, to: parent.address, from: address, body: { kind: 'error', child: parent.child, gen: parent.gen, error: { code: 'BAD_MESSAGE', message: note } } }] };
  },
  /** A delayed send to another actor came back to its sender when due; now it goes out. */
  forward(record: ActorRecord, to: string, event: EventObject): Effects {
    return { ...none(), sends: [{ id: `${record.address}#${record.rev}.0`, to, from: record.address, body: { kind: 'event', event } }] };
  },
});

function collect({ definition, record, scope, before, next, nowMs }: Input): Effects {
  const effects = none();
  const { address } = record;
  let n = 0;
  const nextId = () => `${address}#${record.rev}.${n++}`;
  const send = (to: string, body: Body | Job, id = nextId()) => {
    effects.sends.push({ id, to, from: address, body });
  };

  const addressOf = (ref: AnyActorRef & { [addressTag]?: string }): string => {
    if (ref === scope.self) return address;
    const named = ref[addressTag];
    if (named !== undefined) {
      if (!isAddress(named)) throw new Error(`'${named}' is not an address`);
      return named;
    }
    const isChild = next.children?.[ref.id] === ref || before?.children?.[ref.id] === ref;
    const child = isChild ? record.children[ref.id] : undefined;
    if (child?.kind === 'machine') return child.address;
    throw new Error(child ? `cannot send to the activity '${ref.id}'` : `cannot address the actor '${ref.id}'`);
  };
  /** What this very step promised is taken back; what an earlier one promised is settled. The store settles before it sends. */
  const withdraw = (id: string) => {
    const promised = effects.sends.findIndex((message) => message.id === id);
    if (promised === -1) effects.settles.push(id);
    else effects.sends.splice(promised, 1);
  };
  const stop = (id: string) => {
    const child = record.children[id];
    if (!child) return;
    delete record.children[id];
    if (child.settled) return;
    if (child.kind === 'machine') return send(child.address, { kind: 'stop', gen: child.gen });
    const attempts = definition.activity(child.src)?.retry.attempts ?? 1;
    for (let attempt = 1; attempt <= attempts; attempt++) withdraw(attemptId(child.gen, attempt));
  };
  const spawn = (ref: AnyActorRef & { src?: unknown }, input: unknown) => {
    if (typeof ref.src !== 'string') throw new Error('a spawned actor needs a source registered in setup({actors})');
    if (!ref.id || ref.id === 'undefined' || ref.id === ref.sessionId) throw new Error(`the spawn of '${ref.src}' needs an explicit id`);
    stop(ref.id);
    assertPlainJson(input, `input of ${ref.id}`);
    const gen = nextId();
    const owner = { address, child: ref.id, gen };
    const activity = definition.activity(ref.src);
    if (activity) {
      record.children[ref.id] = { kind: 'activity', src: ref.src, gen, address: jobAddress(activity.name) };
      return send(jobAddress(activity.name), { kind: 'job', activity: activity.name, input, owner, attempt: 1 }, gen);
    }
    const machine = definition.childKey(ref.src);
    const to = childAddress(machine.slice(0, machine.lastIndexOf('@')), address, ref.id, record.rev);
    record.children[ref.id] = { kind: 'machine', src: ref.src, gen, address: to };
    send(to, { kind: 'start', machine, input, parent: owner }, gen);
  };
  const unschedule = (id: string) => {
    const timer = record.timers[id];
    if (!timer) return;
    withdraw(timer.gen);
    delete record.timers[id];
  };
  const schedule = (params: { id?: string; delay: number; event: EventObject }, to: string | null) => {
    if (!Number.isFinite(params.delay) || params.delay < 0) throw new Error(`the delay of '${params.event.type}' is ${params.delay}`);
    assertPlainJson(params.event, 'delayed event');
    const gen = nextId();
    const id = params.id ?? gen;
    unschedule(id); // the last schedule under a name wins
    record.timers[id] = { gen, dueMs: nowMs + params.delay, event: params.event, to };
    effects.sends.push({ id: gen, to: address, from: address, dueMs: nowMs + params.delay, body: { kind: 'timer', timer: id, gen } });
  };

  // `assign(({spawn}) => …)` leaves no action; it shows only as an inspected actor.
  const listed = new Set(scope.actions.filter((a) => a.type === 'xstate.spawnChild').map((a) => (a.params as { actorRef: AnyActorRef }).actorRef));
  for (const e of scope.seen) {
    const ref = e.actorRef as (AnyActorRef & { options?: { input?: unknown } }) | undefined;
    if (e.type === '@xstate.actor' && ref && ref !== scope.self && !listed.has(ref) && next.children?.[ref.id] === ref) spawn(ref as never, ref.options?.input);
  }

  for (const { type, params } of scope.actions as { type: string; params: Record<string, never> }[]) {
    switch (type) {
      case 'xstate.raise':
        if (params['delay'] !== undefined) schedule(params as never, null); // an undelayed raise was consumed inside the step
        break;
      case 'xstate.sendTo': {
        const to = addressOf(params['to'] as never);
        if (params['delay'] !== undefined) {
          schedule(params as never, to === address ? null : to);
          break;
        }
        assertPlainJson(params['event'], 'sent event');
        send(to, { kind: 'event', event: params['event'] as never });
        break;
      }
      case 'xstate.cancel':
        unschedule(params['sendId'] as never);
        break;
      case 'xstate.spawnChild':
        spawn(params['actorRef'] as never, params['input']);
        break;
      case 'xstate.stopChild':
        if (params) stop(params['id'] as never);
        break;
      case 'xstate.emit':
        effects.notices.push({ type: (params['event'] as unknown as EventObject).type, value: params['event'] });
        break;
      case 'xstate.log':
        effects.notices.push({ type: 'log', value: params['value'] });
        break;
      default:
        take(effects, type, params);
    }
  }
  if (next.status !== 'active') {
    for (const id of Object.keys(record.timers)) unschedule(id);
    for (const id of Object.keys(record.children)) stop(id);
    const { parent } = record;
    if (parent && next.status === 'done') {
      assertPlainJson(next.output, 'output');
      send(parent.address, { kind: 'done', child: parent.child, gen: parent.gen, output: next.output ?? null });
    }
    if (parent && next.status === 'error') send(parent.address, { kind: 'error', child: parent.child, gen: parent.gen, error: plainError(next.error) });
  }
  return effects;
}

/** The message id of the n-th try of a job. */
export function attemptId(gen: string, attempt: number): string {
  return attempt === 1 ? gen : `${gen}~${attempt}`;
}

function take(effects: Effects, type: string, params: unknown): void {
  const schema = recordSchemas[type as RecordType];
  if (!schema) throw new Error(`the action '${type}' is not one a durable machine can take`);
  const parsed = schema.safeParse(params);
  if (!parsed.success) throw new Error(`${type}: ${firstIssue(parsed.error, ': ')}`);
  switch (type as RecordType) {
    case 'recordFact':
      effects.facts.push(parsed.data as Fact);
      break;
    case 'recordIntent':
      effects.intents.push(parsed.data as Intent);
      break;
    case 'recordDecision':
      effects.decisions.push(parsed.data as Decision);
      break;
    case 'recordAnnotation':
      effects.annotations.push(parsed.data as Annotation);
      break;
    case 'recordArtifact': {
      const artifact = parsed.data as Omit<Artifact, 'hash' | 'sizeBytes'> & { text: string };
      effects.artifacts.push({ ...artifact, hash: sha256(artifact.text), sizeBytes: Buffer.byteLength(artifact.text) });
      break;
    }
  }
}
