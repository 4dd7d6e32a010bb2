// Named reads for whoever looks through the store: lists with names, what hangs together, and where a row comes from.
import { KeelsonError } from '#machines/errors.ts';
import { partsMax } from '#machines/records.ts';
import { count, cursor, filter, json, text, type Query } from './query-args.ts';
import { explain, mailText, whyKinds } from './why.ts';

const pageMax = 200;
const sourcesMax = 100;
const familyMax = 500;
const aroundMax = 50;

/** Who said something about the entity, and everybody whom they started. */
const family = `WITH RECURSIVE family(address) AS (
  SELECT address FROM actor WHERE address IN (SELECT actor FROM fact WHERE entity = ?1 ORDER BY n DESC LIMIT ${sourcesMax})
  UNION SELECT actor.address FROM family CROSS JOIN actor ON actor.parent = family.address LIMIT ${familyMax})`;

export const browseQueries = {
  /** Entities by id, each with its name as it was said last, how many facts there are and when the last one came. */
  async browse(db, args) {
    const kind = text(args, 'entityKind');
    const [start, place] = [`${kind}/${filter(args, 'startsWith') ?? ''}`, cursor(args, (id) => id)];
    const rows = await db.all(
      `SELECT id, kind, (SELECT value FROM fact WHERE entity = id AND predicate = kind || '.name' ORDER BY n DESC LIMIT 1) AS name, (SELECT count(*) FROM fact WHERE entity = id) AS facts,
         (SELECT recorded_ms FROM fact WHERE n = (SELECT max(n) FROM fact WHERE entity = id)) AS last_ms
       FROM entity WHERE id ${place !== null && place >= start ? '>' : '>='} ? AND id < ? ORDER BY id LIMIT ?`, place !== null && place >= start ? place : start, `${start}\u{10ffff}`, count(args, 'limit', 100, pageMax));
    return rows.map((row) => ({ ...row, name: json(row['name']), cursor: row['id'] }));
  },

  /** Runs, operations, questions and documents that began with what was said about an entity, newest first. */
  async around(db, args) {
    const id = text(args, 'id');
    const [actors, intents, artifacts] = await Promise.all([
      db.all(`${family} SELECT address, status, value, updated_ms FROM family CROSS JOIN actor USING (address) WHERE (parent IS NULL OR address LIKE 'operation/%') AND status <> 'erased' ORDER BY updated_ms DESC, address LIMIT ?2`, id, aroundMax),
      db.all(`${family} SELECT DISTINCT intent.id, intent.kind, intent.state, intent.summary, intent.updated_ms FROM family CROSS JOIN journal ON journal.actor = family.address CROSS JOIN intent_change ON n >= journal.seq * ${partsMax} AND n < (journal.seq + 1) * ${partsMax} CROSS JOIN intent ON intent.id = intent_change.id ORDER BY updated_ms DESC, intent.id LIMIT ?2`, id, aroundMax),
      db.all(`${family} SELECT DISTINCT artifact.id, artifact.kind, artifact.name, artifact.at_ms FROM (SELECT journal.seq FROM family CROSS JOIN journal ON journal.actor = family.address UNION SELECT artifact.seq FROM fact CROSS JOIN artifact ON artifact.id = fact.source WHERE fact.entity = ?1) seen CROSS JOIN artifact ON artifact.seq = seen.seq ORDER BY at_ms DESC, artifact.id LIMIT ?2`, id, aroundMax),
    ]);
    return { actors: actors.map((row) => ({ ...row, value: json(row['value']) })), intents, artifacts };
  },

  /** Whom something is said about in these documents. */
  async entitiesIn(db, args) {
    const sources = Array.isArray(args['sources']) ? args['sources'].map(String).slice(0, sourcesMax) : [];
    const rows = await db.all<{ entity: string }>(
      `SELECT entity FROM json_each(?1) CROSS JOIN fact ON source = json_each.value UNION SELECT entity FROM json_each(?1) CROSS JOIN fact ON source >= json_each.value || '#' AND source < json_each.value || '$' ORDER BY entity LIMIT ?2`, JSON.stringify(sources), aroundMax);
    return rows.map(({ entity }) => entity);
  },

  /** Where a row comes from, back to the raw input; null when there is no such row. */
  async why(db, args) {
    const [kind, id] = [whyKinds.find((one) => one === args['kind']), text(args, 'id')];
    if (kind === undefined) throw new KeelsonError('BAD_ARGUMENT', `'kind' must be one of ${whyKinds.join(', ')}`);
    return explain(db, kind, id);
  },

  /** A mail's words as the agents read them; null when they are gone. */
  mailText: (db, args) => mailText(db, text(args, 'id')),
} satisfies Record<string, Query>;
