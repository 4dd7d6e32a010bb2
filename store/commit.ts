// THE write. Commits that arrived while the last group was on disk are written together in one transaction: all parts of each,
// or none. Invariants: a message id is written once; an actor's revision follows the stored one; the epoch is still ours;
// every row is in the hash chain. The store is the only writer, so reading first and then writing is safe.
import type { Budgets } from '#machines/budget.ts';
import type { Cap } from '#machines/caps.ts';
import type { Commit, Committed } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Message } from '#machines/message.ts';
import type { Accepted } from './accepted.ts';
import { firstHash } from './audit.ts';
import type { Database } from './database.ts';
import { illFormed } from './ill-formed.ts';
import { judge, type Head, type JudgeRules } from './judge.ts';
import { readKnown } from './known.ts';
import { writeParts } from './write-parts.ts';

export interface Committer {
  commit(commit: Commit): Promise<Committed>;
  /** From now on nothing is written for these actors: they were erased. */
  forget(addresses: string[]): void;
  /** Runs another write between two groups; never inside one. `write` puts a commit and more into one transaction. */
  exclusively<T>(task: (write: WriteWith) => Promise<T>): Promise<T>;
}

/** Writes one commit, and `also` before it, in one transaction. Only inside `exclusively`. */
export type WriteWith = (commit: Commit, also: () => Promise<void>) => Promise<Committed>;

export interface CommitterOptions {
  /** Learns of commits that are on disk, in their order; must not throw. */
  onWritten(accepted: Accepted[]): void;
  /** Why a commit may not be written, or null; see store/rules.ts. */
  check?(commit: Commit): string | null;
  /** What a commit sets off; see store/triggers.ts. */
  triggered?(commit: Commit, seq: number): Message[];
  /** How much money may leave; null allows any. */
  caps?: readonly Cap[] | null;
  /** What models may cost; null allows any. */
  budgets?: Budgets | null;
}

interface Pending { commit: Commit; resolve(answer: Committed): void; reject(error: unknown): void }

const groupMax = 256;

/** For a file that nobody serves: its own epoch, and nobody to tell. */
export async function createPrivateCommitter(database: Database): Promise<Committer> {
  const [counter] = await database.all<{ epoch: number }>('SELECT epoch FROM counter');
  return createCommitter(database, counter!.epoch, { onWritten() {} });
}

export async function createCommitter(database: Database, epoch: number, { onWritten, check = illFormed, triggered = () => [], caps = null, budgets = null }: CommitterOptions): Promise<Committer> {
  const [last] = await database.all<Head>('SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1');
  let head: Head = { seq: last?.seq ?? 0, hash: last?.hash ?? firstHash };
  const erased = new Set((await database.all<{ address: string }>("SELECT address FROM actor WHERE status <> 'active' AND status = 'erased'")).map((row) => row.address));
  const rules: JudgeRules = { erased, triggered, caps, budgets };
  const queue: (Pending | (() => Promise<void>))[] = [];
  let busy = false;

  const drain = async () => {
    busy = true;
    while (queue.length > 0) {
      const first = queue[0]!;
      if (typeof first === 'function') {
        queue.shift();
        await first();
        continue;
      }
      const end = queue.findIndex((entry) => typeof entry === 'function');
      const group = queue.splice(0, Math.min(groupMax, end === -1 ? queue.length : end)) as Pending[];
      await writeGroup(group);
    }
    busy = false;
  };
  const push = (entry: Pending | (() => Promise<void>)) => {
    queue.push(entry);
    // Not at once: what arrives in the same turn belongs to the same group.
    if (!busy) {
      busy = true;
      setImmediate(() => void drain());
    }
  };

  const writeGroup = async (group: Pending[]): Promise<void> => {
    let written: { answers: Committed[]; accepted: Accepted[] };
    try {
      written = await inTransaction(group.map((pending) => pending.commit));
    } catch (error) {
      if (group.length > 1 && !concernsAll(error)) {
        // One bad commit must not fail its neighbours: write them one by one.
        for (const pending of group) await writeGroup([pending]);
        return;
      }
      for (const pending of group) {
        const code = codeOf(error);
        if (code === 'REFUSED') pending.resolve({ outcome: 'invalid', reason: (error as KeelsonError).message });
        // Somebody looks at the file with a tool that locks it: that passes.
        else pending.reject(code === 'STORE_BUSY' ? new KeelsonError('STORE_FAILED', (error as KeelsonError).message, { cause: error }) : error);
      }
      return;
    }
    group.forEach((pending, i) => pending.resolve(written.answers[i]!));
    if (written.accepted.length > 0) onWritten(written.accepted);
  };

  const inTransaction = async (commits: Commit[], also?: () => Promise<void>) => {
    await database.run('BEGIN IMMEDIATE');
    try {
      await also?.();
      const known = await readKnown(database, commits);
      const waiting = [...known.open];
      let next = head;
      const accepted: Accepted[] = [];
      const again: string[] = [];
      const answers = commits.map((commit): Committed => {
        const judged = judge(commit, known, next, rules);
        if ('accepted' in judged) {
          next = judged.accepted;
          accepted.push(judged.accepted);
          return { outcome: 'written', seq: next.seq };
        }
        if (judged.answer.outcome === 'duplicate' || judged.answer.outcome === 'mismatch') again.push(commit.id);
        return judged.answer;
      });
      const parked = accepted.filter(({ commit }) => commit.outcome === 'parked').length;
      const counted = await database.run(
        'UPDATE counter SET received = received + ?1 + ?2, applied = applied + ?1 - ?3, duplicate = duplicate + ?2, parked = parked + ?3 WHERE epoch = ?4',
        accepted.length, again.length, parked, epoch,
      );
      if (counted !== 1) throw superseded();
      const settled = new Set([...again, ...accepted.flatMap(({ commit }) => [commit.id, ...commit.settles])]);
      await writeParts(database, accepted, waiting.filter((id) => settled.has(id)));
      await database.run('COMMIT');
      head = { seq: next.seq, hash: next.hash };
      return { answers, accepted };
    } catch (error) {
      // On a full disk SQLite has rolled back already; a second error must not hide the first.
      await database.run('ROLLBACK').catch(() => {});
      throw error;
    }
  };

  const superseded = () => new KeelsonError('STALE_EPOCH', `this store has epoch ${epoch}, but a newer one has taken the database over`);
  const assertNewest = async () => {
    const [now] = await database.all<{ epoch: number }>('SELECT epoch FROM counter');
    if (now?.epoch !== epoch) throw superseded();
  };
  const write: WriteWith = async (commit, also) => {
    const { answers, accepted } = await inTransaction([commit], also);
    if (accepted.length > 0) onWritten(accepted);
    return answers[0]!;
  };

  return {
    async commit(commit) {
      const reason = check(commit);
      return reason === null ? new Promise((resolve, reject) => push({ commit, resolve, reject })) : { outcome: 'invalid', reason };
    },
    forget: (addresses) => addresses.forEach((address) => erased.add(address)),
    exclusively: (task) => new Promise((resolve, reject) => push(() => assertNewest().then(() => task(write)).then(resolve, reject))),
  };
}

const codeOf = (error: unknown) => (error instanceof KeelsonError ? error.code : null);

/** Writing the group's commits one by one would fail in the same way, each after its own wait. */
function concernsAll(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'STORE_FULL' || code === 'STORE_BUSY' || code === 'STORE_DAMAGED' || code === 'STALE_EPOCH';
}
