// Which invoice is this payment for? Read in the store: the payment as a verified connector stated it, and the newest word of the actor
// that follows the invoice. Implements `invoice.find`.
import type { Activity } from '#actors/worker.ts';
import type { StorePort } from '#actors/store-port.ts';
import { invoiceEntity, invoiceStateSchema } from '#machines/invoice.ts';
import { z } from 'zod';

const receivedSchema = z.object({ amountMinor: z.int().positive(), currency: z.string(), reference: z.string(), payment: z.string() });
interface FoundFact { id: string; predicate: string; value: unknown; label: string; actor: string }

/** More than one invoice can have in its life. */
const rowsMax = 10_000;

export function findInvoice(store: StorePort): Activity {
  return async ({ input }) => {
    const { fact: id } = input as { fact: string };
    const fact = (await store.query('fact', { id })) as FoundFact | null;
    const received = fact?.predicate === 'payment.received' && fact.label === 'verified-connector' ? receivedSchema.safeParse(fact.value) : null;
    if (!received?.success) return { payment: null, invoice: null };
    const { payment, amountMinor, currency, reference } = received.data;
    const last = ((await store.query('facts', { entity: invoiceEntity(reference), predicate: 'invoice.state', limit: rowsMax })) as FoundFact[]).at(-1);
    return { payment: { id: payment, amountMinor, currency, reference }, invoice: last ? { actor: last.actor, standing: invoiceStateSchema.parse(last.value) } : null };
  };
}
