// From any row back to the raw input. Each row leads to the commit that wrote it; a commit leads to the one whose message caused
// it, as the journal says. An operator's word has no cause: then the chain goes on with what the actor did before, which is what
// was asked about. Bodies may be gone, erased or too old; the ids of messages still say who sent them.
import { partId, partsMax, readPartId, type Decision, type Link } from '#machines/records.ts';
import { findOperation } from './as-of.ts';
import type { Database, Row } from './database.ts';

export interface WhyDecision extends Omit<Decision, 'what'> { id: string; what: string }
export interface WhyStep {
  seq: number;
  at: string;
  /** The id of the message. */
  id: string;
  actor: string;
  rev: number | null;
  machine: string | null;
  outcome: string;
  /** What came: an event, a start, a result; null when that is gone. */
  event: string | null;
  from: string | null;
  note: string | null;
  decisions: WhyDecision[];
  /** What the facts of this step were read from. */
  evidence: Link[];
  /** The commit that led to this one; null at the beginning. */
  cause: number | null;
}
export interface RawInput { artifact: string; version: number; hash: string; name: string | null; line?: number; text?: string }
export interface Why { kind: string; id: string; chain: WhyStep[]; raw: RawInput[]; cut: boolean }

export const whyKinds = ['fact', 'intent', 'artifact', 'decision', 'annotation', 'actor', 'operation', 'entity'] as const;
export type WhyKind = (typeof whyKinds)[number];

const stepsMax = 200;
const entityFactsMax = 5;

interface JournalRow { seq: number; id: string; actor: string; rev: number | null; at_ms: number; outcome: string; body: string | null }
interface Body { from?: string; cause?: string; note?: string | null; message?: { kind: string; machine?: string; child?: string; event?: { type: string }; [key: string]: unknown }; [key: string]: unknown }
type Origin = { seq: number; source?: string | null };

/** The chain, newest step first, and the raw inputs at its end; null when there is no such row. */
export async function explain(db: Database, kind: WhyKind, id: string): Promise<Why | null> {
  const origins = await originsOf(db, kind, id);
  if (origins.length === 0) return null;
  const steps = new Map<number, WhyStep>();
  const sources: { id: string; seq: number }[] = origins.flatMap(({ seq, source }) => (source ? [{ id: source, seq }] : []));
  let cut = false;
  for (const { seq } of origins) {
    let [row] = await journal(db, 'seq = ?', seq);
    while (row && !steps.has(row.seq)) {
      if (steps.size === stepsMax) {
        cut = true;
        break;
      }
      const body = row.body === null ? null : (JSON.parse(row.body) as Body);
      const step = await toStep(db, row, body);
      steps.set(row.seq, step);
      sources.push(...(await rawInputs(db, row, step)));
      row = await causeOf(db, row, body);
      step.cause = row?.seq ?? null;
    }
  }
  const inputs = new Map<string, RawInput>();
  for (const source of sources) {
    const input = await toRawInput(db, source);
    if (input) inputs.set(`${input.artifact}@${input.version}#${input.line ?? ''}`, input);
  }
  const raw = [...inputs.values()];
  // A line says more than the whole that it is in.
  const isInLine = (input: RawInput) => input.line === undefined && raw.some(({ artifact, version, line }) => line !== undefined && artifact === input.artifact && version === input.version);
  return { kind, id, chain: [...steps.values()].toSorted((a, b) => b.seq - a.seq), raw: raw.filter((input) => !isInLine(input)), cut };
}

/** The commits that wrote the row. An intent has two: the one that changed it last, and the one that asked. */
async function originsOf(db: Database, kind: WhyKind, id: string): Promise<Origin[]> {
  const part = (prefix: 'f' | 'd' | 'a') => readPartId(prefix, id) ?? -1;
  switch (kind) {
    case 'fact': return db.all<Origin>('SELECT seq, source FROM fact WHERE n = ?', part('f'));
    case 'decision': return db.all<Origin>('SELECT seq FROM decision WHERE n = ?', part('d'));
    case 'annotation': return db.all<Origin>('SELECT seq FROM annotation WHERE n = ?', part('a'));
    case 'intent': return db.all<Origin>('SELECT seq FROM intent_change WHERE n IN (SELECT max(n) FROM intent_change WHERE id = ?1 UNION SELECT min(n) FROM intent_change WHERE id = ?1) ORDER BY n DESC', id);
    case 'artifact': return db.all<Origin>('SELECT seq, id AS source FROM artifact WHERE id = ? ORDER BY version DESC LIMIT 1', id);
    case 'entity': return db.all<Origin>('SELECT seq, source FROM fact WHERE entity = ? ORDER BY n DESC LIMIT ?', id, entityFactsMax);
    case 'actor': return db.all<Origin>("SELECT seq FROM journal WHERE actor = ? AND outcome <> 'parked' ORDER BY seq DESC LIMIT 1", id);
    case 'operation': {
      const address = await findOperation(db, id);
      return address === null ? [] : originsOf(db, 'actor', address);
    }
  }
}

const journal = (db: Database, condition: string, ...values: (string | number)[]) => db.all<JournalRow>(`SELECT seq, id, actor, rev, at_ms, outcome, body FROM journal WHERE ${condition} ORDER BY seq DESC LIMIT 1`, ...values);

