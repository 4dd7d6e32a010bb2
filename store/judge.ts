// May this commit be written, and as what? Decided in memory, on what was read before, so that a whole group is judged in turn.
import { typeOf } from '#machines/address.ts';
import { accountKey, accountsOf, overlayLimits, whyUnaffordable, type Balance, type Budgets } from '#machines/budget.ts';
import { whyOverCap, type Cap } from '#machines/caps.ts';
import type { Commit, Committed } from '#machines/commit.ts';
import { moneySchema, type Money } from '#machines/effects.ts';
import type { Message } from '#machines/message.ts';
import { intentTransitions, labelRank, readPartId, type Intent } from '#machines/records.ts';
import { holdsOf } from '#machines/predicates.ts';
import type { Accepted } from './accepted.ts';
import { chainHash } from './audit.ts';
import { contradiction } from './contradictions.ts';
import { appliedOf, standingKey, type Known, type StandingFact } from './known.ts';
import { askSparingly } from './parked-items.ts';
import { partsHash, toPartRows, toStanding } from './part-rows.ts';
import { repeat } from './repeat.ts';
import { chainMax, stopLoop } from './trigger-loops.ts';

export interface Head { seq: number; hash: string }

export interface JudgeRules {
  /** Actors that were erased: nothing is written for them any more. */
  erased: Set<string>;
  /** What a commit sets off, as messages of the same transaction. */
  triggered(commit: Commit, seq: number): Message[];
  /** How much money may leave; null allows any. */
  caps?: readonly Cap[] | null;
  /** What models may cost; null allows any. */
  budgets?: Budgets | null;
}

/** The answer, or the commit as it will be written at the place after `head`. Keeps `known` current. */
export function judge(commit: Commit, known: Known, head: Head, { erased, triggered, caps = null, budgets = null }: JudgeRules): { answer: Committed } | { accepted: Accepted } {
  const before = known.repeats.get(commit.id);
  if (before) return { answer: before(commit) };
  if (erased.has(commit.actor) || (commit.requires !== undefined && !known.open.has(commit.requires))) return { answer: { outcome: 'closed' } };
  const rev = commit.step?.rev ?? null;
  const basis = rev === null ? commit.basis : rev - 1;
  if (basis !== undefined && (known.revs.get(commit.actor) ?? -1) !== basis) return { answer: { outcome: 'conflict' } };
  const reason = whyNotIntents(commit, known) ?? whyNotPayments(commit, known, caps) ?? whyNotArtifacts(commit, known) ?? whyNotSuperseding(commit, known);
  if (reason !== null) return { answer: { outcome: 'invalid', reason } };
  const unpaid = whyNotSpends(commit, known, budgets);
  if (unpaid !== null) return { answer: unpaid };
  commit = askSparingly(commit, known.parkedItems);

  const seq = head.seq + 1;
  const chain = known.chains.get(appliedOf(commit)) ?? [];
  const fired = triggered(commit, seq);
  const loops = fired.length > 0 && chain.length >= chainMax;
  const asked = [...questions(commit, seq, known), ...(loops ? loopToTell(stopLoop(commit, seq, chain, fired), known) : [])];
  const rows = toPartRows(commit, seq, asked, known);
  const parts = partsHash(rows);
  const hash = chainHash(head.hash, { seq, id: commit.id, actor: commit.actor, rev, at_ms: commit.atMs, outcome: commit.outcome, body: commit.journal, digest: null, parts });

  known.repeats.set(commit.id, repeat({ seq, first: commit.outcome, rev, body: commit.journal }));
  if (rev !== null) known.revs.set(commit.actor, rev);
  for (const id of [commit.id, ...commit.settles]) known.open.delete(id);
  trackSpends(commit, known);
  for (const { id, kind, state, data } of commit.intents) if (kind === 'payment') trackPayment(known, id, state, data);
  for (const { id, kind, state } of commit.intents) known.intents.set(id, { actor: known.intents.get(id)?.actor ?? commit.actor, kind, state });
  for (const [id, version, kind, , , content] of rows.artifact) known.artifacts.set(id as string, { version: version as number, kind: kind as string, hash: content as string });
  for (const [n, entity, predicate, , , label] of rows.fact) known.superseded.set(n as number, { entity: entity as string, predicate: predicate as string, label: label as string });
  return { accepted: { commit, seq, rows, asked, parts, hash, chain, sends: [...commit.sends, ...(loops ? [] : fired)] } };
}

/** Questions of the store's own are called so; nobody else may take such a name before. */
const ownQuestion = /^[ct]-\d+-\d+$/;

/** Once, until it is answered. */
function loopToTell(loop: Intent, { loops }: Known): Intent[] {
  if (loops.has(loop.summary!)) return [];
  loops.add(loop.summary!);
  return [loop];
}

function whyNotIntents({ actor, intents }: Commit, known: Known): string | null {
  const inTurn = new Map<string, { actor: string; kind: string; state: string }>();
  for (const { id, kind, state } of intents) {
    const before = inTurn.get(id) ?? known.intents.get(id);
    inTurn.set(id, { actor: before?.actor ?? actor, kind, state });
    if (!before) {
      if (ownQuestion.test(id)) return `${id} is a name for questions of the store`;
      continue;
    }
    if (before.actor !== actor && typeOf(actor) !== 'operator') return `the intent ${id} belongs to ${before.actor}; ${actor} cannot change it`;
    if (before.kind !== kind && typeOf(actor) !== 'operator') return `the intent ${id} is a ${before.kind}, not a ${kind}`;
    const from = before.state as Intent['state'];
    if (state !== from && !intentTransitions[from].includes(state)) return intentTransitions[from].length === 0 ? `a finished intent cannot be reopened: ${id} is ${from}` : `the intent ${id} cannot go from ${from} to ${state}`;
  }
  return null;
}

