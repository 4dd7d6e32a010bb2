// XState's actions, as data, become durable operations: messages to send, deadlines, jobs, and records for the store.
import type { AnyActorRef, AnyMachineSnapshot, EventObject } from 'xstate';
import { childAddress, address as makeAddress, isAddress } from '#machines/address.ts';
import { splitKey } from '#machines/define.ts';
import { firstIssue, plainError } from '#machines/errors.ts';
import type { Body, Job, Message } from '#machines/message.ts';
import { recordSchemas, type Annotation, type Artifact, type Decision, type Fact, type Intent, type RecordType } from '#machines/records.ts';
import { sha256 } from './hash.ts';
import { assertPlainJson } from './plain-json.ts';
import { noticesMax, toNotice, type Notice } from './notice.ts';
import type { ActorRecord, ChildRecord } from './record.ts';
import type { Definition } from './registry.ts';
import { addressTag, spawned, type Scope } from './scope.ts';

export interface Effects {
  sends: Message[];
  /** Ids of messages that must not be delivered any more: timers and jobs of a state that was left. */
  settles: string[];
  /** The jobs among them: whoever runs one may stop. */
  withdrawn: string[];
  facts: Fact[];
  intents: Intent[];
  artifacts: Artifact[];
  decisions: Decision[];
  annotations: Annotation[];
  /** What `emit` and `log` said, for whoever reads the history. Nothing acts on it. */
  notices: Notice[];
}

interface Input { definition: Definition; record: ActorRecord; scope: Scope; before: AnyMachineSnapshot | undefined; next: AnyMachineSnapshot; nowMs: number; fresh: boolean }

const none = (): Effects => ({ sends: [], settles: [], withdrawn: [], facts: [], intents: [], artifacts: [], decisions: [], annotations: [], notices: [] });

/** The address of a job's queue: `mail.send` is served at `job/mail-send`. */
export const jobAddress = (activity: string) => makeAddress('job', activity.replaceAll('.', '-'));

export const collectEffects = Object.assign(collect, {
  none,
  startAgain,
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

function collect({ definition, record, scope, before, next, nowMs, fresh }: Input): Effects {
  const effects = none();
  const { address } = record;
  let n = 0;
  const nextId = () => `${address}#${record.rev}.${n++}`;
  const send = (to: string, body: Body | Job, id = nextId()) => {
    effects.sends.push({ id, to, from: address, body });
  };

  const notice = (kind: Notice['kind'], value: unknown, label?: string) => {
    if (effects.notices.length < noticesMax) effects.notices.push(toNotice(kind, value, label));
  };

  const made = new Set(scope.actions.flatMap(({ type, params }) => (type === spawned ? [params as AnyActorRef] : [])));
  const addressOfStart = (src: string, id: string) => childAddress(splitKey(definition.childKey(src))[0], address, id, record.rev);
  const addressOf = (ref: AnyActorRef & { src?: unknown; [addressTag]?: string }): string => {
    if (ref === scope.self) return address;
    const named = ref[addressTag];
    if (named !== undefined) {
      if (!isAddress(named)) throw new Error(`'${named}' is not an address`);
      return named;
    }
    const child = before?.children?.[ref.id] === ref ? record.children[ref.id] : undefined;
    if (child?.kind === 'machine') return child.address;
    if (child) throw new Error(`cannot send to the activity '${ref.id}'`);
    // An entry action may speak to a child that is invoked after it.
    if (made.has(ref) && typeof ref.src === 'string') {
      if (definition.activity(ref.src)) throw new Error(`cannot send to the activity '${ref.id}'`);
      return addressOfStart(ref.src, ref.id);
    }
    throw new Error(`cannot address the actor '${ref.id}'`);
  };
  /** What this very step promised is taken back; what an earlier one promised is settled. The store settles before it sends. */
  const withdraw = (id: string): boolean => {
    const promised = effects.sends.findIndex((message) => message.id === id);
    if (promised === -1) effects.settles.push(id);
    else effects.sends.splice(promised, 1);
    return promised !== -1;
  };
  const stop = (id: string) => {
    const child = record.children[id];
    if (!child) return;
    delete record.children[id];
    if (child.settled) return;
    if (child.kind === 'activity') {
      if (!withdraw(child.gen)) effects.withdrawn.push(child.gen);
    } else if (effects.sends.some((message) => message.id === child.gen)) {
      // Made and left in one step: it is never born, and nobody hears of it.
      effects.sends = effects.sends.filter((message) => message.to !== child.address);
    } else send(child.address, { kind: 'stop', gen: child.gen });
  };
  const spawn = (ref: AnyActorRef & { src?: unknown; options?: { input?: unknown } }) => {
    const { id, src, options: { input } = {} } = ref;
    if (typeof src !== 'string') throw new Error('a spawned actor needs a source registered in setup({actors})');
    if (!id || id === 'undefined' || id === ref.sessionId) throw new Error(`the spawn of '${src}' needs an explicit id`);
    stop(id);
    assertPlainJson(input, `input of ${id}`);
    const gen = nextId();
    const owner = { address, child: id, gen };
    const activity = definition.activity(src);
    const kept = handlesError(definition, id) ? {} : { input };
    const child: ChildRecord = activity
      ? { kind: 'activity', src, gen, address: jobAddress(activity.name), ...kept }
      : { kind: 'machine', src, gen, address: addressOfStart(src, id), ...kept };
    record.children[id] = child;
    if (activity) return send(child.address, { kind: 'job', activity: activity.name, input, owner, attempt: 1 }, gen);
    // What was said to it before waits for its start.
    const early = effects.sends.filter((message) => message.to === child.address);
    effects.sends = effects.sends.filter((message) => message.to !== child.address);
    send(child.address, { kind: 'start', machine: definition.childKey(src), input, parent: owner }, gen);
    effects.sends.push(...early);
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

  if (fresh) {
    for (const id of Object.keys(record.timers)) unschedule(id);
    for (const id of Object.keys(record.children)) stop(id);
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
      case spawned:
        spawn(params as never);
        break;
      case 'xstate.spawnChild':
        break; // done where it was made
      case 'xstate.stopChild':
        if (params) stop(params['id'] as never);
        break;
      case 'xstate.emit':
        notice('emit', params['event']);
        break;
      case 'xstate.log':
        notice('log', params['value'], params['label']);
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

/** Whether the machine says anywhere what to do when this child fails. */
function handlesError({ machine }: Definition, child: string): boolean {
  return machine.events.includes(`xstate.error.actor.${child}` as never) || machine.events.includes('xstate.error.actor.*');
}

/** Starts a child that failed once more, as a new generation with the input it had. Null when that was not kept. */
function startAgain(definition: Definition, record: ActorRecord, id: string): Effects | null {
  const child = record.children[id];
  if (!child || child.input === undefined) return null;
  const { address, rev } = record;
  const gen = `${address}#${rev}.0`;
  const owner = { address, child: id, gen };
  const { settled: _, ...known } = child;
  const activity = definition.activity(child.src);
  const machine = activity ? null : definition.childKey(child.src);
  const to = machine === null ? child.address : childAddress(machine.slice(0, machine.lastIndexOf('@')), address, id, rev);
  record.children[id] = { ...known, gen, address: to };
  const body: Body | Job = activity ? { kind: 'job', activity: activity.name, input: child.input, owner, attempt: 1 } : { kind: 'start', machine: machine!, input: child.input, parent: owner };
  return { ...none(), sends: [{ id: gen, to, from: address, body }] };
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
