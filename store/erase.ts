// Erasing a person from the database: what is theirs goes, where others mention them the mention goes, and the journal says which
// bodies and records went, so that the chain still verifies. One transaction; then the file is rewritten without the old bytes.
import { sha256 } from '#actors/hash.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Committer } from './commit.ts';
import type { Database } from './database.ts';
import { dropFindings, findWhatIsTheirs, theirs } from './erase-find.ts';
import { findMentioningBodies, findMentions, findStepsOfMentions } from './erase-mentions.ts';
import { createNeedles, entitiesOf } from './needles.ts';
import { toRanges, type Removal } from './removals.ts';
import { vouched } from './tables.ts';
import { forgetPlaces } from './vectors.ts';
import { readParts } from './verify.ts';

export interface Erasure {
  /** Names this erasure; asking again with it goes on where it stopped. */
  id: string;
  entity: string;
  addresses: string[];
}
export interface EraseCounts { actors: number; facts: number; artifacts: number; intents: number; decisions: number; annotations: number; journal: number; mentions: number }
/** What is left to do, as JSON in the table `erasure`. */
export interface ErasurePlan extends Erasure { counts: EraseCounts }

/** The entity that a mail address or an entity id names, and the addresses by which it is known. Throws NOT_FOUND. */
export async function findSubject(database: Database, subject: string): Promise<Omit<Erasure, 'id'>> {
  const address = subject.toLowerCase();
  for (const entity of [subject, address, `person/${subject}`, `person/${address}`]) {
    if ((await database.all('SELECT 1 FROM entity WHERE id = ?', entity)).length > 0) return { entity, addresses: await findAddressesOf(database, entity) };
  }
  const [known, ...others] = await database.all<{ entity: string }>("SELECT DISTINCT entity FROM fact WHERE predicate = 'person.email' AND lower(value) = ?", JSON.stringify(address));
  if (known && others.length === 0) return { entity: known.entity, addresses: await findAddressesOf(database, known.entity) };
  throw new KeelsonError('NOT_FOUND', `nobody is known as '${subject}'`, { hint: '`keelson find people` lists who is known.' });
}

/**
 * The addresses of a person, in lower case. Anybody can write that somebody else's address is theirs: one that is known as a person
 * of its own counts only when it was not read from a mail and not corrected since.
 */
export async function findAddressesOf(database: Database, entity: string): Promise<string[]> {
  const emails = await database.all<{ value: string; sure: number }>(
    `SELECT value, max(label <> 'untrusted' AND NOT EXISTS (SELECT 1 FROM fact AS later WHERE later.supersedes = fact.n)) AS sure FROM fact WHERE entity = ? AND predicate = 'person.email' GROUP BY value`, entity);
  const addresses = [entity.slice(entity.indexOf('/') + 1).toLowerCase()];
  for (const { value, sure } of emails) {
    const address = String(JSON.parse(value)).toLowerCase();
    if (sure === 1 || (await database.all('SELECT 1 FROM entity WHERE id = ?', `person/${address}`)).length === 0) addresses.push(address);
  }
  return [...new Set(addresses)].filter((address) => /.@.+\../.test(address));
}

/** Erasures that were begun and are not finished. */
export async function openErasures(database: Database): Promise<ErasurePlan[]> {
  return (await database.all<{ plan: string }>('SELECT plan FROM erasure ORDER BY at_ms')).map(({ plan }) => JSON.parse(plan) as ErasurePlan);
}

