// The facts that count today, as the store holds them, and which of them say different things about one time.
import type { StorePort } from '#actors/store-port.ts';
import { labelRank, overlaps, type Fact, type Label, type Period } from '#machines/records.ts';

export interface StoredFact { id: string; n: number; entity: string; predicate: string; value: Fact['value']; label: Label; confidence: number; source: string | null; supersedes: string | null; valid_from_ms: number; valid_to_ms: number | null }

const page = 10_000;

/** Facts that nothing corrects, oldest first. */
export async function readStanding(store: StorePort, entity: string, predicate: string): Promise<StoredFact[]> {
  const facts: StoredFact[] = [];
  for (;;) {
    const rows = (await store.query('facts', { entity, predicate, after: facts.at(-1)?.n ?? 0, limit: page })) as StoredFact[];
    facts.push(...rows);
    if (rows.length < page) break;
  }
  const corrected = new Set(facts.map(({ supersedes }) => supersedes));
  return facts.filter(({ id }) => !corrected.has(id));
}

export const periodOf = ({ valid_from_ms: validFromMs, valid_to_ms: validToMs }: StoredFact): Period => ({ validFromMs, validToMs });
/** As the store compares them: by their JSON text. */
export const sameValue = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** The most trusted label first, then the newest. */
export function byRank(a: Pick<StoredFact, 'label' | 'n'>, b: Pick<StoredFact, 'label' | 'n'>): number {
  return labelRank(a.label) - labelRank(b.label) || b.n - a.n;
}

/** What the operator says instead of `wrong`: for the same time, unless another is given. */
export function instead(wrong: StoredFact, value: Fact['value'], rest: Partial<Fact> = {}): Fact {
  const { entity, predicate, id, valid_from_ms: validFromMs, valid_to_ms: validToMs } = wrong;
  return { entity, predicate, value, label: 'operator', confidence: 1, supersedes: id, validFromMs, ...(validToMs === null ? {} : { validToMs }), ...rest };
}

/** Whether two of these facts would still contradict each other after `added` were written at `nowMs`. */
export function contradictAfter(standing: StoredFact[], added: Fact[], nowMs: number): boolean {
  const corrected = new Set(added.map(({ supersedes }) => supersedes));
  const left = [
    ...standing.filter(({ id }) => !corrected.has(id)).map((fact) => ({ value: fact.value, ...periodOf(fact) })),
    ...added.map(({ value, validFromMs = nowMs, validToMs = null }) => ({ value, validFromMs, validToMs })),
  ];
  return left.some((a, i) => left.slice(i + 1).some((b) => !sameValue(a.value, b.value) && overlaps(a, b)));
}
