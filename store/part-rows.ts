// The records of a commit as rows, and the one hash by which its journal row vouches for them.
import { sha256 } from '#actors/hash.ts';
import type { Commit } from '#machines/commit.ts';
import { predicateOf } from '#machines/predicates.ts';
import { partNumber, readPartId, type Fact, type Intent } from '#machines/records.ts';
import type { Value } from './database.ts';
import type { Known, StandingFact } from './known.ts';
import { late, vouched, type Vouched } from './tables.ts';

export type PartRows = Record<Vouched, Value[][]>;

/** `asked` are questions of the store's own about what the commit says. */
export function toPartRows(commit: Commit, seq: number, asked: Intent[], known: Known): PartRows {
  const { actor, atMs } = commit;
  const change = (owner: string) => (i: Intent, place: number): Value[] => [partNumber(seq, place), i.id, i.kind, i.state, text(i.summary ?? ''), i.data ? JSON.stringify(i.data) : '{}', owner, seq, atMs];
  return {
    fact: commit.facts.map((f, i) => {
      const { n, entity, predicate, value, label, confidence, source, validFromMs, validToMs } = toStanding(f, seq, i, atMs);
      return [n, entity, predicate, predicateOf(predicate)?.version ?? 1, value, label, confidence, source, f.supersedes ? readPartId('f', f.supersedes) : null, validFromMs, validToMs, actor, seq, atMs];
    }),
    intent_change: [...commit.intents.map(change(actor)), ...asked.map((intent, i) => change('store/questions')(intent, commit.intents.length + i))],
    decision: commit.decisions.map(({ what, outcome, confidence, ...detail }, i) => [partNumber(seq, i), actor, seq, atMs, text(what), text(outcome), confidence, commit.step?.machine ?? null, JSON.stringify(detail)]),
    annotation: commit.annotations.map(({ kind, target, text: words, ...detail }, i) => [partNumber(seq, i), kind, target.kind, text(target.id), text(words), JSON.stringify(detail), actor, seq, atMs]),
    artifact: artifactRows(commit, seq, known),
    spend: spendRows(commit, seq, known),
  };
}

/** Null when there is nothing to vouch for. */
export function partsHash(rows: PartRows): string | null {
  if (vouched.every((table) => rows[table].length === 0)) return null;
  return sha256(JSON.stringify(vouched.filter((table) => rows[table].length > 0 || !late.has(table)).map((table) => rows[table].toSorted(byKey))));
}

/** By the first two columns: all keys of these tables. */
function byKey(a: Value[], b: Value[]): number {
  const [x, y] = a[0] === b[0] ? [a[1]!, b[1]!] : [a[0]!, b[0]!];
  return x < y ? -1 : x > y ? 1 : 0;
}

export function toStanding(f: Fact, seq: number, place: number, atMs: number): StandingFact {
  return { n: partNumber(seq, place), entity: f.entity, predicate: f.predicate, value: JSON.stringify(f.value), label: f.label, confidence: f.confidence, source: f.source ?? null, validFromMs: f.validFromMs ?? atMs, validToMs: f.validToMs ?? null };
}

/** A settlement counts where its reservation did. */
function spendRows({ spends = [], actor, atMs }: Commit, seq: number, known: Known): Value[][] {
  return spends.map((spend, i) => {
    if (spend.state === 'reserved') {
      const { id, state, micros, workflow, run, untilMs, ...detail } = spend;
      return [partNumber(seq, i), id, state, workflow, run, micros, 0, atMs, untilMs, JSON.stringify(detail), actor, seq, atMs];
    }
    const { id, state, micros, ...detail } = spend;
    const { workflow, run, micros: held, countedMs, untilMs } = known.reservations.get(id)!;
    return [partNumber(seq, i), id, state, workflow, run, micros, held, countedMs, untilMs, JSON.stringify(detail), actor, seq, atMs];
  });
}

/** A version is counted up only when the content differs from the newest one. */
function artifactRows({ artifacts, actor, atMs }: Commit, seq: number, known: Known): Value[][] {
  const newest = new Map<string, { version: number; hash: string }>();
  return artifacts.flatMap(({ id, kind, mediaType, name, hash: content, sizeBytes }) => {
    const before = newest.get(id) ?? known.artifacts.get(id);
    if (before?.hash === content) return [];
    const version = (before?.version ?? 0) + 1;
    newest.set(id, { version, hash: content });
    return [[id, version, kind, text(mediaType), name === undefined ? null : text(name), content, sizeBytes, actor, seq, atMs]];
  });
}

/** Half a surrogate pair would come back as another character, and the hash would not fit. */
const text = (words: string) => words.toWellFormed();