/** Erases in one transaction and remembers that the rest (bus, files, old bytes) is still to do. Done before: answers the counts. */
export async function erase(database: Database, committer: Committer, erasure: Erasure, nowMs: number): Promise<ErasurePlan> {
  return committer.exclusively(async (write) => {
    const before = (await openErasures(database)).find(({ id }) => id === erasure.id);
    if (before) return before;
    const commit = `erase:${erasure.id}`;
    const [done] = await database.all<{ body: string }>('SELECT body FROM journal WHERE id = ?', commit);
    if (done) return { ...erasure, counts: (JSON.parse(done.body) as { counts: EraseCounts }).counts };
    const needles = createNeedles(erasure.entity, erasure.addresses);
    await findWhatIsTheirs(database, entitiesOf(erasure.entity, erasure.addresses));
    for (const seq of [...(await findMentioningBodies(database, needles)), ...(await findStepsOfMentions(database, needles))]) await database.run('INSERT OR IGNORE INTO lost_seq VALUES (?)', seq);
    const lost = (await database.all<{ address: string }>('SELECT address FROM lost_actor')).map(({ address }) => address);
    const bodies = (await database.all<{ seq: number }>('SELECT seq FROM lost_seq JOIN journal USING (seq) WHERE body IS NOT NULL ORDER BY seq')).map(({ seq }) => seq);
    const records = new Set<number>();
    const count = async (table: (typeof vouched)[number]) => (await database.all<{ n: number }>(`SELECT count(*) AS n FROM ${table} WHERE ${theirs(table)}`))[0]!.n;
    // What goes is known before the transaction: nothing else writes meanwhile, and the journal row must name it.
    for (const table of vouched) for (const { seq } of await database.all<{ seq: number }>(`SELECT DISTINCT seq FROM ${table} WHERE ${theirs(table)}`)) records.add(seq);
    const mentions = await findMentions(database, needles);
    for (const { seq } of mentions) if (seq !== null) records.add(seq);
    const counts: EraseCounts = {
      actors: lost.length, facts: await count('fact'), artifacts: await count('artifact'), intents: await count('intent_change'),
      decisions: await count('decision'), annotations: await count('annotation'), journal: bodies.length, mentions: mentions.length,
    };
    const plan: ErasurePlan = { ...erasure, counts };
    if (Object.values(counts).every((n) => n === 0)) return plan;
    const touched = [...records].toSorted((a, b) => a - b);
    const declaration = emptyCommit(commit, nowMs, 'store/erase', {});
    const answer = await write(declaration, async () => {
      await database.run('INSERT INTO erasure (id, plan, at_ms) VALUES (?, ?, ?)', erasure.id, JSON.stringify(plan), nowMs);
      await removeBodies(database, bodies);
      await removeRecords(database);
      for (const mention of mentions) await mention.redact();
      await database.run('DELETE FROM entity WHERE NOT EXISTS (SELECT 1 FROM fact WHERE fact.entity = entity.id)');
      const removed: Removal = { reason: 'erased', bodies: toRanges(bodies), records: toRanges(touched), left: await hashWhatIsLeft(database, touched) };
      declaration.journal = JSON.stringify({ removed, counts });
    });
    if (answer.outcome !== 'written') throw new KeelsonError('REFUSED', `the erasure ${erasure.id} was not written: ${answer.outcome}`);
    committer.forget(lost);
    await dropFindings(database);
    return plan;
  });
}

/**
 * The last step: no byte of what was deleted is left in the file or its log, then nothing of the erasure is left to do. Throws
 * STORE_FAILED when somebody reads an old state all the while; asked again, it goes on.
 */
export async function finishErasure(database: Database, committer: Committer, id: string, tries = triesMax): Promise<void> {
  // Under a reader each try would leave the whole rewritten file in the log.
  await emptyLog(database, committer, tries);
  await committer.exclusively(async () => {
    await database.exec("INSERT INTO search (search) VALUES ('optimize')");
    await database.exec('VACUUM');
  });
  await emptyLog(database, committer, tries);
  await committer.exclusively(async () => {
    await database.exec('PRAGMA secure_delete = ON');
    await database.run('DELETE FROM erasure WHERE id = ?', id);
    await database.exec('PRAGMA secure_delete = OFF');
  });
  await emptyLog(database, committer, tries);
}

/** Each try waits for readers as long as the database does, see `busy_timeout`; others write between. */
const triesMax = 30;

export async function emptyLog(database: Database, committer: Committer, tries: number): Promise<void> {
  for (let i = 0; i < tries; i++) {
    const [result] = await committer.exclusively(() => database.all<{ busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)'));
    if (result?.busy === 0) return;
  }
  throw new KeelsonError('STORE_FAILED', 'another process reads the database, so old bytes cannot be overwritten yet', { hint: 'It may be an export, a verification or an SQLite tool. When it has ended, a running server goes on within a minute; on a stopped company run the same erase again.' });
}

/** So that nobody can change what is left of a commit that was touched. */
async function hashWhatIsLeft(database: Database, seqs: number[]): Promise<Removal['left']> {
  const left: Removal['left'] = {};
  for (const seq of seqs) {
    const hash = (await readParts(database, [seq]))(seq);
    if (hash !== null) left[seq] = hash;
  }
  return left;
}

async function removeBodies(database: Database, seqs: number[]): Promise<void> {
  for (const seq of seqs) {
    const [row] = await database.all<{ body: string }>('SELECT body FROM journal WHERE seq = ?', seq);
    await database.run('UPDATE journal SET body = NULL, digest = ? WHERE seq = ?', sha256(row!.body), seq);
  }
}

async function removeRecords(database: Database): Promise<void> {
  // The full-text index first: its rows are found through what they were made from.
  const places = (await database.all<{ place: number }>(`SELECT rowid AS place FROM search WHERE ${theirs('search')}`)).map(({ place }) => place);
  await forgetPlaces(database, places);
  for (const table of ['search', 'annotation'] as const) await database.run(`DELETE FROM ${table} WHERE ${theirs(table)}`);
  await database.run(`DELETE FROM blob WHERE hash IN (SELECT hash FROM artifact WHERE ${theirs('artifact')}) AND hash NOT IN (SELECT hash FROM artifact WHERE NOT (${theirs('artifact')}))`);
  for (const table of ['fact', 'intent', 'intent_change', 'decision', 'artifact', 'outbox', 'parked'] as const) await database.run(`DELETE FROM ${table} WHERE ${theirs(table)}`);
  // An answer of a model does not say what the model was shown. All of them can be had again.
  await database.run('DELETE FROM answer');
  await database.run("UPDATE actor SET record = 'null', value = 'null', status = 'erased' WHERE address IN (SELECT address FROM lost_actor)");
}