async function causeOf(db: Database, row: JournalRow, body: Body | null): Promise<JournalRow | undefined> {
  if (body?.cause !== undefined) {
    const [cause] = await journal(db, 'id = ?', body.cause);
    if (cause) return cause;
  }
  // `mail/m-1#3.0`, `…~2`, `…!result`: made by the step of mail/m-1 that led to revision 3.
  const [, sender, rev] = /^(.+)#(\d{1,15})\.\d+/s.exec(row.id) ?? [];
  if (sender !== undefined) return (await journal(db, 'actor = ? AND rev = ?', sender, Number(rev)))[0];
  if (row.id.startsWith('start:')) {
    const [received] = await journal(db, 'id = ?', row.id.replace('start:', 'received:'));
    if (received) return received;
  }
  return row.rev === null || row.rev === 0 ? undefined : (await journal(db, 'actor = ? AND rev = ?', row.actor, row.rev - 1))[0];
}

async function toStep(db: Database, { seq, id, actor, rev, at_ms: atMs, outcome }: JournalRow, body: Body | null): Promise<WhyStep> {
  const decided = await db.all<Row & { n: number; detail: string }>('SELECT n, what, outcome, confidence, machine, detail FROM decision WHERE n >= ? AND n < ? ORDER BY n', seq * partsMax, (seq + 1) * partsMax);
  const facts = await db.all<{ source: string }>('SELECT DISTINCT source FROM fact WHERE n >= ? AND n < ? AND source IS NOT NULL ORDER BY n', seq * partsMax, (seq + 1) * partsMax);
  const [owner] = rev === null ? [] : await db.all<{ machine: string }>('SELECT machine FROM actor WHERE address = ?', actor);
  return {
    seq, at: new Date(atMs).toISOString(), id, actor, rev, machine: owner?.machine ?? null, outcome, event: body && eventOf(body), from: body?.from ?? null,
    note: body === null ? 'the message is gone: erased or too old' : typeof body.note === 'string' ? body.note : null,
    decisions: decided.map(({ n, machine: _, detail, ...decision }) => ({ ...(JSON.parse(detail) as Decision), ...(decision as unknown as Pick<Decision, 'what' | 'outcome' | 'confidence'>), id: partId('d', n) })),
    evidence: facts.map(({ source }) => ({ kind: 'artifact' as const, id: source })),
    cause: null,
  };
}

function eventOf({ message, ...body }: Body): string {
  if (message?.kind === 'event') return message.event?.type ?? 'event';
  if (message) return [message.kind, message.child ?? message.machine].filter(Boolean).join(' ');
  const { job, result, claimed, error } = body;
  if (typeof job === 'string') return `job ${typeof result === 'string' ? result : claimed ? 'claimed' : error ? 'failed' : ''}`.trimEnd();
  return Object.keys(body)[0] ?? 'commit';
}

/** What this commit brought in from outside, and what its decisions and facts point to. */
async function rawInputs(db: Database, { seq, rev }: JournalRow, { decisions, evidence }: WhyStep): Promise<{ id: string; seq: number }[]> {
  const links = [...decisions.flatMap((decision) => decision.evidence), ...evidence];
  const facts = links.filter(({ kind }) => kind === 'fact').map(({ id }) => readPartId('f', id) ?? -1);
  const readFrom = await db.all<{ id: string }>('SELECT source AS id FROM fact WHERE n IN (SELECT value FROM json_each(?)) AND source IS NOT NULL ORDER BY n', JSON.stringify(facts));
  const received = rev === null ? await db.all<{ id: string }>('SELECT id FROM artifact WHERE seq = ?', seq) : [];
  return [...links.filter(({ kind }) => kind === 'artifact' || kind === 'policy'), ...readFrom, ...received].map(({ id }) => ({ id, seq }));
}

/** Artifact kinds that come from our own steps. */
const ownWork = ['draft', 'sent'];

/** The version that was the newest at that commit, and its line when the id ends in `#L12`. */
async function toRawInput(db: Database, { id: source, seq }: { id: string; seq: number }): Promise<RawInput | null> {
  const [, id = source, lineText] = /^(.+)#L(\d{1,9})$/s.exec(source) ?? [];
  const [artifact] = await db.all<{ artifact: string; version: number; hash: string; name: string | null; kind: string; mediaType: string }>('SELECT id AS artifact, version, hash, name, kind, media_type AS mediaType FROM artifact WHERE id = ? AND seq <= ? ORDER BY version DESC LIMIT 1', id, seq);
  if (!artifact || ownWork.includes(artifact.kind)) return null;
  const { kind, mediaType, ...input } = artifact;
  if (lineText === undefined) return input;
  const line = Number(lineText);
  const words = kind === 'mail' ? await mailText(db, id) : mediaType.startsWith('text/') ? await blobText(db, input.hash) : null;
  const found = words?.split('\n')[line - 1];
  return { ...input, line, ...(found === undefined ? {} : { text: found.trim() }) };
}

/** As the agents read it: in the message that started the run; else in the index, which has the subject in front. */
export async function mailText(db: Database, id: string): Promise<string | null> {
  const [start] = await db.all<{ text: string | null }>("SELECT body ->> '$.message.input.mail.text' AS text FROM journal WHERE id = ?", `start:${id}`);
  if (typeof start?.text === 'string') return start.text;
  const [indexed] = await db.all<{ text: string }>("SELECT text FROM search WHERE search MATCH 'kind : mail' AND id = ? ORDER BY rowid DESC LIMIT 1", id);
  return indexed ? indexed.text.slice(indexed.text.indexOf('\n') + 1) : null;
}

async function blobText(db: Database, hash: string): Promise<string | null> {
  const [blob] = await db.all<{ text: string }>('SELECT CAST(bytes AS TEXT) AS text FROM blob WHERE hash = ?', hash);
  return blob?.text ?? null;
}
