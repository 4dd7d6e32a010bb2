// Named reads of the gate and the desk: who vouches for a value, who proposed, which operation is meant, is anything allowed to leave, how
// much money is on its way.
import { connectorPrefix, controlKindSchema, type ConnectorMode } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { partId } from '#machines/records.ts';
import { vouchers } from '#machines/vouchers.ts';
import { readSetting, runSetting } from './setting.ts';
import { count, filter, json, jsonText, rowsMax, text, type Query } from './query-args.ts';

// What an agent states counts for nothing here, however it is labelled: else it could make anybody known. What an operation states has happened.
const inForce = `(label IN ('operator', 'policy', 'verified-connector') OR (label = 'system' AND actor LIKE 'operation/%')) AND valid_from_ms <= ?1 AND (valid_to_ms IS NULL OR valid_to_ms > ?1) AND NOT EXISTS (SELECT 1 FROM fact later WHERE later.supersedes = fact.n)`;

/** The operator's last word on whether anything may leave. */
export const newestEffects = "SELECT value ->> '$.state' AS state, value ->> '$.reason' AS reason, recorded_ms AS sinceMs FROM fact WHERE predicate = 'company.effects' AND label = 'operator' ORDER BY n DESC LIMIT 1";

/** Each connector about which the operator said anything, with the last word. SQLite takes the other columns from the row that has the maximum. */
const newestModes = `SELECT substr(entity, ${connectorPrefix.length + 1}) AS connector, value ->> '$.mode' AS mode, value ->> '$.reason' AS reason, recorded_ms AS sinceMs, max(n) AS n FROM fact WHERE predicate = 'connector.mode' AND label = 'operator' GROUP BY entity`;

export const effectQueries = {
  /** The newest fact that knows this value as a value of this kind, or null. `value` is JSON text. */
  async vouched(db, args) {
    const kind = controlKindSchema.safeParse(args['kind']).data;
    if (kind === undefined) throw new KeelsonError('BAD_ARGUMENT', `'kind' must be one of ${controlKindSchema.options.join(', ')}`);
    const value = jsonText(args, 'value');
    for (const { predicate, at } of vouchers[kind]) {
      const column = at === 'value' ? "lower(value ->> '$')" : `lower(value ->> '$.${at.join('.')}')`;
      const compared = typeof value === 'string' ? value.toLowerCase() : JSON.stringify(value);
      const [row] = await db.all<{ n: number; label: string }>(`SELECT n, label FROM fact WHERE predicate = ?2 AND ${column} = lower(?3) AND ${inForce} ORDER BY n DESC LIMIT 1`, count(args, 'nowMs', 0, Number.MAX_SAFE_INTEGER), predicate, compared);
      if (row) return { fact: partId('f', row.n), label: row.label, predicate };
    }
    return null;
  },

  /** The address of whoever started this actor. */
  async proposer(db, args) {
    const address = text(args, 'address');
    const [row] = await db.all<{ parent: string | null; sender: string | null }>("SELECT record ->> '$.parent.address' AS parent, (SELECT body ->> '$.from' FROM journal WHERE actor = ?1 ORDER BY seq LIMIT 1) AS sender FROM actor WHERE address = ?1", address);
    return row ? row.parent ?? row.sender : null;
  },

  /** The operation with this address, or else those that were proposed under this id: whoever proposes chooses it, so it may be one of several. */
  async operation(db, args) {
    const id = text(args, 'id');
    const columns = "SELECT address, record ->> '$.snapshot.context.id' AS id, value FROM actor WHERE address >= 'operation/' AND address < 'operation0' AND status <> 'erased'";
    const found = await db.all(`${columns} AND address = ?`, id);
    const rows = found.length > 0 ? found : await db.all(`${columns} AND record ->> '$.snapshot.context.id' = ? ORDER BY address LIMIT ?`, id, rowsMax);
    return rows.map(({ value, ...row }) => ({ ...row, value: json(value) }));
  },

  /** Whether anything may leave: the operator's last word, what is in the sandbox, and whether the server that owns this store runs dry. */
  async effects(db) {
    const [row] = await db.all(newestEffects);
    const modes = await db.all<{ connector: string; mode: ConnectorMode; reason: string; sinceMs: number }>(newestModes);
    const sandbox = modes.filter(({ mode }) => mode === 'sandbox').map(({ connector, reason, sinceMs }) => ({ connector, reason, sinceMs }));
    return { ...(row ?? { state: 'running', reason: '', sinceMs: null }), sandbox, dryRun: (await readSetting<{ dryRun: boolean }>(db, runSetting))?.dryRun ?? false };
  },

  /** Operations whose effect may be happening now, or has happened and nobody knows. */
  async onTheirWay(db) {
    const rows = await db.all(`SELECT address, value FROM actor WHERE address >= 'operation/' AND address < 'operation0' AND status = 'active' AND value IN ('"dispatching"', '"settling"', '"releasing"', '"unknown"') ORDER BY address`);
    return rows.map(({ address, value }) => ({ address, value: json(value) }));
  },

  /** Operations that are being prepared or dispatched: the gate looks at them now. */
  leaving: (db) => db.all(`SELECT address FROM actor WHERE address >= 'operation/' AND address < 'operation0' AND status = 'active' AND value IN ('{"prepared":"preparing"}', '"dispatching"') ORDER BY address`),

  /** Operations that wait until something may leave. */
  halted: (db) => db.all(`SELECT address FROM actor WHERE address >= 'operation/' AND address < 'operation0' AND status = 'active' AND value = '{"prepared":"halted"}' ORDER BY address`),

  /** Money that is on its way or has arrived, of intents made since then. */
  async payments(db, args) {
    const rows = await db.all("SELECT id, state, actor, data, created_ms FROM intent WHERE created_ms >= ? AND kind = 'payment' AND state IN ('submitted', 'working', 'completed') ORDER BY created_ms", count(args, 'sinceMs', 0, Number.MAX_SAFE_INTEGER));
    return rows.map((row) => ({ id: row['id'], state: row['state'], actor: row['actor'], createdMs: row['created_ms'], ...(json(row['data']) as object) }));
  },

  /** A document with its bytes: the newest version, or the one with this hash. */
  async document(db, args) {
    const hash = filter(args, 'hash');
    const [row] = await db.all<{ id: string; hash: string; name: string | null; media_type: string; bytes: Uint8Array | string }>(
      `SELECT a.id, a.hash, a.name, a.media_type, b.bytes FROM artifact a JOIN blob b ON b.hash = a.hash WHERE a.id = ?1 AND (?2 IS NULL OR a.hash = ?2) ORDER BY a.version DESC LIMIT 1`, text(args, 'id'), hash);
    return row ? { id: row.id, hash: row.hash, name: row.name, mediaType: row.media_type, base64: Buffer.from(row.bytes as Uint8Array).toString('base64') } : null;
  },
} satisfies Record<string, Query>;
