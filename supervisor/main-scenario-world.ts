// A company in memory: the real store on a database that is nowhere, the real step, every activity as the server has it, and a clock
// that only `advance` moves. One thing happens at a time, so the same scenario ends the same way each time. Nothing leaves: whoever
// makes the activities sees to that.
import { jobAddress } from '#actors/effects.ts';
import type { Clock } from '#actors/clock.ts';
import type { ActorRecord } from '#actors/record.ts';
import type { Registry } from '#actors/registry.ts';
import { toCommit } from '#actors/step-commit.ts';
import { step } from '#actors/step.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import type { Budgets } from '#machines/budget.ts';
import type { Cap } from '#machines/caps.ts';
import { emptyCommit, type Applied, type Commit } from '#machines/commit.ts';
import { codes, KeelsonError, plainError, type Code } from '#machines/errors.ts';
import { attemptId, type Body, type Job, type Message } from '#machines/message.ts';
import type { Permissions } from '#machines/permissions.ts';
import { parseTrigger, type Trigger } from '#machines/triggers.ts';
import { createCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { runQuery } from '#store/queries.ts';
import { createRules } from '#store/rules.ts';
import { createTriggers } from '#store/triggers.ts';
import { decide } from './strategy.ts';

export interface ScenarioWorld {
  store: StorePort;
  clock: Clock;
  /** What machines may ask for; set before the first message. */
  activities: Record<string, Activity>;
  submit(message: Message<Body>): Promise<Applied>;
  /** Works until nothing is left to do at this time. */
  idle(): Promise<void>;
  /** Moves the clock, stopping at every deadline on the way. */
  advance(ms: number): Promise<void>;
  /** Messages that could not be applied, and why: nothing of that kind is ever expected. */
  failures: string[];
  close(): Promise<void>;
}

export interface WorldOptions { registry: Registry; permissions: Readonly<Record<string, Permissions>>; caps: readonly Cap[]; budgets: Budgets; triggers: readonly Trigger[]; startMs: number }

/** A circle of messages would go on for ever. */
const stepsMax = 20_000;

export async function openScenarioWorld({ registry, permissions, caps, budgets, triggers, startMs }: WorldOptions): Promise<ScenarioWorld> {
  const database = await openDatabase(':memory:');
  await migrate(database);
  let nowMs = startMs;
  const failures: string[] = [];
  const outbox = new Map<string, Message>();
  const queue: Message[] = [];
  const committer = await createCommitter(database, await nextEpoch(database), {
    check: createRules(permissions), caps, budgets,
    triggered: createTriggers(triggers.map((trigger) => parseTrigger(trigger)), { error: (detail: unknown) => failures.push(`a trigger failed: ${JSON.stringify(detail)}`) } as never),
    onWritten(accepted) {
      for (const { commit, sends } of accepted) {
        for (const settled of [commit.id, ...commit.settles]) outbox.delete(settled);
        for (const message of sends) {
          outbox.set(message.id, message);
          if (message.dueMs === undefined) queue.push(message);
        }
      }
    },
  });
  const store: StorePort = {
    commit: committer.commit,
    query: (name, args) => runQuery(database, name, args),
    load: (address) => runQuery(database, 'record', { address }) as Promise<string | null>,
  };
  const clock: Clock = { now: () => nowMs, after: () => () => {}, every: () => () => {}, sleep: () => Promise.resolve() };

  const write = async (commit: Commit) => {
    const answer = await store.commit(commit);
    if (answer.outcome === 'invalid') failures.push(`${commit.actor}: ${answer.reason}`);
    return answer;
  };
  const park = async (message: Message<Body>, reason: string) => {
    failures.push(`${message.to} could not apply ${message.body.kind === 'event' ? message.body.event.type : message.body.kind}: ${reason}`);
    outbox.delete(message.id);
    return applied(message, 'parked', reason);
  };
  const applied = (message: Message, outcome: Applied['outcome'], note: string | null, record: ActorRecord | null = null): Applied => ({ id: message.id, outcome, note, rev: record?.rev ?? null, value: record?.snapshot.value ?? null, status: record?.status ?? null });

  const deliver = async (message: Message<Body>): Promise<Applied> => {
    const stored = await store.load(message.to);
    const previous = stored === null ? null : (JSON.parse(stored) as ActorRecord);
    const definition = registry.get(previous?.machine ?? (message.body.kind === 'start' ? message.body.machine : ''));
    if (!definition) {
      outbox.delete(message.id);
      return applied(message, 'ignored', 'no such actor');
    }
    try {
      const taken = step(definition, previous, message, nowMs);
      const answer = await write(toCommit(message, taken, { basis: previous?.rev ?? -1, nowMs }));
      if (answer.outcome === 'invalid') return await park(message, answer.reason);
      return applied(message, taken.outcome, taken.note, taken.record ?? previous);
    } catch (error) {
      return park(message, plainError(error).message);
    }
  };

  const perform = async (message: Message<Job>): Promise<void> => {
    const job = message.body;
    const { address, child, gen } = job.owner;
    if (!outbox.has(message.id)) return; // withdrawn
    const id = attemptId(job);
    const end = (sends: Message[]) => write({ ...emptyCommit(`${id}!result`, nowMs, 'host/worker', {}), requires: gen, settles: [gen], sends });
    const finish = (body: Body) => end([{ id: `${id}.${body.kind}`, to: address, from: jobAddress(job.activity), body }]);
    const spec = registry.activities().find(({ name }) => name === job.activity)!;
    try {
      const run = world.activities[job.activity];
      if (!run) throw new KeelsonError('BAD_CONFIG', `nothing implements '${job.activity}'`);
      const output = await run({ input: spec.input.parse(job.input) as never, operationId: gen, attempt: job.attempt, signal: new AbortController().signal, heartbeat: () => {} });
      await finish({ kind: 'done', child, gen, output: spec.output.parse(output) });
    } catch (thrown) {
      const error = plainError(thrown);
      const disposition = Object.hasOwn(codes, error.code) ? codes[error.code as Code].disposition : 'bug';
      if (disposition === 'bug') failures.push(`${job.activity}: ${error.message}`);
      const decision = decide({ error, disposition, operationId: gen, attempt: job.attempt, tryingMs: nowMs - (job.sinceMs ?? nowMs), retryAfterMs: thrown instanceof KeelsonError ? thrown.retryAfterMs : undefined, retry: spec.retry });
      if (decision === 'give-up') await finish({ kind: 'error', child, gen, error });
      else await end([{ ...message, dueMs: nowMs + decision.retryAfterMs, body: { ...job, attempt: job.attempt + 1, sinceMs: job.sinceMs ?? nowMs } }]);
    }
  };

  const world: ScenarioWorld = {
    store, clock, failures,
    activities: {},
    async submit(message) {
      outbox.set(message.id, message);
      return deliver(message);
    },
    async idle() {
      for (let n = 0; n < stepsMax; n++) {
        // Jobs last: a worker is slower than a mailbox.
        const place = queue.findIndex(({ body }) => body.kind !== 'job');
        const [message] = queue.splice(Math.max(0, place), 1);
        if (message === undefined) return;
        if (message.body.kind === 'job') await perform(message as Message<Job>);
        else if (outbox.has(message.id)) await deliver(message as Message<Body>);
      }
      throw new KeelsonError('BAD_ARGUMENT', `it does not come to rest: ${stepsMax} messages at one moment`);
    },
    async advance(ms) {
      const end = nowMs + ms;
      for (;;) {
        await world.idle();
        const due = [...outbox.values()].filter(({ dueMs }) => dueMs !== undefined);
        const next = Math.min(...due.map(({ dueMs }) => dueMs!));
        if (next > end) break;
        nowMs = Math.max(nowMs, next);
        for (const message of due.filter(({ dueMs }) => dueMs! <= nowMs)) {
          const { dueMs: _, ...released } = message;
          outbox.set(message.id, released);
          queue.push(released);
        }
      }
      nowMs = end;
    },
    close: () => database.close(),
  };
  return world;
}
