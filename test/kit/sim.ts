// Hosts machines in memory, on a clock that only `advance` moves: the pure step with the store's rules around it (once per
// id, revisions follow, settles before sends, deadlines and jobs stand in the outbox). With `chaos` it crashes before and
// after commits, delivers twice and runs jobs twice, the same way for the same seed; whatever it does, the outcome of a
// machine must not depend on it. `const sim = createSim({machines: [m]}); await sim.start('m/1', m, {}).idle();`
import assert from 'node:assert/strict';
import type { AnyStateMachine } from 'xstate';
import { jobAddress } from '#actors/effects.ts';
import { sha256 } from '#actors/hash.ts';
import type { Notice } from '#actors/notice.ts';
import type { ActorRecord } from '#actors/record.ts';
import { createRegistry, type Registry } from '#actors/registry.ts';
import type { HistoryRow } from '#actors/replay.ts';
import { step } from '#actors/step.ts';
import type { Activity } from '#actors/worker.ts';
import { emptyCommit, type Outcome } from '#machines/commit.ts';
import { machineKey } from '#machines/define.ts';
import { codes, KeelsonError, plainError, type Code } from '#machines/errors.ts';
import { attemptId, type Body, type Job, type Message } from '#machines/message.ts';
import { whyNotPermitted } from '#machines/permissions.ts';
import type { Artifact, Decision, Fact, Intent } from '#machines/records.ts';
import { decide } from '#supervisor/strategy.ts';
import { randomFrom } from './random.ts';

export interface SimOptions {
  machines: AnyStateMachine[];
  activities?: Record<string, Activity>;
  /** Probability of each kind of trouble at each place where it may strike. */
  chaos?: number;
  seed?: number;
  /** Refuse what goes beyond a machine's `may`, as the store does. */
  permissions?: boolean;
}

interface Row extends HistoryRow { actor: string }

export interface Sim {
  readonly registry: Registry;
  /** False keeps jobs waiting, so that a test can answer them itself. */
  runJobs: boolean;
  nowMs(): number;
  start(address: string, machine: AnyStateMachine, input?: unknown): Sim;
  event(address: string, event: { type: string; [key: string]: unknown }, from?: string): Sim;
  /** Any message; the id is made when absent. */
  send(to: string, from: string, body: Body, id?: string): Sim;
  /** Works until nothing is left to do at the current time. */
  idle(): Promise<void>;
  /** Moves the clock, stopping at every deadline on the way. */
  advance(ms: number): Promise<void>;
  record(address: string): ActorRecord | null;
  /** The context of an actor that must exist. */
  context<C = Record<string, unknown>>(address: string): C;
  value(address: string): unknown;
  stored(address: string): string | null;
  addresses(): string[];
  /** Deadlines not due yet. */
  deadlines(): Message[];
  /** Jobs that are promised and have no result yet. */
  jobs(): Message<Job>[];
  history(address: string): HistoryRow[];
  /** What was said about messages that changed nothing: `ignored`, `refused`, `parked`. */
  notes(): string[];
  readonly recorded: { facts: Fact[]; intents: Intent[]; artifacts: Artifact[]; decisions: Decision[]; notices: Notice[] };
  /** How often each kind of trouble struck: a chaos test without any proves nothing. */
  readonly trouble: { crashes: number; redeliveries: number; duplicates: number; rerunJobs: number };
}

const stepsMax = 2_000;

