// Runs jobs: slow or outside work, away from the mailboxes. A job runs at least once, unless its activity says `once`: then it is
// claimed in the store before the first byte leaves, and a claim without a result means nobody can know: it is reported as
// unknown and never run again. Results go back through the store, so that a known result is never lost on the bus. A job waits in
// the outbox under its generation until it has ended; each try ends once, and what a state that was left still gets is dropped.
import { jobAddress } from './effects.ts';
import { emptyCommit } from '#machines/commit.ts';
import type { ActivitySpec, RetryPolicy } from '#machines/define.ts';
import { type Code, codes, firstIssue, KeelsonError, plainError, type PlainError } from '#machines/errors.ts';
import { attemptId, jobSchema, type Body, type Job, type Message } from '#machines/message.ts';
import type { Bus, Delivery, Subscription } from './bus.ts';
import { createCache } from './cache.ts';
import type { Clock } from './clock.ts';
import { handingOver } from './hand-over.ts';
import { randomId, type MakeId } from './ids.ts';
import { runWithin, type Lifeline } from './job-limits.ts';
import type { Log } from './log.ts';
import { parkCommit } from './park.ts';
import { commitPatiently } from './patience.ts';
import { readJson } from './plain-json.ts';
import type { Registry } from './registry.ts';
import type { StorePort } from './store-port.ts';

export interface Call extends Lifeline {
  input: never;
  /** The same for every try of this job: derive the provider's idempotency key from it. */
  operationId: string;
  attempt: number;
}
/** What a connector gives for an activity's name. Throws KeelsonError; its disposition says whether a retry makes sense. */
export type Activity = (call: Call) => Promise<unknown>;

export interface Failure {
  error: PlainError;
  disposition: 'retry' | 'fail' | 'ask' | 'bug';
  operationId: string;
  attempt: number;
  /** How long ago the first try began. */
  tryingMs: number;
  /** How long whoever refused for now asks to be left alone. */
  retryAfterMs: number | undefined;
  retry: RetryPolicy;
}
/** The supervisor's strategy, handed in. */
export type Decide = (failure: Failure) => { retryAfterMs: number } | 'give-up';

export interface WorkerOptions { bus: Bus; store: StorePort; registry: Registry; activities: Record<string, Activity>; decide: Decide; clock: Clock; log: Log; makeId?: MakeId }

interface Running { gen: string; work: Promise<void>; withdrawn: AbortController }

const concurrencyDefault = 8;
/** Of one try: a job that kills its worker each time must end. */
const deliveriesMax = 10;
const rememberedMax = 10_000;

