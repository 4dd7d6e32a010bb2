// Named reads of how good answers were: what a tier claimed, and what became of it. Read from what was recorded anyway (decisions, questions,
// approvals, corrections), among the newest decisions only, so that it takes as long in a store of a million rows as in a small one.
import { partId, partsMax } from '#machines/records.ts';
import type { Database, Row } from './database.ts';
import { commitsBetween, count, filter, json, ofTask, type Query } from './query-args.ts';

const rowsDefault = 4_000;
const rowsMax = 20_000;

/**
 * `approved`: as it was · `edited`: the operator said something else when asked · `rejected` · `contradicted`: it stood, and was corrected later ·
 * `unseen`: it stood and nobody said anything · `open`: the operator has it before him.
 */
export type Became = 'approved' | 'edited' | 'rejected' | 'contradicted' | 'unseen' | 'open';
export interface OutcomeRow { id: string; atMs: number; actor: string; task: string; tier: string; kind: string; confidence: number; outcome: Became; implied: boolean }

interface Decided { n: number; actor: string; atMs: number; what: string; outcome: string; confidence: number | null; task: string | null; tier: string | null; model: string | null; reason: string | null; about: string | null }
interface Asked { id: string; category: string | null; confidence: number | null }

export const qualityQueries = {
  /** Newest first: answers of tiers since a moment, and what became of each; of one task, or of all. */
  async outcomes(db, args): Promise<OutcomeRow[]> {
    const { from } = await commitsBetween(db, args);
    const rows = await db.all<Row & Decided>(
      `SELECT n, actor, at_ms AS atMs, what, outcome, confidence, detail ->> '$.task' AS task, detail ->> '$.tier' AS tier, detail ->> '$.model' AS model, detail ->> '$.reasons[0]' AS reason,
         (SELECT value ->> '$.id' FROM json_each(detail, '$.evidence') WHERE value ->> '$.kind' = 'artifact' AND value ->> '$.id' NOT LIKE 'template/%' AND value ->> '$.id' NOT LIKE 'rule/%' LIMIT 1) AS about
       FROM decision INDEXED BY decision_task WHERE ${ofTask} AND n >= ?1 AND what <> 'ladder' AND (?2 IS NULL OR coalesce(detail ->> '$.task', what) = ?2) ORDER BY n DESC LIMIT ?3`, (from ?? 0) * partsMax, filter(args, 'task'), count(args, 'limit', rowsDefault, rowsMax));
    return judge(rows, await readSigns(db, rows));
  },

  /** What was found out about each tier, the newest of each. Only who measures and the operator are believed. */
  async tierQuality(db) {
    const rows = await db.all<{ entity: string; value: string; n: number; atMs: number }>("SELECT entity, value, max(n) AS n, recorded_ms AS atMs FROM fact WHERE predicate = 'tier.quality' AND (actor = 'quality/main' OR label = 'operator') GROUP BY entity ORDER BY entity");
    return rows.map(({ n, value, ...row }) => ({ ...row, id: partId('f', n), ...(json(value) as object) }));
  },
} satisfies Record<string, Query>;

interface Signs {
  /** The run that an actor belongs to: whoever started it. */
  runOf: Map<string, string>;
  /** What was said of the run's reply, oldest first. */
  replies: Map<string, { what: string; outcome: string }[]>;
  runs: Map<string, string>;
  asked: Map<string, Asked>;
  /** States of the tasks that came of mails. */
  tasks: Map<string, string>;
  corrected: Set<string>;
}

async function readSigns(db: Database, rows: readonly Decided[]): Promise<Signs> {
  const list = (values: Iterable<string>) => JSON.stringify([...new Set(values)]);
  const mails = new Set(rows.flatMap(({ about }) => about ?? []));
  const parents = await db.all<{ address: string; parent: string }>('SELECT address, parent FROM actor WHERE address IN (SELECT value FROM json_each(?)) AND parent IS NOT NULL', list(rows.map(({ actor }) => actor)));
  const runOf = new Map(parents.map(({ address, parent }) => [address, parent]));
  const operations = await db.all<{ address: string; parent: string }>("SELECT address, parent FROM actor WHERE parent IN (SELECT value FROM json_each(?)) AND address >= 'operation/' AND address < 'operation0'", list(runOf.values()));
  const ofReply = new Map(operations.map(({ address, parent }) => [address, parent]));
  const said = await db.all<{ actor: string; what: string; outcome: string }>("SELECT actor, what, outcome FROM decision WHERE actor IN (SELECT value FROM json_each(?)) AND what IN ('approval', 'operation', 'policy', 'mail') ORDER BY n", list([...ofReply.keys(), ...runOf.values()]));
  const asked = await db.all<Row & Asked>("SELECT id, min(n) AS n, data ->> '$.category' AS category, data ->> '$.confidence' AS confidence FROM intent_change WHERE id IN (SELECT value FROM json_each(?)) AND state = 'input-required' GROUP BY id", list([...mails].flatMap((id) => [`q-${id}`, `w-${id}`])));
  const tasks = await db.all<{ id: string; state: string }>('SELECT id, state FROM intent WHERE id IN (SELECT value FROM json_each(?))', list([...mails].map((id) => `t-${id}`)));
  const corrected = await db.all<{ target: string }>("SELECT DISTINCT target FROM annotation WHERE target IN (SELECT value FROM json_each(?)) AND kind = 'correction'", list([...mails].flatMap((id) => [id, `draft-${id}`]).concat(rows.map(({ n }) => partId('d', n)))));
  const replies = new Map<string, { what: string; outcome: string }[]>();
  const runs = new Map<string, string>();
  for (const { actor, what, outcome } of said) {
    const run = ofReply.get(actor);
    if (run === undefined) runs.set(actor, outcome);
    else replies.set(run, [...(replies.get(run) ?? []), { what, outcome }]);
  }
  return { runOf, replies, runs, asked: new Map(asked.map((one) => [one.id, one])), tasks: new Map(tasks.map(({ id, state }) => [id, state])), corrected: new Set(corrected.map(({ target }) => target)) };
}

