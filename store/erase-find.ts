// Whose is what: follows provenance from a person to everything that was derived from them. The answers are temporary tables of
// this connection: lost_entity, lost_actor, lost_artifact, lost_intent, lost_seq.
import { partsMax } from '#machines/records.ts';
import type { Database } from './database.ts';
import { vouched, type Table } from './tables.ts';

/** The artifact that a source or link names, without the line in it. */
export const baseOf = (column: string) => `CASE instr(${column}, '#') WHEN 0 THEN ${column} ELSE substr(${column}, 1, instr(${column}, '#') - 1) END`;

const machineActor = "actor NOT LIKE 'operator/%' AND actor NOT LIKE 'connector/%' AND actor NOT LIKE 'store/%' AND actor NOT LIKE 'host/%'";

const findings = [['lost_entity', 'id'], ['lost_actor', 'address'], ['lost_artifact', 'id'], ['lost_intent', 'id'], ['lost_seq', 'seq']] as const;
const theirEntity = '(entity IN (SELECT id FROM lost_entity))';
/** A fact without a source is not unknown but nobody's: `NOT` must find it. */
const theirSource = `(coalesce(${baseOf('source')}, '') IN (SELECT id FROM lost_artifact))`;

export async function findWhatIsTheirs(database: Database, entities: string[]): Promise<void> {
  await database.exec('PRAGMA temp_store = MEMORY');
  for (const [table, column] of findings) {
    await database.exec(`CREATE TEMP TABLE IF NOT EXISTS ${table} (${column} PRIMARY KEY) WITHOUT ROWID; DELETE FROM ${table}`);
  }
  await database.run('INSERT INTO lost_entity SELECT value FROM json_each(?)', JSON.stringify(entities));
  // Only what is nobody else's: a document or a run that also speaks of other people stays, without this person.
  if (entities.every((entity) => entity.startsWith('person/'))) {
    for (let found = 1; found > 0;) {
      found = 0;
      found += await database.run(`INSERT OR IGNORE INTO lost_artifact SELECT base FROM (SELECT DISTINCT ${baseOf('source')} AS base FROM fact WHERE source IS NOT NULL AND ${theirEntity})
        WHERE NOT EXISTS (SELECT 1 FROM fact WHERE source >= base AND source < base || '$' AND ${baseOf('source')} = base AND entity LIKE 'person/%' AND NOT ${theirEntity})`);
      found += await database.run(`INSERT OR IGNORE INTO lost_actor SELECT actor FROM fact WHERE ${machineActor} GROUP BY actor
        HAVING sum(${theirEntity} OR ${theirSource}) > 0 AND sum(entity LIKE 'person/%' AND NOT ${theirEntity}) = 0`);
      found += await database.run("INSERT OR IGNORE INTO lost_actor SELECT address FROM actor WHERE address IN (SELECT 'mail/' || id FROM lost_artifact)");
      found += await database.run(`INSERT OR IGNORE INTO lost_actor WITH RECURSIVE below (address) AS
        (SELECT address FROM lost_actor UNION SELECT actor.address FROM actor JOIN below ON actor.parent = below.address) SELECT address FROM below`);
      // Runs that a trigger started because of one of these facts.
      found += await database.run(`INSERT OR IGNORE INTO lost_actor SELECT actor FROM journal WHERE rev = 0 AND body ->> '$.from' = 'store/triggers'
        AND (body ->> '$.message.input.change.entity' IN (SELECT id FROM lost_entity) OR body ->> '$.message.input.change.actor' IN (SELECT address FROM lost_actor))`);
      found += await database.run('INSERT OR IGNORE INTO lost_artifact SELECT DISTINCT id FROM artifact WHERE actor IN (SELECT address FROM lost_actor)');
      found += await database.run("INSERT OR IGNORE INTO lost_artifact SELECT id FROM artifact WHERE actor LIKE 'connector/%' AND seq IN (SELECT seq FROM artifact WHERE id IN (SELECT id FROM lost_artifact))");
    }
  }
  await database.run("INSERT OR IGNORE INTO lost_intent SELECT id FROM intent_change WHERE actor IN (SELECT address FROM lost_actor) OR data ->> '$.payload.entity' IN (SELECT id FROM lost_entity) OR data ->> '$.payload.actor' IN (SELECT address FROM lost_actor)");
  await database.run('INSERT OR IGNORE INTO lost_seq SELECT seq FROM journal WHERE actor IN (SELECT address FROM lost_actor)');
  for (const table of vouched) await database.run(`INSERT OR IGNORE INTO lost_seq SELECT seq FROM ${table} WHERE ${theirs(table)}`);
  // What a trigger told others of these commits, in their words.
  await database.run(`INSERT OR IGNORE INTO lost_seq SELECT seq FROM journal WHERE body ->> '$.from' = 'store/triggers' AND coalesce(body ->> '$.message.event.change.seq', body ->> '$.message.input.change.seq') IN (SELECT seq FROM lost_seq)`);
}

export async function dropFindings(database: Database): Promise<void> {
  await database.exec(findings.map(([table]) => `DELETE FROM ${table}`).join(';'));
}

/** A query for the ids of numbered records. */
export const partIds = (letter: string, table: string) => `SELECT '${letter}-' || (n / ${partsMax}) || '-' || (n % ${partsMax}) FROM ${table}`;

/** Which rows of a table are theirs. Never NULL. */
export function theirs(table: Table): string {
  const theirFacts = `${theirEntity} OR actor IN (SELECT address FROM lost_actor) OR ${theirSource}`;
  switch (table) {
    case 'fact': return theirFacts;
    case 'intent_change':
    case 'intent': return 'id IN (SELECT id FROM lost_intent)';
    case 'decision': return 'actor IN (SELECT address FROM lost_actor)';
    case 'artifact': return 'id IN (SELECT id FROM lost_artifact)';
    case 'annotation': return `actor IN (SELECT address FROM lost_actor) OR target IN (SELECT id FROM lost_entity UNION ALL SELECT id FROM lost_artifact UNION ALL SELECT address FROM lost_actor UNION ALL SELECT id FROM lost_intent
      UNION ALL ${partIds('f', `fact WHERE ${theirFacts}`)} UNION ALL ${partIds('d', 'decision WHERE actor IN (SELECT address FROM lost_actor)')})`;
    case 'outbox': return "receiver IN (SELECT address FROM lost_actor) OR sender IN (SELECT address FROM lost_actor) OR (sender = 'store/triggers' AND coalesce(body ->> '$.event.change.seq', body ->> '$.input.change.seq', -1) IN (SELECT seq FROM lost_seq))";
    case 'actor': return 'address IN (SELECT address FROM lost_actor)';
    case 'search': return `id IN (SELECT id FROM lost_artifact) OR id IN (${partIds('f', `fact WHERE ${theirFacts}`)}) OR id IN (${partIds('a', `annotation WHERE ${theirs('annotation')}`)})`;
    case 'spend': return '0'; // money stays; where it names somebody, the name goes
    case 'parked': return 'seq IN (SELECT seq FROM lost_seq)';
    default: throw new Error(`nobody asks whose the rows of ${table} are`);
  }
}
