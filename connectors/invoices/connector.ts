// Issues invoices: takes the next number, draws the PDF and keeps it. Nothing leaves the company by it; a mail takes it to the customer
// (machines/pipelines/invoice.ts). Before a number is taken the invoice has been drawn once, so that a number is not lost to one that
// cannot be; from then on the same operation comes back to the same number.
import { hashJson } from '#actors/hash.ts';
import type { StorePort } from '#actors/store-port.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { invoiceEntity, orderSchema, type Issued, type Order } from '#machines/invoice.ts';
import { isCurrency, toMoney } from '#machines/money-text.ts';
import { action, type Connector } from '../connector.ts';
import { addDays, dayAt, msUntilOver } from './dates.ts';
import { takeNumber } from './numbers.ts';
import { assertDrawable, drawPdf } from './pdf.ts';
import type { InvoiceSettings } from './settings.ts';
import { sheetOf, textsOf, toText } from './sheet.ts';
import { totalsOf } from './totals.ts';

export { settingsSchema, type InvoiceSettings } from './settings.ts';

export interface InvoiceParts {
  settings: InvoiceSettings;
  store: StorePort;
  /** A TrueType font, for names that the standard fonts cannot write (`connectors/invoices.ttf`); null without one. */
  font?: Uint8Array | null;
}

export function createInvoicesConnector({ settings, store, font = null }: InvoiceParts): Connector {
  const author = settings.seller.name;
  /** Throws REFUSED when it cannot be issued as it is. */
  const planned = async (order: Order) => {
    if (!isCurrency(order.currency)) throw new KeelsonError('REFUSED', `'${order.currency}' is no currency of ISO 4217`);
    const totals = totalsOf(order.lines);
    const sheet = sheetOf(order, totals, settings, null);
    await assertDrawable({ sheet, author, font });
    return { totals, sheet };
  };

  const issue = action<Order>({
    name: 'invoices.issue',
    title: 'Issue an invoice: the next number, a PDF that is kept, a day by which to pay.',
    input: orderSchema,
    effect: 'write',
    risk: 'medium',
    reversible: false,
    money: true,
    idempotency: { kind: 'native', keyLifetimeMs: Number.MAX_SAFE_INTEGER },

    async plan(order) {
      const { totals: { totalMinor, taxes }, sheet } = await planned(order);
      const { customer: { name, email }, currency } = order;
      const payee = email.toLowerCase();
      return {
        summary: `Issue an invoice over ${toMoney(totalMinor, currency)} to ${name} <${payee}>`,
        preview: toText(sheet),
        risk: 'medium',
        reasons: ['an invoice that has its number cannot be taken back', ...(taxes.some(({ percent }) => percent === 0) ? ['a part of it is without tax: the note must say why'] : [])],
        control: [
          { kind: 'amount', field: 'lines', value: { amountMinor: totalMinor, currency }, vouchedBy: null },
          { kind: 'payee', field: 'customer.email', value: payee, vouchedBy: null },
        ],
        enclosures: [],
        money: { amountMinor: totalMinor, currency, payee, moves: false },
      };
    },

    async commit(order, { operationId, documents, signal, nowMs }) {
      if (signal.aborted) throw new KeelsonError('SEND_DEFERRED', 'the time was up before the invoice got its number');
      const { totals } = await planned(order);
      const { totalMinor } = totals;
      const { customer, currency, dueDays } = order;
      try {
        const { number, atMs } = await orAborted(signal, takeNumber({ store, settings, operation: operationId, nowMs: nowMs() }));
        const issuedOn = order.issueDate ?? dayAt(atMs, settings.timeZone);
        const dueOn = addDays(issuedOn, dueDays);
        const sheet = sheetOf(order, totals, settings, { number, issuedOn });
        const bytes = await drawPdf({ sheet, author, issuedOn, font });
        const { artifact: document, hash } = await orAborted(signal, documents.keep({ id: `invoice/${number}`, kind: 'document', name: `${number}.pdf`, mediaType: 'application/pdf', bytes, text: textsOf(sheet).join('\n') }));
        const result: Issued = { number, document, hash, totalMinor, currency, issuedOn, dueOn, dueInMs: msUntilOver(dueOn, nowMs()) };
        const value = { number, customerEmail: customer.email.toLowerCase(), total: { amountMinor: totalMinor, currency }, issuedOn, dueOn, document };
        return { done: true, providerRef: number, note: `invoice ${number} over ${toMoney(totalMinor, currency)}, due ${dueOn}`, result, facts: [{ entity: invoiceEntity(number), predicate: 'invoice.issued', value, label: 'system', confidence: 1, source: document }] };
      } catch (cause) {
        // The number may be taken: the same operation must come again, and goes on where it was.
        throw new KeelsonError('SEND_UNKNOWN', `the invoice may have its number, its document may be missing: ${plainError(cause).message}`, { cause });
      }
    },
  });
  // Another letterhead or series is another thing to say yes to.
  return { name: 'invoices', version: `1+${hashJson({ settings, font: font === null ? null : Buffer.from(font).toString('base64') }).slice(0, 8)}`, hosts: [], secrets: [], actions: [issue] };
}

async function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const tell = () => aborted.reject(new KeelsonError('TIMEOUT', 'the time was up'));
  if (signal.aborted) tell();
  signal.addEventListener('abort', tell, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', tell);
  }
}
