// Which open invoice is this money for? By reference, amount and payer, none of which alone is proof. Pure, and never a guess: what
// fits exactly is told from what might.
import type { InvoiceState } from './invoice.ts';

export interface OpenInvoice { number: string; actor: string; customer: { name: string; email: string }; standing: InvoiceState }
export interface Money { amountMinor: number; currency: string; reference: string | null; payer: string | null }

const candidatesMax = 5;
const bare = (text: string) => text.toUpperCase().replace(/[^A-Z0-9]/g, '');
export const openMinor = ({ standing }: OpenInvoice) => standing.totalMinor - standing.paidMinor;

/** People write more into a reference than the number: `RE 2026-0007, Holt`. A number of few digits must stand alone. */
function names(reference: string | null, number: string): boolean {
  if (reference === null || bare(number) === '') return false;
  if (bare(reference) === bare(number)) return true;
  return bare(number).length >= 6 && reference.toUpperCase().split(/[^A-Z0-9/_.-]+/).some((word) => bare(word) === bare(number));
}

const words = (text: string) => text.toLowerCase().normalize('NFKD').split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 2);

/** All words of the customer's name, or the domain of his address by its own name. */
function isPayer(payer: string | null, { name, email }: OpenInvoice['customer']): boolean {
  if (payer === null) return false;
  const said = words(payer);
  const known = words(name);
  const domain = words(email.split('@')[1]?.split('.').slice(0, -1).join(' ') ?? '');
  return (known.length > 0 && known.every((word) => said.includes(word))) || (domain.length > 0 && domain.every((word) => said.includes(word)));
}

/** What speaks for this invoice; a currency that differs leaves it out. */
export function weighInvoice({ amountMinor, currency, reference, payer }: Money, invoice: OpenInvoice): { reference: boolean; amount: boolean; payer: boolean } | null {
  if (invoice.standing.currency !== currency) return null;
  const found = { reference: names(reference, invoice.number), amount: openMinor(invoice) === amountMinor, payer: isPayer(payer, invoice.customer) };
  return found.reference || found.amount || found.payer ? found : null;
}

/** `exact`: its reference, and exactly what is open. `candidates`: everything that speaks for it, the most likely first. */
export function matchPayment(money: Money, open: readonly OpenInvoice[]): { exact: OpenInvoice | null; candidates: OpenInvoice[] } {
  const weighed = open.flatMap((invoice) => {
    const found = weighInvoice(money, invoice);
    return found ? [{ invoice, found, score: (found.reference ? 4 : 0) + (found.amount ? 2 : 0) + (found.payer ? 1 : 0) }] : [];
  }).toSorted((a, b) => b.score - a.score || a.invoice.number.localeCompare(b.invoice.number));
  const exact = weighed.filter(({ found }) => found.reference && found.amount);
  return { exact: exact.length === 1 ? exact[0]!.invoice : null, candidates: weighed.slice(0, candidatesMax).map(({ invoice }) => invoice) };
}
