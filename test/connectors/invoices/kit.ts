// An order and a letterhead for the tests of invoices.
import { settingsSchema, type InvoiceSettings } from '#connectors/invoices/connector.ts';
import type { Order } from '#machines/invoice.ts';

export const settings: InvoiceSettings = settingsSchema.parse({
  prefix: 'R-',
  timeZone: 'Europe/Berlin',
  seller: { name: 'Jörg Müßig Beratung', address: ['Große Straße 1', '20095 Hamburg'], email: 'joerg@muessig.example', vatId: 'DE123456789', bank: 'Hafenbank', iban: 'DE89 3704 0044 0532 0130 00', bic: 'COBADEFFXXX' },
});

export const orderOf = (parts: Partial<Order> = {}): Order => ({
  customer: { name: 'Nina Holt', email: 'Nina@Holt.example', address: ['Mill Lane 2', 'Leeds LS1 4AB'] },
  lines: [{ text: 'Website, first part', quantity: 1, unitMinor: 10_000, taxPercent: 19 }],
  currency: 'EUR',
  dueDays: 14,
  language: 'en',
  ...parts,
});
export const lineOf = (parts: Partial<Order['lines'][number]> = {}): Order['lines'][number] => ({ text: 'Work', quantity: 1, unitMinor: 100, taxPercent: 19, ...parts });
