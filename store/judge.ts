// May this commit be written, and as what? Decided in memory, on what was read before, so that a whole group is judged in turn.
import { typeOf } from '#machines/address.ts';
import type { Commit, Committed } from '#machines/commit.ts';
import type { Message } from '#machines/message.ts';
import { intentTransitions, readPartId, type Intent } from '#machines/records.ts';
import type { Accepted } from './accepted.ts';
import { chainHash } from './audit.ts';
import { contradiction } from './contradictions.ts';
import { holdsOneTruth, standingKey, type Known, type StandingFact } from './known.ts';
import { partsHash, toPartRows, toStanding } from './part-rows.ts';
import { repeat } from './repeat.ts';

export interface Head { seq: number; hash: string }

export interface JudgeRules {
  /** Actors that were erased: nothing is written for them any more. */
  erased: Set<string>;
  /** What a commit sets off, as messages of the same transaction. */
  triggered(commit: Commit, seq: number): Message[];
}

/** The answer, or the commit as it will be written at the place after `head`. Keeps `known` current. */
export function judge(commit: Commit, known: Known, head: Head, { erased, triggered }: JudgeRules): { answer: Committed } | { accepted: Accepted } {
  const before = known.repeats.get(commit.id);
  if (before) return { answer: before(commit) };
  if (erased.has(commit.actor) || (commit.requires !== undefined && !known.open.has(commit.requires))) return { answer: { outcome: 'closed' } };
  const rev = commit.step?.rev ?? null;
  if (rev !== null && (known.revs.get(commit.actor) ?? -1) !== rev - 1) return { answer: { outcome: 'conflict' } };
  const reason = whyNotIntents(commit, known) ?? whyNotSuperseding(commit, known);
  if (reason !== null) return { answer: { outcome: 'invalid', reason } };

  const seq = head.seq + 1;
  const asked = questions(commit, seq, known);
  const rows = toPartRows(commit, seq, asked, known);
  const parts = partsHash(rows);
  const hash = chainHash(head.hash, { seq, id: commit.id, actor: commit.actor, rev, at_ms: commit.atMs, outcome: commit.outcome, body: commit.journal, digest: null, parts });

  known.repeats.set(commit.id, repeat({ seq, first: commit.outcome, rev, body: commit.journal }));
  if (rev !== null) known.revs.set(commit.actor, rev);
  for (const id of [commit.id, ...commit.settles]) known.open.delete(id);
  for (const { id, state } of commit.intents) known.intents.set(id, { actor: known.intents.get(id)?.actor ?? commit.actor, state });
  for (const [id, version, , , , content] of rows.artifact) known.artifacts.set(id as string, { version: version as number, hash: content as string });
  for (const [n] of rows.fact) known.superseded.add(n as number);
  return { accepted: { commit, seq, rows, asked, parts, hash, sends: [...commit.sends, ...triggered(commit, seq)] } };
}

function whyNotIntents({ actor, intents }: Commit, known: Known): string | null {
  for (const { id, state } of intents) {
    const stored = known.intents.get(id);
    if (!stored) continue;
    if (stored.actor !== actor && typeOf(actor) !== 'operator') return `the intent ${id} belongs to ${stored.actor}; ${actor} cannot change it`;
    const from = stored.state as Intent['state'];
    if (state !== from && !intentTransitions[from].includes(state)) return intentTransitions[from].length === 0 ? `a finished intent cannot be reopened: ${id} is ${from}` : `the intent ${id} cannot go from ${from} to ${state}`;
  }
  return null;
}

function whyNotSuperseding({ facts }: Commit, known: Known): string | null {
  const wrong = facts.find(({ supersedes }) => supersedes !== undefined && !known.superseded.has(readPartId('f', supersedes) ?? -1));
  return wrong ? `there is no fact ${wrong.supersedes} to supersede` : null;
}

/** What the commit says against what stands. Adds its own facts to what stands. */
function questions(commit: Commit, seq: number, known: Known): Intent[] {
  const found: Intent[] = [];
  commit.facts.forEach((fact, place) => {
    if (!holdsOneTruth(fact.predicate)) return;
    const key = standingKey(fact.entity, fact.predicate);
    const added: StandingFact = toStanding(fact, seq, place, commit.atMs);
    const corrected = commit.facts.map(({ supersedes }) => (supersedes ? readPartId('f', supersedes) : null));
    const standing = (known.standing.get(key) ?? []).filter(({ n }) => !corrected.includes(n));
    const question = contradiction(added, standing);
    if (question) found.push(question);
    known.standing.set(key, [...standing, added]);
  });
  return found;
}
