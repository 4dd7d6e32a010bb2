// What `keelson find KIND` can list. Kinds and filters are fixed words; what they are compared with is bound, never part of a query.
import type { Command } from 'commander';
import { KeelsonError } from '#machines/errors.ts';
import { entityKinds } from '#machines/predicates.ts';
import { artifactSchema } from '#machines/records.ts';
import { readMoment } from '#store/as-of.ts';
import type { Database, Row } from '#store/database.ts';
import { runQuery, type QueryName } from '#store/queries.ts';
import { oneLine, table } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';

const filters = ['entity', 'predicate', 'value', 'label', 'actor', 'state', 'kind', 'type', 'rule', 'version', 'since', 'until'] as const;
type Filter = (typeof filters)[number];

interface Listing {
  query: QueryName;
  /** What the option is called in the query. */
  takes: Partial<Record<Filter, string>>;
  fixed?: Record<string, string>;
}

const facts: Listing = { query: 'facts', takes: { entity: 'entity', predicate: 'predicate', value: 'value', label: 'label', actor: 'actor', kind: 'entityKind', since: 'since', until: 'until' } };
const artifacts: Listing = { query: 'artifacts', takes: { kind: 'artifactKind', actor: 'actor', since: 'since', until: 'until' } };
const without = (listing: Listing, filter: Filter, fixed: Record<string, string>): Listing => ({ query: listing.query, takes: { ...listing.takes, [filter]: undefined }, fixed });
const entities: Listing = { query: 'entities', takes: { kind: 'entityKind' } };

const listings: Record<string, Listing> = {
  fact: facts,
  entity: entities,
  ...Object.fromEntries(entityKinds.map((kind) => [kind, without(entities, 'kind', { entityKind: kind })])),
  intent: { query: 'intents', takes: { state: 'state', kind: 'intentKind', actor: 'actor', since: 'since', until: 'until' } },
  artifact: artifacts,
  ...Object.fromEntries(artifactSchema.shape.kind.options.map((kind) => [kind, without(artifacts, 'kind', { artifactKind: kind })])),
  decision: { query: 'decisions', takes: { actor: 'actor', kind: 'what', state: 'outcome', type: 'type', rule: 'rule', version: 'version', since: 'since', until: 'until' } },
  annotation: { query: 'annotations', takes: { entity: 'target', kind: 'annotationKind', actor: 'actor', since: 'since', until: 'until' } },
  parked: { query: 'parked', takes: { since: 'since', until: 'until' } },
  actor: { query: 'actors', takes: { kind: 'type', state: 'status', since: 'since', until: 'until' } },
};
const plurals: Record<string, string> = { people: 'person', entities: 'entity', policies: 'policy' };
/** `mails` is `mail`. */
const singular = (kind: string) => (Object.hasOwn(plurals, kind) ? plurals[kind]! : kind.replace(/s$/, ''));

export const findKinds = Object.keys(listings);

export async function find(db: Database, kind: string, { limit = '100', after, ...options }: Record<string, string | undefined>): Promise<Row[]> {
  const name = Object.hasOwn(listings, kind) ? kind : singular(kind);
  if (!Object.hasOwn(listings, name)) throw new KeelsonError('BAD_ARGUMENT', `there is no kind '${kind}'; choose one of ${findKinds.join(', ')}`);
  const { query, takes, fixed = {} } = listings[name]!;
  const args: Record<string, unknown> = { ...fixed, limit: Number(limit), cursor: after };
  for (const filter of filters) {
    const given = options[filter];
    if (given === undefined) continue;
    const key = takes[filter];
    const known = filters.filter((one) => takes[one]).map((one) => `--${one}`);
    if (!key) throw new KeelsonError('BAD_ARGUMENT', `find ${kind} takes no --${filter}`, { hint: known.length > 0 ? `It takes ${known.join(', ')}.` : 'It takes only --limit and --after.' });
    args[key] = filter === 'since' || filter === 'until' ? await readMoment(db, given) : filter === 'value' ? toJson(given) : given;
  }
  const rows = (await runQuery(db, query, args)) as Row[];
  return name === 'parked' ? rows.map((row) => ({ ...row, bytes: Buffer.from(row['bytes'] as Uint8Array).toString('base64') })) : rows;
}

/** What is valid JSON is compared as such; anything else as text. */
function toJson(words: string): string {
  try {
    return JSON.stringify(JSON.parse(words));
  } catch {
    return JSON.stringify(words);
  }
}

export function addFindCommands(program: Command, define: Define): void {
  define(program.command('find').argument('<kind>', findKinds.join(', ')).description('facts, people, artifacts, decisions, …')
    .option('--entity <id>').option('--predicate <name>').option('--value <value>', 'JSON or text').option('--label <label>').option('--actor <address>').option('--state <state>').option('--kind <kind>', 'of intents, artifacts, entities, …')
    .option('--type <type>', 'of the agent that decided').option('--rule <rule>', 'of a policy').option('--version <version>', 'of the policies')
    .option('--since <time>', 'a date, or the id of something that was recorded').option('--until <time>', 'before this time').option('--after <cursor>', 'what comes after the row with this cursor').option('--limit <n>', 'at most this many', '100'), async ({ dataDir, out }, kind: string, options: Record<string, string>) => {
    const rows = await withDatabase(dataDir, (db) => find(db, kind, options));
    out.result(rows, (all) => {
      if (all.length === 0) return `No ${kind} ${options['after'] === undefined ? 'yet' : 'after that'}.`;
      const columns = Object.keys(all[0]!).filter((column) => column !== 'cursor' && column !== 'n');
      const lines = table(columns, all.map((row) => columns.map((column) => oneLine(toCell(row[column]), 60))));
      return all.length < Number(options['limit']) ? lines : `${lines}\n\nThere may be more: add --after ${oneLine(quote(String(all.at(-1)!['cursor'])), 400)}`;
    });
  });

  define(program.command('search').argument('<text...>').description('mails, templates, drafts, facts and corrections with these words, and what is very like them')
    .option('--kind <kind>', 'only this kind: fact, mail, template, sent, correction, …').option('--limit <n>', 'at most this many', '20'), async ({ dataDir, out }, words: string[], options: { limit: string; kind?: string }) => {
    const found = await withDatabase(dataDir, (db) => runQuery(db, 'recall', { text: words.join(' '), all: true, limit: Number(options.limit), ...(options.kind ? { kinds: [options.kind] } : {}) })) as { kind: string; id: string; text: string; score: number }[];
    const hits = found.map(({ kind, id, text, score }) => ({ kind, id, text, score }));
    out.result(hits, (all) => (all.length === 0 ? 'Nothing found.' : table(['KIND', 'ID', 'SCORE', 'TEXT'], all.map((h) => [h.kind, h.id, h.score.toFixed(2), oneLine(h.text, 80)]))));
  });
}

const toCell = (value: unknown) => (typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value));
/** For a shell. */
const quote = (word: string) => (/^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