export function createSim({ machines, activities = {}, chaos = 0, seed = 1, permissions = false }: SimOptions): Sim {
  const registry = createRegistry(machines);
  const mays = Object.fromEntries(registry.list().map(({ id, protocol }) => [id, protocol.may ?? {}]));
  const random = randomFrom(seed);
  const actors = new Map<string, string>();
  const journal: Row[] = [];
  const applied = new Set<string>();
  const outbox = new Map<string, Message>();
  // Text, because everything crosses the bus as bytes.
  const mail: string[] = [];
  const jobs: string[] = [];
  const recorded: Sim['recorded'] = { facts: [], intents: [], artifacts: [], decisions: [], notices: [] };
  const trouble: Sim['trouble'] = { crashes: 0, redeliveries: 0, duplicates: 0, rerunJobs: 0 };
  let now = 1_000_000;
  let made = 0;
  const strikes = (kind: keyof typeof trouble) => {
    if (chaos === 0 || !random.chance(chaos)) return false;
    trouble[kind]++;
    return true;
  };

  const publish = (message: Message) => void (message.body.kind === 'job' ? jobs : mail).push(JSON.stringify(message));
  interface Write { id: string; actor: string; outcome: Outcome; body: Row['body']; rev?: number; record?: string; sends?: Message[]; settles?: string[]; requires?: string }
  const commit = (write: Write): 'written' | 'duplicate' | 'closed' => {
    const { id, actor, outcome, body, rev = null, record, sends = [], settles = [], requires } = write;
    if (applied.has(id)) return 'duplicate';
    if (requires !== undefined && !outbox.has(requires)) return 'closed';
    applied.add(id);
    journal.push({ seq: journal.length + 1, id, actor, rev, at_ms: now, outcome, body });
    if (record !== undefined) actors.set(actor, record);
    for (const settled of [id, ...settles]) outbox.delete(settled);
    for (const message of sends) {
      assert.ok(!outbox.has(message.id), `two messages have the id ${message.id}`);
      outbox.set(message.id, message);
      if (message.dueMs === undefined) publish(message);
    }
    return 'written';
  };

  const deliver = (message: Message<Body>): void => {
    if (applied.has(message.id)) return;
    const stored = actors.get(message.to) ?? null;
    const previous = stored === null ? null : (JSON.parse(stored) as ActorRecord);
    const key = previous?.machine ?? (message.body.kind === 'start' ? message.body.machine : undefined);
    const definition = key === undefined ? undefined : registry.get(key);
    const base = { id: message.id, actor: message.to };
    const said = { from: message.from, message: message.body };
    if (!definition) return void commit({ ...base, outcome: 'ignored', body: { ...said, note: 'no such actor' } });
    try {
      const compute = () => step(definition, stored === null ? null : (JSON.parse(stored) as ActorRecord), message, now);
      const taken = compute();
      // A crash here loses what was computed; the next host must compute the same, to the byte.
      if (strikes('crashes')) assert.equal(JSON.stringify(compute()), JSON.stringify(taken), 'a step must be deterministic');
      const { outcome, note, record, effects } = taken;
      if (outcome !== 'applied') return void commit({ ...base, outcome, body: { ...said, note } });
      const { notices: _, ...parts } = effects;
      const reason = permissions ? whyNotPermitted({ ...emptyCommit(message.id, now, message.to, {}), ...parts }, mays) : null;
      if (reason !== null) throw new KeelsonError('REFUSED', reason);
      const text = JSON.stringify(record);
      commit({ ...base, outcome, rev: record!.rev, record: text, sends: effects.sends, settles: effects.settles, body: { ...said, note, state: sha256(text), notices: effects.notices } });
      for (const kind of ['facts', 'intents', 'artifacts', 'decisions', 'notices'] as const) (recorded[kind] as unknown[]).push(...effects[kind]);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      commit({ id: `${message.id}!parked`, actor: message.to, outcome: 'parked', settles: [message.id], body: { ...said, note: plainError(error).message } });
    }
  };

  const perform = async (message: Message<Job>): Promise<void> => {
    const job = message.body;
    const { address, child, gen } = job.owner;
    const id = attemptId(job);
    const sinceMs = job.sinceMs ?? now;
    const spec = registry.activities().find((activity) => activity.name === job.activity)!;
    const end = (sends: Message[]) => commit({ id: `${id}!result`, actor: 'host/worker', requires: gen, outcome: 'applied', body: {}, settles: [gen], sends });
    const finish = (body: Body) => end([{ id: `${id}.${body.kind}`, to: address, from: jobAddress(spec.name), body }]);
    try {
      const run = activities[spec.name];
      if (!run) throw new KeelsonError('BAD_CONFIG', `nothing implements '${spec.name}'`);
      const call = { input: spec.input.parse(job.input) as never, operationId: gen, attempt: job.attempt, signal: new AbortController().signal, heartbeat: () => {} };
      if (!spec.once && strikes('rerunJobs')) await run(call).catch(() => {});
      finish({ kind: 'done', child, gen, output: spec.output.parse(await run(call)) });
    } catch (thrown) {
      const error = plainError(thrown);
      const disposition = Object.hasOwn(codes, error.code) ? codes[error.code as Code].disposition : 'bug';
      const decision = decide({ error, disposition, operationId: gen, attempt: job.attempt, tryingMs: now - sinceMs, retryAfterMs: thrown instanceof KeelsonError ? thrown.retryAfterMs : undefined, retry: spec.retry });
      if (decision === 'give-up') return void finish({ kind: 'error', child, gen, error });
      end([{ ...message, dueMs: now + decision.retryAfterMs, body: { ...job, attempt: job.attempt + 1, sinceMs } }]);
    }
  };

  const sim: Sim = {
    registry, recorded, trouble,
    runJobs: true,
    nowMs: () => now,
    start: (address, machine, input = {}) => sim.send(address, 'operator/test', { kind: 'start', machine: machineKey(machine), input }),
    event: (address, event, from = 'operator/test') => sim.send(address, from, { kind: 'event', event }),
    send(to, from, body, id = `test-${++made}`) {
      mail.push(JSON.stringify({ id, to, from, body }));
      return sim;
    },
    async idle() {
      for (let n = 0; n < stepsMax; n++) {
        const text = mail[0] ?? (sim.runJobs ? jobs[0] : undefined);
        if (text === undefined) return;
        const queue = mail[0] === undefined ? jobs : mail;
        const message = JSON.parse(text) as Message;
        if (message.body.kind === 'job') await perform(message as Message<Job>);
        else deliver(message as Message<Body>);
        if (strikes('redeliveries')) continue; // crashed after the commit, before the acknowledgement
        queue.shift();
        if (strikes('duplicates')) queue.splice(random.int(queue.length + 1), 0, text);
      }
      throw new Error(`not idle after ${stepsMax} messages`);
    },
    async advance(ms) {
      const end = now + ms;
      await sim.idle();
      for (;;) {
        const next = Math.min(...sim.deadlines().map((message) => message.dueMs!));
        if (next > end) break;
        now = Math.max(now, next);
        for (const message of sim.deadlines().filter(({ dueMs }) => dueMs! <= now)) {
          const { dueMs: _, ...released } = message;
          outbox.set(message.id, released);
          publish(released);
        }
        await sim.idle();
      }
      now = end;
    },
    record: (address) => JSON.parse(actors.get(address) ?? 'null') as ActorRecord | null,
    context: <C>(address: string) => sim.record(address)!.snapshot.context as C,
    value: (address) => sim.record(address)!.snapshot.value,
    stored: (address) => actors.get(address) ?? null,
    addresses: () => [...actors.keys()],
    deadlines: () => [...outbox.values()].filter(({ dueMs }) => dueMs !== undefined),
    jobs: () => [...outbox.values()].filter(({ body }) => body.kind === 'job') as Message<Job>[],
    history: (address) => journal.filter((row) => row.actor === address),
    notes: () => journal.filter((row) => row.outcome !== 'applied').map((row) => `${row.outcome}: ${String(row.body!['note'])}`),
  };
  return sim;
}