/** What the gate asked before is asked again here, where nobody can be faster. */
function whyNotPayments({ intents }: Commit, known: Known, caps: readonly Cap[] | null): string | null {
  const others = [...known.payments.values()];
  for (const { id, kind, state, data } of intents) {
    if (kind !== 'payment' || state !== 'working' || known.intents.has(id)) continue;
    const money = moneySchema.safeParse({ amountMinor: data?.['amountMinor'], currency: data?.['currency'], payee: data?.['payee'] });
    if (!money.success) return `the payment ${id} does not say how much of what goes to whom`;
    const reason = caps && whyOverCap(caps, others, money.data);
    if (reason) return reason;
    others.push(money.data);
  }
  return null;
}

/** In the transaction that reserves, so that nobody can be faster: settled + reserved stays within every limit. */
function whyNotSpends({ spends = [], atMs }: Commit, known: Known, budgets: Budgets | null): Committed | null {
  if (spends.length === 0) return null;
  if (new Set(spends.map(({ id }) => id)).size < spends.length) return { outcome: 'invalid', reason: 'one call is reserved or settled once in a commit' };
  const limits = budgets && overlayLimits(budgets, known.limits);
  const taken = new Map(known.balances);
  for (const spend of spends) {
    if (spend.state === 'settled') {
      if (!known.reservations.has(spend.id)) return { outcome: 'closed' };
      continue;
    }
    if (known.reservations.has(spend.id) || known.spent.has(spend.id)) return { outcome: 'invalid', reason: `money was reserved under ${spend.id} before` };
    const shortage = limits && whyUnaffordable(limits, (account) => taken.get(accountKey(account)) ?? untouched, spend, atMs);
    if (shortage) return { outcome: 'unaffordable', shortage };
    count(taken, spend, atMs, { settledMicros: 0, reservedMicros: spend.micros });
  }
  return null;
}

function trackSpends({ spends = [], atMs }: Commit, known: Known): void {
  for (const spend of spends) {
    if (spend.state === 'reserved') {
      known.reservations.set(spend.id, { workflow: spend.workflow, run: spend.run, micros: spend.micros, countedMs: atMs, untilMs: spend.untilMs });
      count(known.balances, spend, atMs, { settledMicros: 0, reservedMicros: spend.micros });
      continue;
    }
    const held = known.reservations.get(spend.id)!;
    known.reservations.delete(spend.id);
    known.spent.add(spend.id);
    count(known.balances, held, held.countedMs, { settledMicros: spend.micros, reservedMicros: -held.micros });
  }
}

const untouched: Balance = { settledMicros: 0, reservedMicros: 0 };

/** Adds to every budget that a call is counted in. */
function count(balances: Map<string, Balance>, { workflow, run }: { workflow: string; run: string }, countedMs: number, more: Balance): void {
  for (const account of accountsOf(workflow, run, countedMs)) {
    const { settledMicros, reservedMicros } = balances.get(accountKey(account)) ?? untouched;
    balances.set(accountKey(account), { settledMicros: settledMicros + more.settledMicros, reservedMicros: reservedMicros + more.reservedMicros });
  }
}

function trackPayment(known: Known, id: string, state: Intent['state'], data: Intent['data']): void {
  if (state === 'failed' || state === 'canceled' || state === 'rejected') known.payments.delete(id);
  else if (data) known.payments.set(id, data as unknown as Money);
}

/** Else a draft could take the place of a policy. */
function whyNotArtifacts({ artifacts }: Commit, known: Known): string | null {
  const kinds = new Map<string, string>();
  for (const { id, kind } of artifacts) {
    const before = kinds.get(id) ?? known.artifacts.get(id)?.kind;
    if (before !== undefined && before !== kind) return `the artifact ${id} is a ${before}, not a ${kind}`;
    kinds.set(id, kind);
  }
  return null;
}

/** An agent corrects what is as trusted as itself, and by the same kind of statement; the operator corrects everything. */
function whyNotSuperseding({ actor, facts }: Commit, known: Known): string | null {
  for (const { supersedes, entity, predicate, label } of facts) {
    if (supersedes === undefined) continue;
    const corrected = known.superseded.get(readPartId('f', supersedes) ?? -1);
    if (!corrected) return `there is no fact ${supersedes} to supersede`;
    if (typeOf(actor) === 'operator') continue;
    if (corrected.entity !== entity || corrected.predicate !== predicate) return `${supersedes} says something else: ${corrected.predicate} of ${corrected.entity}`;
    if (labelRank(corrected.label) < labelRank(label)) return `${supersedes} is ${corrected.label}; what is ${label} cannot correct it`;
  }
  return null;
}

/** What the commit says against what stands. Adds its own facts to what stands. */
function questions(commit: Commit, seq: number, known: Known): Intent[] {
  const found: Intent[] = [];
  commit.facts.forEach((fact, place) => {
    if (holdsOf(fact.predicate) !== 'one') return;
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