function judge(rows: readonly Decided[], signs: Signs): OutcomeRow[] {
  return rows.flatMap((row) => {
    const task = row.task ?? row.what;
    const known = task === 'draft' ? judgeDraft(row, signs) : task === 'extract' ? judgeExtract(row) : judgeVerdict(row, signs);
    return known === null ? [] : [{ id: partId('d', row.n), atMs: row.atMs, actor: row.actor.slice(0, row.actor.indexOf('/')), task, ...known }];
  });
}

type Known = Pick<OutcomeRow, 'tier' | 'kind' | 'confidence' | 'outcome' | 'implied'>;

/** As triage writes it (machines/agents/triage.ts). */
const guesser = /^Before you answered, (.{1,100}) said \w+ at /;

/** When the operator was asked, the claim is what he was shown; the decision is what he said. */
function judgeVerdict({ n, actor, outcome, confidence, tier, reason, about }: Decided, { runOf, replies, asked, tasks, corrected }: Signs): Known | null {
  const question = asked.get(`q-${about}`);
  if (question) {
    const became = question.category === outcome ? 'approved' : outcome === 'spam' ? 'rejected' : 'edited';
    return question.confidence === null ? null : { tier: guesser.exec(reason ?? '')?.[1] ?? (tier === null || tier === 'operator' ? 'rules' : tier), kind: question.category ?? outcome, confidence: question.confidence, outcome: became, implied: false };
  }
  if (confidence === null || tier === 'operator') return null;
  const isCorrected = corrected.has(partId('d', n)) || (about !== null && corrected.has(about));
  const reply = replies.get(runOf.get(actor) ?? '') ?? [];
  // Who answers a mail as it was proposed, or does what was asked, has found it to be what it was taken for.
  const implied = reply.some(({ what, outcome: said }) => what === 'approval' && said === 'approved') || tasks.get(`t-${about}`) === 'completed';
  return { tier: tier ?? 'rules', kind: outcome, confidence, outcome: isCorrected ? 'contradicted' : implied ? 'approved' : 'unseen', implied: implied && !isCorrected };
}

/** As extraction writes it (machines/agents/extraction.ts): its question is its own, and the decision says what became of it. */
function judgeExtract({ outcome, confidence, tier }: Decided): Known | null {
  const answers: Record<string, Became> = { approved: 'approved', corrected: 'edited', nothing: 'rejected' };
  return confidence === null ? null : { tier: tier ?? 'rules', kind: 'amount', confidence, outcome: answers[outcome] ?? 'unseen', implied: false };
}

function judgeDraft({ actor, outcome, confidence, tier, model, about }: Decided, { runOf, replies, runs, asked, corrected }: Signs): Known | null {
  if (confidence === null) return null;
  const run = runOf.get(actor) ?? '';
  const reply = replies.get(run) ?? [];
  const said = (what: string, ...outcomes: string[]) => reply.some((one) => one.what === what && outcomes.includes(one.outcome));
  const became = (): Became => {
    if (corrected.has(`draft-${about}`)) return 'edited';
    if (said('approval', 'approved')) return 'approved';
    if (said('operation', 'rejected') || (runs.get(run) === 'ignored' && asked.has(`w-${about}`))) return 'rejected';
    if (said('operation', 'done', 'expired', 'canceled', 'failed', 'dry-run', 'refused') || runs.has(run)) return 'unseen';
    return 'open';
  };
  return { tier: tier ?? (model === null ? 'templates' : 'large'), kind: outcome, confidence, outcome: became(), implied: false };
}
