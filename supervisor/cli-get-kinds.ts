// What `keelson get KIND ID` can show, each kind as it was at a moment.
import type { Registry } from '#actors/registry.ts';
import { replay } from '#actors/replay.ts';
import { KeelsonError } from '#machines/errors.ts';
import { entityKinds } from '#machines/predicates.ts';
import { findOperation, readMoment } from '#store/as-of.ts';
import type { Database, Row } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';
import { readHistory } from './cli-look.ts';

/** `atMs` is the one moment for what has only one axis of time. */
interface Times { validAtMs: number; knownAtMs: number; atMs: number; given: boolean }
interface Asked { version?: number | undefined; times: Times; machines(): Promise<Registry> }
type Reader = (db: Database, id: string, asked: Asked) => Promise<object>;

const forever = 8_640_000_000_000_000; // the last moment a Date can name
const iso = (ms: unknown) => new Date(Number(ms)).toISOString();
const notFound = (kind: string, id: string) => new KeelsonError('NOT_FOUND', `there is no ${kind} '${id}'`);
const notYet = (kind: string, id: string, atMs: number) => new KeelsonError('NOT_FOUND', `there was no ${kind} '${id}' yet at ${iso(atMs)}`);
const textLike = /^(?:text\/|message\/rfc822$|application\/json$)/;
const textBytesMax = 1_000_000;

const readers: Record<string, Reader> = {
  async entity(db, id, { times: { validAtMs, knownAtMs } }) {
    const view = await runQuery(db, 'entityView', { id, validAtMs, knownAtMs });
    if (view === null) throw notFound('entity', id);
    return view as object;
  },
  ...Object.fromEntries(entityKinds.map((kind): [string, Reader] => [kind, (db, id, asked) => readers['entity']!(db, id.startsWith(`${kind}/`) ? id : `${kind}/${id}`, asked)])),
  async fact(db, id, { times: { atMs } }) {
    const row = recorded('fact', id, atMs, (await runQuery(db, 'fact', { id })) as Row | null, 'recorded_ms');
    const { entity, predicate, value, label, confidence, source, supersedes, actor, valid_from_ms: from, valid_to_ms: to, recorded_ms: recordedMs } = row;
    const later = (row['supersededBy'] as unknown as { id: string; recorded_ms: number }[]).filter((fact) => fact.recorded_ms <= atMs);
    return { id, entity, predicate, value, label, confidence, source, supersedes, supersededBy: later.map((fact) => fact.id), validFrom: iso(from), validTo: to === null ? null : iso(to), actor, recordedAt: iso(recordedMs) };
  },
  async decision(db, id, { times: { atMs } }) {
    const { n: _, at_ms: at, ...row } = recorded('decision', id, atMs, (await runQuery(db, 'decision', { id })) as Row | null, 'at_ms');
    return { ...row, at: iso(at) };
  },
  async annotation(db, id, { times: { atMs } }) {
    const { n: _, at_ms: at, ...row } = recorded('annotation', id, atMs, (await runQuery(db, 'annotation', { id })) as Row | null, 'at_ms');
    return { ...row, at: iso(at) };
  },
  async intent(db, id, { times: { atMs } }) {
    const all = (await runQuery(db, 'intentChanges', { id })) as { kind: string; state: string; summary: string; data: object; actor: string; at_ms: number }[];
    const changes = all.filter((change) => change.at_ms <= atMs);
    const [first, last] = [changes[0], changes.at(-1)];
    if (!first || !last) throw all.length > 0 ? notYet('intent', id, atMs) : notFound('intent', id);
    // A change that says nothing of summary or data leaves them as they are.
    const summary = changes.findLast((change) => change.summary !== '')?.summary ?? '';
    const data = changes.findLast((change) => Object.keys(change.data).length > 0)?.data ?? {};
    return { id, kind: last.kind, state: last.state, actor: first.actor, summary, data, createdAt: iso(first.at_ms), updatedAt: iso(last.at_ms), changes: changes.map(({ state, actor, at_ms: at }) => ({ state, actor, at: iso(at) })) };
  },
  artifact: (db, id, { version, times: { atMs } }) => readVersion(db, id, { version, atMs }),
  policy: (db, id, { version, times: { atMs } }) => readVersion(db, id.startsWith('policy/') ? id : `policy/${id}`, { version, atMs }),
  template: (db, id, { version, times: { atMs } }) => readVersion(db, id.startsWith('template/') ? id : `template/${id}`, { version, atMs }),
  actor: (db, id, { times, machines }) => readActorAt(db, id, times, machines),
  async operation(db, id, { times, machines }) {
    const address = await findOperation(db, id);
    if (address === null) throw notFound('operation', id);
    return readActorAt(db, address, times, machines);
  },
};

