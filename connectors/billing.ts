// What was accepted, read in the store. Implements `billing.work`: only the operator's own word orders an invoice.
import type { Activity } from '#actors/worker.ts';
import type { StorePort } from '#actors/store-port.ts';
import { workSchema } from '#machines/invoice.ts';
import type { Mailbox } from '#machines/mail.ts';

interface FoundFact { id: string; entity: string; predicate: string; value: unknown; label: string }

/** More often than this no project is accepted. */
const rowsMax = 10_000;

export function readWork(store: StorePort, from: Mailbox): Activity {
  return async ({ input }) => {
    const { fact: id } = input as { fact: string };
    const fact = (await store.query('fact', { id })) as FoundFact | null;
    const accepted = fact?.predicate === 'work.accepted' && fact.label === 'operator' ? workSchema.safeParse(fact.value).data : undefined;
    if (!fact || !accepted) return { accepted: null, before: null };
    const all = (await store.query('facts', { entity: fact.entity, predicate: 'work.accepted', limit: rowsMax })) as FoundFact[];
    const first = all.find(({ value, label }) => label === 'operator' && workSchema.safeParse(value).data?.work === accepted.work);
    return { accepted: { ...accepted, project: fact.entity, from }, before: first && first.id !== id ? first.id : null };
  };
}
