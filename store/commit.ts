// THE write. Commits that arrived while the last group was on disk are written together in one transaction: all parts of each,
// or none. Invariants: a message id is written once; an actor's revision follows the stored one; the epoch is still ours;
// every row is in the hash chain. The store is the only writer, so reading first and then writing is safe.
import type { Commit, Committed, Outcome } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Accepted } from './accepted.ts';
import { chainHash, firstHash } from './audit.ts';
import type { Database } from './database.ts';
import { illFormed } from './ill-formed.ts';
import { writeParts } from './write-parts.ts';

export interface Committer {
  commit(commit: Commit): Promise<Committed>;
  /** Runs another write between two groups; never inside one. */
  exclusively<T>(task: () => Promise<T>): Promise<T>;
}

interface Pending { commit: Commit; resolve(answer: Committed): void; reject(error: unknown): void }

const groupMax = 256;

/** `onWritten` learns of commits that are on disk, in their order; it must not throw. */
export async function createCommitter(database: Database, epoch: number, onWritten: (commits: Commit[]) => void): Promise<Committer> {
  const [last] = await database.all<{ seq: number; hash: string }>('SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1');
  let head = { seq: last?.seq ?? 0, hash: last?.hash ?? firstHash };
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
    let answers: Committed[];
    try {
      answers = await inTransaction(group.map((pending) => pending.commit));
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
    const written = group.filter((_, i) => answers[i]!.outcome === 'written').map((pending) => pending.commit);
    group.forEach((pending, i) => pending.resolve(answers[i]!));
    if (written.length > 0) onWritten(written);
  };

  const inTransaction = async (commits: Commit[]): Promise<Committed[]> => {
    await database.run('BEGIN IMMEDIATE');
    try {
      const { answers, accepted, next, again } = await judge(commits);
      const parked = accepted.filter(({ commit }) => commit.outcome === 'parked').length;
      const counted = await database.run(
        'UPDATE counter SET received = received + ?1 + ?2, applied = applied + ?1 - ?3, duplicate = duplicate + ?2, parked = parked + ?3 WHERE epoch = ?4',
        accepted.length, again.length, parked, epoch,
      );
      if (counted !== 1) throw new KeelsonError('STALE_EPOCH', `this store has epoch ${epoch}, but a newer one has taken the database over`);
      await writeParts(database, accepted, again);
      await database.run('COMMIT');
      head = next;
      return answers;
    } catch (error) {
      // On a full disk SQLite has rolled back already; a second error must not hide the first.
      await database.run('ROLLBACK').catch(() => {});
      throw error;
    }
  };

  const judge = async (commits: Commit[]) => {
    const ids = JSON.stringify(commits.map((commit) => commit.id));
    const actors = JSON.stringify(commits.flatMap((commit) => (commit.step ? [commit.actor] : [])));
    const required = commits.flatMap((commit) => (commit.requires ? [commit.requires] : []));
    const seen = await database.all<{ id: string; seq: number | null; rev: number; outcome: Outcome | null; note: string | null }>(
      `SELECT id, seq, rev, outcome, body ->> '$.note' AS note FROM journal WHERE id IN (SELECT value FROM json_each(?1))
       UNION ALL SELECT address, NULL, rev, NULL, NULL FROM actor WHERE address IN (SELECT value FROM json_each(?2))`,
      ids, actors,
    );
    const open = required.length > 0 ? new Set((await database.all<{ id: string }>('SELECT id FROM outbox WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(required))).map((row) => row.id)) : new Set<string>();
    const written = new Map<string, () => Committed>();
    const revs = new Map<string, number>();
    for (const row of seen) {
      if (row.seq === null) revs.set(row.id, row.rev);
      else written.set(row.id, () => ({ outcome: 'duplicate', seq: row.seq!, first: row.outcome!, note: row.note, rev: row.rev }));
    }
    let next = head;
    const accepted: Accepted[] = [];
    const again: string[] = [];
    const answers = commits.map((commit): Committed => {
      const before = written.get(commit.id);
      if (before) {
        again.push(commit.id);
        return before();
      }
      if (commit.requires && !open.has(commit.requires)) return { outcome: 'closed' };
      const rev = commit.step?.rev ?? null;
      if (rev !== null && (revs.get(commit.actor) ?? -1) !== rev - 1) return { outcome: 'conflict' };
      if (rev !== null) revs.set(commit.actor, rev);
      const seq = next.seq + 1;
      const hash = chainHash(next.hash, { seq, id: commit.id, actor: commit.actor, rev, at_ms: commit.atMs, outcome: commit.outcome, body: commit.journal });
      next = { seq, hash };
      accepted.push({ commit, seq, hash });
      for (const id of [commit.id, ...commit.settles]) open.delete(id);
      written.set(commit.id, () => ({ outcome: 'duplicate', seq, first: commit.outcome, note: noteOf(commit.journal), rev }));
      return { outcome: 'written', seq };
    });
    return { answers, accepted, next, again };
  };

  return {
    async commit(commit) {
      const reason = illFormed(commit);
      return reason === null ? new Promise((resolve, reject) => push({ commit, resolve, reject })) : { outcome: 'invalid', reason };
    },
    exclusively: (task) => new Promise((resolve, reject) => push(() => task().then(resolve, reject))),
  };
}

const codeOf = (error: unknown) => (error instanceof KeelsonError ? error.code : null);

/** Writing the group's commits one by one would fail in the same way, each after its own wait. */
function concernsAll(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'STORE_FULL' || code === 'STORE_BUSY' || code === 'STALE_EPOCH';
}

function noteOf(journal: string): string | null {
  return (JSON.parse(journal) as { note?: string | null }).note ?? null;
}
