// Which invoice is this payment for? Read in the store: the payment as a verified connector stated it or as a mail tells it, and the
// newest word of the actor that follows the invoice. Implements `invoice.find`.
import type { Activity } from '#actors/worker.ts';
import type { StorePort } from '#actors/store-port.ts';
import { invoiceEntity, invoiceStateSchema } from '#machines/invoice.ts';
import { matchPayment, type Money, type OpenInvoice } from '#machines/match-payment.ts';
import { z } from 'zod';

const receivedSchema = z.object({ amountMinor: z.int().positive(), currency: z.string(), reference: z.string(), payment: z.string() });
/** As it was read from a mail: `payee` is whom the money came from. */
const toldSchema = z.object({ amountMinor: z.int().positive(), currency: z.string(), reference: z.string().nullable(), payee: z.string().nullable() });
const openSchema = z.array(z.object({ actor: z.string(), issued: z.object({ number: z.string(), customerEmail: z.string() }), state: invoiceStateSchema }));
interface FoundFact { id: string; predicate: string; value: unknown; label: string; actor: string; source: string | null }
interface Payment { id: string; amountMinor: number; currency: string; reference: string }
interface Read { payment: Payment; believed: boolean; money: Money }

/** More than one invoice can have in its life. */
const rowsMax = 10_000;
const nothing = { payment: null, believed: false, invoice: null, exact: false, candidates: [] };

export function findInvoice(store: StorePort): Activity {
  return async ({ input }) => {
    const { fact: id, number = null } = input as { fact: string; number?: string | null };
    const read = readPayment((await store.query('fact', { id })) as FoundFact | null);
    if (read === null) return nothing;
    const { payment, believed, money } = read;
    const named = await standingOf(number ?? (believed ? payment.reference : null));
    if (named) return { payment, believed, invoice: named, exact: true, candidates: [] };
    const { exact, candidates } = matchPayment(money, await openInvoices());
    const shown = candidates.map(({ number: of, actor, customer, standing }) => ({ number: of, actor, customer: customer.email, standing }));
    return { payment, believed, invoice: null, exact: exact !== null, candidates: exact ? shown.filter((one) => one.number === exact.number) : shown };
  };

  async function standingOf(number: string | null) {
    if (number === null || number === '') return null;
    const last = ((await store.query('facts', { entity: invoiceEntity(number), predicate: 'invoice.state', limit: rowsMax })) as FoundFact[]).at(-1);
    return last ? { actor: last.actor, standing: invoiceStateSchema.parse(last.value) } : null;
  }

  async function openInvoices(): Promise<OpenInvoice[]> {
    const rows = openSchema.parse(await store.query('openInvoices', {}));
    return Promise.all(rows.map(async ({ actor, issued: { number, customerEmail: email }, state: standing }) => {
      const name = (await store.query('lastFact', { entity: `person/${email}`, predicate: 'person.name' })) as { value: unknown }[];
      return { number, actor, customer: { name: typeof name[0]?.value === 'string' ? name[0].value : '', email }, standing };
    }));
  }
}

/** Null for what is no payment, or nobody may be believed. A mail is never believed: whoever wrote it, it can only be asked about. */
function readPayment(fact: FoundFact | null): Read | null {
  if (fact?.predicate === 'payment.received' && fact.label === 'verified-connector') {
    const received = receivedSchema.safeParse(fact.value).data;
    if (!received) return null;
    const { payment: id, amountMinor, currency, reference } = received;
    return { payment: { id, amountMinor, currency, reference }, believed: true, money: { amountMinor, currency, reference, payer: null } };
  }
  const told = fact?.predicate === 'payment' ? toldSchema.safeParse(fact.value).data : undefined;
  if (!fact || !told) return null;
  const { amountMinor, currency, reference, payee: payer } = told;
  // One mail is one payment, however many lines of it were read.
  return { payment: { id: `mail ${fact.source?.replace(/#L\d+$/, '') ?? fact.id}`, amountMinor, currency, reference: reference ?? '' }, believed: false, money: { amountMinor, currency, reference, payer } };
}
