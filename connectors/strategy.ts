// Looks over the company for what may want somebody to do something: reads of the store, arithmetic on days, no network and no model.
// Implements `strategy.look` and `strategy.still`.
import type { Clock } from '#actors/clock.ts';
import { hashJson } from '#actors/hash.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import { traitsOf, type Situation } from '#machines/situations.ts';

const dayMs = 86_400_000;
/** After so many days without an answer, without a step, without a word of the operator. */
const patience = { lead: 3, leadMax: 60, project: 21, contradiction: 7, expiresWithin: 30, expiredSince: 30 };
/** What the operator refused is not said again for so long; what he took on, for so long. */
const quiet: Record<string, number> = { rejected: 30 * dayMs, completed: 14 * dayMs };

interface Invoice { entity: string; issued: { number: string; customerEmail: string; dueOn: string }; state: { totalMinor: number; paidMinor: number; currency: string }; facts: string[] }
interface Lead { mail: string; entity: string; recordedMs: number; fact: string; decision: string }
interface Project { entity: string; status: string; saidMs: number; fact: string }

export function strategyActivities({ store, clock }: { store: Pick<StorePort, 'query'>; clock: Pick<Clock, 'now'> }): Record<string, Activity> {
  const read = async <T>(name: string, args: Record<string, unknown> = {}) => (await store.query(name, args)) as T;

  async function situations(nowMs: number): Promise<Situation[]> {
    const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
    const daysSince = (ms: number) => Math.floor((nowMs - ms) / dayMs);
    const daysAfter = (iso: string) => Math.floor((Date.parse(day(nowMs)) - Date.parse(iso)) / dayMs);
    const money = { amountMinor: null, currency: null, count: 1 };
    const facts = (...ids: string[]) => ids.map((id) => ({ kind: 'fact' as const, id }));
    const [invoices, leads, projects, expiring, contradictions] = await Promise.all([
      read<Invoice[]>('openInvoices'),
      read<Lead[]>('unanswered', { sinceMs: Math.max(0, nowMs - patience.leadMax * dayMs), untilMs: nowMs - patience.lead * dayMs }),
      read<Project[]>('projects'),
      read<{ entity: string; day: string; fact: string }[]>('expiring', { from: day(nowMs - patience.expiredSince * dayMs), to: day(nowMs + patience.expiresWithin * dayMs) }),
      read<{ id: string; createdMs: number }[]>('contradictions', { untilMs: nowMs - patience.contradiction * dayMs }),
    ]);
    return [
      ...invoices.filter(({ issued }) => daysAfter(issued.dueOn) > 0).map(({ issued: { number, customerEmail, dueOn }, state: { totalMinor, paidMinor, currency }, facts: ids }): Situation => ({
        key: `overdue-invoice:${number}`, kind: 'overdue-invoice', entity: `person/${customerEmail}`, about: number, days: daysAfter(dueOn), amountMinor: totalMinor - paidMinor, currency, count: 1, evidence: facts(...ids) })),
      ...perPerson(leads).map(({ mail, entity, recordedMs, fact, decision }): Situation => ({
        key: `unanswered-lead:${mail}`, kind: 'unanswered-lead', entity, about: mail, days: daysSince(recordedMs), ...money, evidence: [...facts(fact), { kind: 'decision', id: decision }, { kind: 'artifact', id: mail }] })),
      ...projects.filter(({ saidMs }) => daysSince(saidMs) >= patience.project).map(({ entity, status, saidMs, fact }): Situation => ({
        key: `still-project:${entity}:${status}`, kind: 'still-project', entity, about: status, days: daysSince(saidMs), ...money, evidence: facts(fact) })),
      ...expiring.map(({ entity, day: iso, fact }): Situation => ({
        key: `expiring-asset:${entity}:${iso}`, kind: 'expiring-asset', entity, about: iso, days: daysAfter(iso), ...money, evidence: facts(fact) })),
      ...(contradictions.length === 0 ? [] : [{
        key: 'contradiction', kind: 'contradiction' as const, entity: null, about: 'contradictions', days: daysSince(contradictions[0]!.createdMs), ...money, count: contradictions.length, evidence: contradictions.slice(0, 20).map(({ id }) => ({ kind: 'intent' as const, id })) }]),
    ];
  }

  /** Proposed and open, refused lately, or taken on lately. */
  async function spokenFor(nowMs: number): Promise<Set<string>> {
    const proposals = await read<{ key: string; state: string; updatedMs: number }[]>('proposals', { nowMs });
    return new Set(proposals.filter(({ state, updatedMs }) => state === 'input-required' || nowMs - updatedMs < (quiet[state] ?? 0)).map(({ key }) => key));
  }

  return {
    async 'strategy.look'() {
      const nowMs = clock.now();
      const [all, spoken, last] = await Promise.all([situations(nowMs), spokenFor(nowMs), read<{ value: unknown }[]>('lastFact', { entity: 'asset/strategy', predicate: 'strategy.seen' })]);
      const fresh = all.filter(({ key }) => !spoken.has(key));
      const before = (last[0]?.value as { hash?: string } | undefined)?.hash ?? null;
      return { fresh, known: all.length - fresh.length, hash: hashJson({ all: traitsOf(all), fresh: fresh.map(({ key }) => key).toSorted() }), before };
    },
    async 'strategy.still'({ input }) {
      const { key } = input as { key: string };
      return { still: (await situations(clock.now())).some((one) => one.key === key) };
    },
  };
}

/** Whoever wrote three times waits for one answer: to the first. */
function perPerson(leads: Lead[]): Lead[] {
  return leads.filter(({ entity }, i) => leads.findIndex((other) => other.entity === entity) === i);
}
