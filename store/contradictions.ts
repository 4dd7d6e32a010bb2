// Two statements that cannot both be true become a question for the operator; neither overwrites the other.
import { toItemData } from '#machines/inbox.ts';
import { overlaps, partId, type Fact, type Intent } from '#machines/records.ts';
import type { StandingFact } from './known.ts';

/** The question about `added`, or null when it contradicts nothing that stands, or was asked about before. */
export function contradiction(added: StandingFact, standing: StandingFact[]): Intent | null {
  const rivals = standing.filter((fact) => fact.value !== added.value && overlaps(fact, added));
  if (rivals.length === 0 || standing.some((fact) => fact.value === added.value && overlaps(fact, added))) return null;
  const shown = (fact: StandingFact) => ({ id: partId('f', fact.n), value: JSON.parse(fact.value) as Fact['value'], label: fact.label, confidence: fact.confidence, source: fact.source });
  return {
    id: `c-${partId('f', added.n).slice(2)}`,
    kind: 'task',
    state: 'input-required',
    summary: `What is ${added.predicate} of ${added.entity}? ${rivals.map(({ value }) => value).join(' and ')} was known; now ${added.value} is said.`.slice(0, 500),
    data: toItemData({
      category: 'contradiction', confidence: added.confidence, risk: 'medium',
      reasons: [`${added.predicate} can have one value at a time`, `the new statement is ${added.label}`],
      payload: { entity: added.entity, predicate: added.predicate, standing: rivals.map(shown), added: shown(added) },
      payloadHash: partId('f', added.n),
      evidence: [...rivals, added].map(({ n }) => ({ kind: 'fact', id: partId('f', n) })),
      policy: null, expiresAfterMs: null,
      answers: 'approve = the new one is right; reject = what was known is right; respond --text VALUE = neither, it is VALUE',
    }),
  };
}
