// What the company knows about one entity, on two axes: what was true at one moment, as far as it was known at another. Pure.
import { holdsOf, predicateOf, upcastValue, type Json } from '#machines/predicates.ts';
import { labelRank, partId } from '#machines/records.ts';

/** A row of the table `fact`. */
export interface FactRow {
  n: number;
  entity: string;
  predicate: string;
  version: number;
  /** JSON */
  value: string;
  label: string;
  confidence: number;
  source: string | null;
  supersedes: number | null;
  valid_from_ms: number;
  valid_to_ms: number | null;
  recorded_ms: number;
}

export interface ViewedFact {
  value: Json;
  label: string;
  confidence: number;
  /** The raw input, as an artifact id, with `#L12` for a line of it. */
  source: string | null;
  /** From when it is true, ISO 8601. */
  since: string;
  factId: string;
  recordedAt: string;
}
/** `contradicted`: facts that stand beside it and say something else. */
export interface Property extends ViewedFact { contradicted?: string[] }

export interface EntityView {
  id: string;
  kind: string;
  asOf: string;
  knownAt: string;
  properties: Record<string, Property>;
  /** Newest first, at most `eventsShown` of each predicate. */
  events: Record<string, { count: number; newest: ViewedFact[] }>;
}

export const eventsShown = 20;

/** From all facts of one entity and those that correct them, in any order. Throws BAD_MESSAGE for a value that a newer Keelson wrote. */
export function viewEntity(facts: FactRow[], { id, validAtMs, knownAtMs }: { id: string; validAtMs: number; knownAtMs: number }): EntityView {
  const known = facts.filter((fact) => fact.recorded_ms <= knownAtMs);
  const corrected = new Set(known.map(({ supersedes }) => supersedes));
  const standing = known.filter((fact) => fact.entity === id && !corrected.has(fact.n) && fact.valid_from_ms <= validAtMs && validAtMs < (fact.valid_to_ms ?? Infinity));
  const view: EntityView = { id, kind: id.slice(0, id.indexOf('/')), asOf: iso(validAtMs), knownAt: iso(knownAtMs), properties: {}, events: {} };
  for (const predicate of new Set(standing.map((fact) => fact.predicate).toSorted())) {
    const rows = standing.filter((fact) => fact.predicate === predicate);
    const holds = holdsOf(predicate);
    const [first, ...others] = rows.toSorted(holds === 'one' ? byRank : byMoment);
    if (holds === 'events') view.events[predicate] = { count: rows.length, newest: rows.toSorted(byMoment).slice(0, eventsShown).map(show) };
    else view.properties[predicate] = { ...show(first!), ...(holds === 'one' ? contradictionOf(first!, others) : {}) };
  }
  return view;
}

/** A stored value in today's shape. */
export function readValue({ predicate, version, value }: Pick<FactRow, 'predicate' | 'version' | 'value'>): Json {
  const parsed = JSON.parse(value) as Json;
  const known = predicateOf(predicate);
  return known ? upcastValue(known, version, parsed) : parsed;
}

/** The more trusted label first, then the newer fact. */
const byRank = (a: FactRow, b: FactRow) => labelRank(a.label) - labelRank(b.label) || b.n - a.n;
/** What is true since later first, then the newer fact. */
const byMoment = (a: FactRow, b: FactRow) => b.valid_from_ms - a.valid_from_ms || b.n - a.n;

function contradictionOf(shown: FactRow, others: FactRow[]): { contradicted?: string[] } {
  const said = JSON.stringify(readValue(shown));
  const rivals = others.filter((fact) => JSON.stringify(readValue(fact)) !== said);
  return rivals.length === 0 ? {} : { contradicted: rivals.map(({ n }) => partId('f', n)) };
}

const show = (fact: FactRow): ViewedFact => ({ value: readValue(fact), label: fact.label, confidence: fact.confidence, source: fact.source, since: iso(fact.valid_from_ms), factId: partId('f', fact.n), recordedAt: iso(fact.recorded_ms) });

const iso = (ms: number) => new Date(ms).toISOString();
