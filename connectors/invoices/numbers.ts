// Numbers without gaps and never twice. A number is taken by the commit that has it in its id: of all who want it at once one writes
// that commit. With it stand, in one transaction, whose it is and that it is the last of its series; so an operation that comes again,
// after whatever happened, finds the number it had.
import type { StorePort } from '#actors/store-port.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { invoiceEntity } from '#machines/invoice.ts';
import type { InvoiceSettings } from './settings.ts';

/** `atMs`: when it was taken, so that the day of issue stays the same at every try. */
export interface Taken { number: string; atMs: number }

interface Claim { store: StorePort; settings: InvoiceSettings; operation: string; nowMs: number }

const actor = 'connector/invoices';
const entityOfSeries = (prefix: string) => `asset/invoices-${prefix}`;

/** Throws SEND_UNKNOWN: when an answer was lost the number may be taken, and the same operation finds it again. */
export async function takeNumber(claim: Claim): Promise<Taken> {
  const { store, settings: { prefix, from, digits }, operation, nowMs } = claim;
  // In this order: whatever this operation takes from now on is met on the way up.
  const last = await lastOf(store, prefix);
  const own = await numberOf(store, operation);
  if (own) return own;
  for (let n = Math.max(from, last + 1); ; n++) {
    const number = `${prefix}${String(n).padStart(digits, '0')}`;
    const said = { label: 'system', confidence: 1 } as const;
    const answer = await store.commit({
      ...emptyCommit(`invoice-number:${prefix}:${n}`, nowMs, actor, { number, note: operation }),
      facts: [
        { ...said, entity: invoiceEntity(number), predicate: 'invoice.number', value: { operation } },
        { ...said, entity: entityOfSeries(prefix), predicate: 'invoice.series', value: { last: n } },
      ],
    });
    if (answer.outcome === 'written') return { number, atMs: nowMs };
    if (answer.outcome !== 'duplicate') throw new KeelsonError('STORE_FAILED', `the invoice number ${number} could not be taken: ${answer.outcome === 'invalid' ? answer.reason : answer.outcome}`);
    // The same operation, a moment ago: another try of it, or a first one whose answer was lost.
    const again = answer.note === operation ? await numberOf(store, operation) : null;
    if (again) return again;
  }
}

/** The number that this operation took, or null. */
export async function numberOf(store: StorePort, operation: string): Promise<Taken | null> {
  const [found] = (await store.query('facts', { predicate: 'invoice.number', value: JSON.stringify({ operation }), limit: 1 })) as { entity: string; recorded_ms: number }[];
  return found ? { number: found.entity.slice(invoiceEntity('').length), atMs: found.recorded_ms } : null;
}

async function lastOf(store: StorePort, prefix: string): Promise<number> {
  const [found] = (await store.query('lastFact', { entity: entityOfSeries(prefix), predicate: 'invoice.series' })) as { value: { last: number } }[];
  return found?.value.last ?? 0;
}