export async function startWorker({ bus, store: given, registry, activities, decide, clock, log, makeId = randomId }: WorkerOptions): Promise<Subscription> {
  const store = handingOver(given, bus);
  const running = new Map<string, Running>();
  /** Generations that are said to be withdrawn; their job may still come. */
  const left = createCache<true>(rememberedMax);
  const subscriptions: Subscription[] = [];

  const commit = async (id: string, requires: string, note: object, sends: Message[], settles: string[]) => {
    const answer = await commitPatiently({ store, clock, log }, { ...emptyCommit(id, clock.now(), 'host/worker', note), requires, sends, settles });
    return answer.outcome;
  };
  /** Whether this very run may begin. */
  const claim = async (id: string, requires: string): Promise<'ours' | 'closed' | 'taken'> => {
    const note = makeId();
    const answer = await commitPatiently({ store, clock, log }, { ...emptyCommit(`${id}!claim`, clock.now(), 'host/worker', { job: id, claimed: true, note }), requires });
    // Written by a first try whose answer was lost.
    if (answer.outcome === 'written' || (answer.outcome === 'duplicate' && answer.note === note)) return 'ours';
    return answer.outcome === 'closed' ? 'closed' : 'taken';
  };
  const promisedJob = async (gen: string) => (await store.query('promised', { id: gen })) as Job | null;

  const perform = async (spec: ActivitySpec, delivered: Job, deliveries: number, withdrawn: AbortSignal): Promise<void> => {
    let job = delivered;
    const { address, child, gen } = job.owner;
    const id = attemptId(job);
    /** Whatever ends this try has the same id: the second to say so is not heard. */
    const end = (note: object, sends: Message[]) => commit(`${id}!result`, gen, { job: id, ...note }, sends, [gen]);
    const answer = (body: Body) => end({ result: body.kind }, [{ id: `${id}.${body.kind}`, to: address, from: jobAddress(spec.name), body }]);
    const failed = (error: PlainError) => answer({ kind: 'error', child, gen, error });
    if (spec.once || deliveries > 1 || left.get(gen)) {
      // The bus is not believed about what leaves the company: the job is the one that was committed.
      const promised = await promisedJob(gen);
      if (promised?.attempt !== job.attempt || promised.activity !== spec.name) return; // withdrawn, or this try has ended
      job = promised;
    }
    if (spec.once) {
      const claimed = await claim(id, gen);
      if (claimed === 'closed') return;
      if (claimed === 'taken') {
        await failed({ code: 'SEND_UNKNOWN', message: `the process stopped while ${spec.name} was under way; nobody can tell whether it happened` });
        return;
      }
    }
    const sinceMs = job.sinceMs ?? clock.now();
    try {
      const run = activities[spec.name];
      if (!run) throw new KeelsonError('BAD_CONFIG', `nothing implements the activity '${spec.name}'`);
      if (!spec.once && deliveries > deliveriesMax) throw new KeelsonError('TIMEOUT', `${deliveriesMax} workers began ${spec.name} and none of them came back`);
      const input = spec.input.safeParse(job.input);
      if (!input.success) throw new KeelsonError('BAD_MESSAGE', `${spec.name} was asked what its schema refuses: ${firstIssue(input.error)}`);
      const output = spec.output.safeParse(await runWithin(spec, withdrawn, clock, (lifeline) => run({ input: input.data as never, operationId: gen, attempt: job.attempt, ...lifeline })));
      if (!output.success) throw new KeelsonError(spec.once ? 'SEND_UNKNOWN' : 'BAD_MESSAGE', `${spec.name} answered what its schema refuses: ${firstIssue(output.error)}`);
      const outcome = await answer({ kind: 'done', child, gen, output: output.data });
      if (outcome === 'invalid') throw new KeelsonError(spec.once ? 'SEND_UNKNOWN' : 'BAD_MESSAGE', `the result of ${spec.name} cannot be kept: it is too large or not well-formed`);
    } catch (thrown) {
      if (withdrawn.aborted) {
        log.info({ job: id }, 'a job was cancelled: nobody waits for it any more');
        return;
      }
      const unforeseen = spec.once && !(thrown instanceof KeelsonError); // it may have happened before it failed
      const error = unforeseen ? { code: 'SEND_UNKNOWN', message: `${spec.name} failed and nobody can tell whether it happened: ${plainError(thrown).message}` } : plainError(thrown);
      const disposition = Object.hasOwn(codes, error.code) ? codes[error.code as Code].disposition : 'bug';
      const decision = decide({ error, disposition, operationId: gen, attempt: job.attempt, tryingMs: clock.now() - sinceMs, retryAfterMs: thrown instanceof KeelsonError ? thrown.retryAfterMs : undefined, retry: spec.retry });
      log.warn({ ...error, job: id, decision }, 'a job failed');
      if (decision === 'give-up') await failed(error);
      else await end({ error, ...decision }, [{ id: gen, to: jobAddress(spec.name), from: address, dueMs: clock.now() + decision.retryAfterMs, body: { ...job, attempt: job.attempt + 1, sinceMs } }]);
    }
  };

  const begin = (spec: ActivitySpec, job: Job, deliveries: number): Running => {
    const withdrawn = new AbortController();
    return { gen: job.owner.gen, withdrawn, work: perform(spec, job, deliveries, withdrawn.signal).finally(() => running.delete(attemptId(job))) };
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
    const id = attemptId(parsed.data);
    const run = running.get(id) ?? begin(spec, parsed.data, delivery.deliveries);
    running.set(id, run);
    await run.work;
  };

  /** Anybody may have said so on the bus: only what the store holds no more is cancelled. */
  const cancel = async ({ gen, withdrawn }: Running): Promise<void> => {
    if ((await promisedJob(gen)) === null) withdrawn.abort();
  };
  subscriptions.push(bus.onWithdrawn((gens) => {
    for (const gen of gens) left.set(gen, true);
    for (const run of running.values()) {
      if (gens.includes(run.gen)) cancel(run).catch((error: unknown) => log.warn({ job: run.gen, ...plainError(error) }, 'could not ask whether a job was withdrawn; it runs on'));
    }
  }));
  for (const spec of registry.activities()) {
    subscriptions.push(await bus.consumeJobs(spec.name.replaceAll('.', '-'), spec.concurrency ?? concurrencyDefault, handle(spec)));
  }
  return { stop: async () => void (await Promise.all(subscriptions.map((s) => s.stop()))) };
}