export const getKinds = Object.keys(readers);

/** Times are words: a date, or the id of something that was recorded. `machines` are needed to tell how an actor was. Throws NOT_FOUND and BAD_ARGUMENT. */
export async function get(db: Database, kind: string, id: string, { asOf, knownAt, version }: { asOf?: string; knownAt?: string; version?: string }, machines: () => Promise<Registry>): Promise<object> {
  if (!Object.hasOwn(readers, kind)) throw new KeelsonError('BAD_ARGUMENT', `there is no kind '${kind}'; choose one of ${getKinds.join(', ')}`);
  if (version !== undefined && !['artifact', 'policy', 'template'].includes(kind)) throw new KeelsonError('BAD_ARGUMENT', `a ${kind} has no --version`, { hint: 'Give --as-of with a time.' });
  if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version)) throw new KeelsonError('BAD_ARGUMENT', '--version must be a number, from 1');
  return readers[kind]!(db, id, { version: version === undefined ? undefined : Number(version), times: await readTimes(db, asOf, knownAt), machines });
}

/** Without --as-of, what is asked about is the moment of --known-at. */
async function readTimes(db: Database, asOf: string | undefined, knownAt: string | undefined): Promise<Times> {
  const nowMs = Date.now();
  const known = knownAt === undefined ? null : await readMoment(db, knownAt);
  const valid = asOf === undefined ? known : await readMoment(db, asOf);
  return { validAtMs: valid ?? nowMs, knownAtMs: known ?? nowMs, atMs: valid === null ? forever : Math.min(valid, known ?? forever), given: valid !== null };
}

function recorded(kind: string, id: string, atMs: number, row: Row | null, key: string): Row {
  if (!row) throw notFound(kind, id);
  if (Number(row[key]) > atMs) throw notYet(kind, id, atMs);
  return row;
}

export interface Version { id: string; version: number; kind: string; mediaType: string; name: string | null; hash: string; sizeBytes: number; actor: string; at: string; versions: number; text: string | null }

/** That version of a document, else the newest up to `atMs`. `text` is null when it is no text, too long, or erased. */
export async function readVersion(db: Database, id: string, { version, atMs = forever }: { version?: number | undefined; atMs?: number }): Promise<Version> {
  const all = (await runQuery(db, 'artifacts', { id, limit: 10_000 })) as (Omit<Version, 'at' | 'text' | 'versions'> & { atMs: number })[];
  if (all.length === 0) throw notFound('artifact', id);
  const found = all.find((one) => (version === undefined ? one.atMs <= atMs : one.version === version));
  if (!found) throw version === undefined ? notYet('artifact', id, atMs) : new KeelsonError('NOT_FOUND', `'${id}' has no version ${version}`, { hint: `It has 1 to ${all[0]!.version}.` });
  const { kind, mediaType, name, hash, sizeBytes, actor } = found;
  const bytes = textLike.test(mediaType) && sizeBytes <= textBytesMax ? ((await runQuery(db, 'blob', { hash })) as Uint8Array | null) : null;
  return { id, version: found.version, kind, mediaType, name, hash, sizeBytes, actor, at: iso(found.atMs), versions: all[0]!.version, text: bytes && new TextDecoder().decode(bytes) };
}

async function readActorAt(db: Database, address: string, { atMs, given }: Times, machines: () => Promise<Registry>): Promise<object> {
  const stored = (await runQuery(db, 'actor', { address })) as { record: unknown } | null;
  if (!stored) throw notFound('actor', address);
  if (!given) return stored.record as object;
  const rows = (await readHistory(db, address)).filter((row) => row.at_ms <= atMs);
  if (!rows.some(({ rev }) => rev !== null)) throw notYet('actor', address, atMs);
  if (rows.some(({ body }) => body === null)) throw new KeelsonError('NOT_FOUND', `the early history of ${address} is gone: erased or too old`, { hint: 'Ask for it without --as-of: the newest state is kept.' });
  const { matches, record, difference } = replay(await machines(), address, rows, null);
  if (!matches || !record) throw new KeelsonError('UNKNOWN_MACHINE', `the history of ${address} cannot be replayed: ${difference?.reason}`);
  return record;
}
