// Runs jobs: slow or outside work, away from the mailboxes. A job runs at least once, unless its activity says `once`: then it is
// claimed in the store before the first byte leaves, and a claim without a result means nobody can know: it is reported as
// unknown and never run again. Results go back through the store, so that a known result is never lost on the bus.
import { attemptId, jobAddress } from './effects.ts';
import { emptyCommit } from '#machines/commit.ts';
import type { ActivitySpec, RetryPolicy } from '#machines/define.ts';
import { type Code, codes, firstIssue, KeelsonError, plainError, type PlainError } from '#machines/errors.ts';
import { jobSchema, type Body, type Job, type Message } from '#machines/message.ts';
import type { Bus, Delivery, Subscription } from './bus.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import { parkCommit } from './park.ts';
import { commitPatiently } from './patience.ts';
import { readJson } from './plain-json.ts';
import type { Registry } from './registry.ts';
import type { StorePort } from './store-port.ts';

export interface Call {
  input: never;
  /** The same for every try of this job: derive the provider's idempotency key from it. */
  operationId: string;
  attempt: number;
  signal: AbortSignal;
}
/** What a connector gives for an activity's name. Throws KeelsonError; its disposition says whether a retry makes sense. */
export type Activity = (call: Call) => Promise<unknown>;

export interface Failure { error: PlainError; disposition: 'retry' | 'fail' | 'ask' | 'bug'; attempt: number; retry: RetryPolicy }
/** The supervisor's strategy, handed in. */
export type Decide = (failure: Failure) => { retryAfterMs: number } | 'give-up';

export interface WorkerOptions { bus: Bus; store: StorePort; registry: Registry; activities: Record<string, Activity>; decide: Decide; clock: Clock; log: Log }

const concurrencyDefault = 8;

export async function startWorker({ bus, store, registry, activities, decide, clock, log }: WorkerOptions): Promise<Subscription> {
  const running = new Map<string, Promise<void>>();
  const subscriptions: Subscription[] = [];

  const commit = async (id: string, requires: string, note: object, sends: Message[], settles: string[]) => {
    const answer = await commitPatiently({ store, clock, log }, { ...emptyCommit(id, clock.now(), 'host/worker', note), requires, sends, settles });
    return answer.outcome;
  };

  const perform = async (spec: ActivitySpec, delivered: Job): Promise<void> => {
    let job = delivered;
    const id = attemptId(job.owner.gen, job.attempt);
    const finish = (body: Body) => commit(`${id}!result`, id, { job: id, result: body.kind }, [{ id: `${id}.${body.kind}`, to: job.owner.address, from: jobAddress(spec.name), body }], [id]);
    const { child, gen } = job.owner;
    const failed = (error: PlainError) => finish({ kind: 'error', child, gen, error });
    if (spec.once) {
      const claim = await commit(`${id}!claim`, id, { job: id, claimed: true }, [], []);
      if (claim === 'closed') return; // withdrawn: the state that wanted it was left
      if (claim !== 'written') {
        await failed({ code: 'SEND_UNKNOWN', message: `the process stopped while ${spec.name} was under way; nobody can tell whether it happened` });
        return;
      }
      // The bus is not believed about what leaves the company: the job is the one that was committed.
      const promised = (await store.query('promised', { id })) as Job | null;
      if (!promised) return;
      job = promised;
    }
    try {
      const input = spec.input.safeParse(job.input);
      if (!input.success) throw new KeelsonError('BAD_MESSAGE', `${spec.name} was asked what its schema refuses: ${firstIssue(input.error)}`);
      const output = spec.output.safeParse(await withTimeout(spec, { input: input.data as never, operationId: gen, attempt: job.attempt }));
      if (!output.success) throw new KeelsonError(spec.once ? 'SEND_UNKNOWN' : 'BAD_MESSAGE', `${spec.name} answered what its schema refuses: ${firstIssue(output.error)}`);
      const outcome = await finish({ kind: 'done', child, gen, output: output.data });
      if (outcome === 'invalid') throw new KeelsonError(spec.once ? 'SEND_UNKNOWN' : 'BAD_MESSAGE', `the result of ${spec.name} cannot be kept: it is too large or not well-formed`);
    } catch (thrown) {
      const unforeseen = spec.once && !(thrown instanceof KeelsonError); // it may have happened before it failed
      const error = unforeseen ? { code: 'SEND_UNKNOWN', message: `${spec.name} failed and nobody can tell whether it happened: ${plainError(thrown).message}` } : plainError(thrown);
      const disposition = Object.hasOwn(codes, error.code) ? codes[error.code as Code].disposition : 'bug';
      const decision = decide({ error, disposition, attempt: job.attempt, retry: spec.retry });
      log.warn({ ...error, job: id, decision }, 'a job failed');
      if (decision === 'give-up') {
        await failed(error);
        return;
      }
      const again: Message = { id: attemptId(gen, job.attempt + 1), to: jobAddress(spec.name), from: job.owner.address, dueMs: clock.now() + decision.retryAfterMs, body: { ...job, attempt: job.attempt + 1 } };
      await commit(`${id}!failed`, id, { job: id, error, retryAfterMs: decision.retryAfterMs }, [again], [id]);
    }
  };

  const withTimeout = async (spec: ActivitySpec, call: Omit<Call, 'signal'>): Promise<unknown> => {
    const run = activities[spec.name];
    if (!run) throw new KeelsonError('BAD_CONFIG', `nothing implements the activity '${spec.name}'`);
    const abort = new AbortController();
    let cancel = () => {};
    const timeout = new Promise<never>((_, reject) => {
      cancel = clock.after(spec.timeoutMs, () => {
        abort.abort();
        reject(new KeelsonError(spec.once ? 'SEND_UNKNOWN' : 'TIMEOUT', `${spec.name} did not end within ${spec.timeoutMs} ms`));
      });
    });
    try {
      return await Promise.race([run({ ...call, signal: abort.signal }), timeout]);
    } finally {
      cancel();
    }
  };

  const handle = (spec: ActivitySpec) => async (delivery: Delivery): Promise<void> => {
    const parsed = jobSchema.safeParse(readJson(delivery.bytes));
    if (!parsed.success || parsed.data.activity !== spec.name) {
      const reason = parsed.success ? `a job for '${parsed.data.activity}' in the queue of '${spec.name}'` : `the body is no job: ${firstIssue(parsed.error)}`;
      log.warn({ subject: delivery.subject, reason }, 'job parked');
      await commitPatiently({ store, clock, log }, parkCommit(delivery, reason, { nowMs: clock.now(), promised: false }));
      return;
    }
    // Delivered again while it runs here: the same run answers both.
    const id = attemptId(parsed.data.owner.gen, parsed.data.attempt);
    const work = running.get(id) ?? perform(spec, parsed.data).finally(() => running.delete(id));
    running.set(id, work);
    await work;
  };

  for (const spec of registry.activities()) {
    subscriptions.push(await bus.consumeJobs(spec.name.replaceAll('.', '-'), spec.concurrency ?? concurrencyDefault, handle(spec)));
  }
  return { stop: async () => void (await Promise.all(subscriptions.map((s) => s.stop()))) };
}
