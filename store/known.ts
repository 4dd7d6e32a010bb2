// What the store must know of the past to judge a group of commits, read once per group. The fold over the group keeps it current.
import { accountKey, accountsOf, budgetEntity, budgetPredicate, type Balance, type Limits, type Spend } from '#machines/budget.ts';
import { capWindowMs } from '#machines/caps.ts';
import type { Money } from '#machines/effects.ts';
import type { Commit, Committed, Outcome } from '#machines/commit.ts';
import { holdsOf } from '#machines/predicates.ts';
import { readPartId } from '#machines/records.ts';
import { countParked } from './parked-items.ts';
import { repeat } from './repeat.ts';
import { chainMax, readChain } from './trigger-loops.ts';
import type { Database } from './database.ts';

/** A fact that counts today: not superseded. */
export interface StandingFact { n: number; entity: string; predicate: string; value: string; label: string; confidence: number; source: string | null; validFromMs: number; validToMs: number | null }

export interface Known {
  /** Answers to ids that were written before. */
  repeats: Map<string, (again: Commit) => Committed>;
  revs: Map<string, number>;
  /** Those of the messages they apply, require or settle that still wait. */
  open: Set<string>;
  /** The triggers that led to messages that are applied now. */
  chains: Map<string, readonly string[]>;
  /** Loops of triggers that the operator was told of and has not answered, by their summary. */
  loops: Set<string>;
  intents: Map<string, { actor: string; kind: string; state: string }>;
  /** The newest version of each artifact. */
  artifacts: Map<string, { version: number; kind: string; hash: string }>;
  /** Standing facts of predicates that hold one truth, by entity and predicate. */
  standing: Map<string, StandingFact[]>;
  /** Facts that are to be superseded and exist. */
  superseded: Map<number, { entity: string; predicate: string; label: string }>;
  /** Money on its way or arrived within the last 24 hours, by intent; read when a commit sends some. */
  payments: Map<string, Money>;
  /** Reservations that are to be settled and are open. */
  reservations: Map<string, { workflow: string; run: string; micros: number; countedMs: number; untilMs: number }>;
  /** Of the group's own calls, those that were settled already. */
  spent: Set<string>;
  /** What is taken of the budgets that the group reserves from; `accountKey`. */
  balances: Map<string, Balance>;
  /** The operator's word about limits, by workflow, `company` for all; read when a commit reserves money. */
  limits: Record<string, Limits>;
  /** Items about parked messages that wait, by who spoke to whom; read when a commit parks one. */
  parkedItems: Map<string, number>;
}

export const standingKey = (entity: string, predicate: string) => `${predicate}\n${entity}`;

/** The message or job that a commit comes of. */
export const appliedOf = ({ id, requires }: Commit) => requires ?? id;

export async function readKnown(database: Database, commits: Commit[]): Promise<Known> {
  const select = async <T>(sql: string, keys: (string | number)[]) => (keys.length === 0 ? [] : database.all<T>(sql, JSON.stringify(keys)));
  const known: Known = { repeats: new Map(), revs: new Map(), open: new Set(), chains: new Map(), loops: new Set(), intents: new Map(), artifacts: new Map(), standing: new Map(), superseded: new Map(), payments: new Map(), reservations: new Map(), spent: new Set(), balances: new Map(), limits: {}, parkedItems: new Map() };

  const seen = await database.all<{ id: string; seq: number | null; rev: number | null; outcome: Outcome; body: string | null }>(
    `SELECT id, seq, rev, outcome, body FROM journal WHERE id IN (SELECT value FROM json_each(?1))
     UNION ALL SELECT address, NULL, rev, NULL, NULL FROM actor WHERE address IN (SELECT value FROM json_each(?2))
     UNION ALL SELECT id, NULL, NULL, NULL, chain FROM outbox WHERE id IN (SELECT value FROM json_each(?3))`,
    JSON.stringify(commits.map((commit) => commit.id)), JSON.stringify(commits.flatMap((commit) => (commit.step || commit.basis !== undefined ? [commit.actor] : []))), JSON.stringify(commits.flatMap((commit) => [commit.id, appliedOf(commit), ...commit.settles])),
  );
  for (const { id, seq, rev, outcome, body } of seen) {
    if (seq !== null) known.repeats.set(id, repeat({ seq, first: outcome, rev, body }));
    else if (rev !== null) known.revs.set(id, rev);
    else {
      known.open.add(id);
      if (body !== null) known.chains.set(id, readChain(body));
    }
  }
  for (const { id, ...before } of await select<{ id: string; actor: string; kind: string; state: string }>('SELECT id, actor, kind, state FROM intent WHERE id IN (SELECT value FROM json_each(?))', commits.flatMap(({ intents }) => intents.map((intent) => intent.id)))) known.intents.set(id, before);
  if ([...known.chains.values()].some((chain) => chain.length >= chainMax)) {
    for (const { summary } of await database.all<{ summary: string }>("SELECT summary FROM intent WHERE state = 'input-required' AND kind = 'escalation' AND actor = 'store/questions'")) known.loops.add(summary);
  }
  // With max() SQLite takes the other columns from that same row.
  for (const { id, ...newest } of await select<{ id: string; version: number; kind: string; hash: string }>('SELECT id, max(version) AS version, kind, hash FROM artifact WHERE id IN (SELECT value FROM json_each(?)) GROUP BY id', commits.flatMap(({ artifacts }) => artifacts.map((artifact) => artifact.id)))) known.artifacts.set(id, newest);

  const paying = commits.filter(({ intents }) => intents.some(({ kind }) => kind === 'payment'));
  if (paying.length > 0) {
    const sinceMs = Math.min(...paying.map(({ atMs }) => atMs)) - capWindowMs;
    for (const { id, data } of await database.all<{ id: string; data: string }>("SELECT id, data FROM intent WHERE created_ms > ? AND kind = 'payment' AND state IN ('submitted', 'working', 'completed')", sinceMs)) known.payments.set(id, JSON.parse(data) as Money);
  }
  if (commits.some(({ parked }) => parked)) {
    const items = await database.all<{ actor: string; data: string }>("SELECT actor, data FROM intent WHERE state = 'input-required' AND kind = 'escalation' AND id >= 'parked-' AND id < 'parked.'");
    known.parkedItems = countParked(items.map(({ actor, data }) => ({ actor, data: JSON.parse(data) as unknown })));
  }

  const spends = commits.flatMap(({ atMs, spends: all = [] }) => all.map((spend) => ({ atMs, spend })));
  if (spends.length > 0) await readMoney(database, spends, known);

  const facts = commits.flatMap((commit) => commit.facts);
  for (const { n, ...fact } of await select<{ n: number; entity: string; predicate: string; label: string }>('SELECT n, entity, predicate, label FROM fact WHERE n IN (SELECT value FROM json_each(?))', facts.flatMap(({ supersedes }) => (supersedes ? [readPartId('f', supersedes) ?? -1] : [])))) known.superseded.set(n, fact);
  const keys = new Set(facts.filter(({ predicate }) => holdsOf(predicate) === 'one').map(({ entity, predicate }) => JSON.stringify([entity, predicate])));
  for (const key of keys) {
    const [entity, predicate] = JSON.parse(key) as [string, string];
    known.standing.set(standingKey(entity, predicate), await database.all<StandingFact>(
      `SELECT n, entity, predicate, value, label, confidence, source, valid_from_ms AS validFromMs, valid_to_ms AS validToMs FROM fact
       WHERE entity = ? AND predicate = ? AND NOT EXISTS (SELECT 1 FROM fact later WHERE later.supersedes = fact.n) ORDER BY n`, entity, predicate));
  }
  return known;
}

async function readMoney(database: Database, spends: { atMs: number; spend: Spend }[], known: Known): Promise<void> {
  const ids = JSON.stringify(spends.map(({ spend }) => spend.id));
  for (const { id, ...open } of await database.all<{ id: string; workflow: string; run: string; micros: number; countedMs: number; untilMs: number }>('SELECT id, workflow, run, micros, counted_ms AS countedMs, until_ms AS untilMs FROM reservation WHERE id IN (SELECT value FROM json_each(?))', ids)) known.reservations.set(id, open);
  const reserves = spends.flatMap(({ atMs, spend }) => (spend.state === 'reserved' ? accountsOf(spend.workflow, spend.run, atMs) : []));
  if (reserves.length === 0) return;
  for (const { id } of await database.all<{ id: string }>('SELECT id FROM spend WHERE id IN (SELECT value FROM json_each(?)) AND state = \'settled\'', ids)) known.spent.add(id);
  const keys = new Map(reserves.map((account) => [accountKey(account), [account.scope, account.period]]));
  for (const { scope, period, ...balance } of await database.all<Balance & { scope: string; period: string }>(
    `SELECT scope, period, settled AS settledMicros, reserved AS reservedMicros FROM json_each(?) asked JOIN balance ON scope = asked.value ->> '$[0]' AND period = asked.value ->> '$[1]'`, JSON.stringify([...keys.values()]))) known.balances.set(accountKey({ scope, period }), balance);
  known.limits = await readLimits(database);
}

/** The operator's newest word about the limits of each workflow, and of the company. */
export async function readLimits(database: Pick<Database, 'all'>): Promise<Record<string, Limits>> {
  const prefix = budgetEntity('');
  // SQLite takes the value from the row that has the maximum.
  const rows = await database.all<{ entity: string; value: string }>('SELECT entity, value, max(n) FROM fact WHERE predicate = ? AND label = \'operator\' GROUP BY entity', budgetPredicate);
  return Object.fromEntries(rows.map(({ entity, value }) => [entity.slice(prefix.length), JSON.parse(value) as Limits]));
}
