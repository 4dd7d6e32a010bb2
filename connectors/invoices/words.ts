// The fixed words of an invoice in both languages.
import type { Language } from '#machines/mail.ts';

export interface Words {
  invoice: string; number: string; date: string; due: string; to: string; vatId: string; taxNumber: string;
  /** Heads of the columns. */
  columns: [position: string, text: string, quantity: string, unit: string, tax: string, amount: string];
  net: string; total: string;
  tax(percent: string, of: string): string;
  pay(total: string, due: string, reference: string): string;
  page(page: number, of: number): string;
  /** Stand in the preview for what only the issue brings. */
  next(series: string): string; today: string; after(days: number): string;
}

export const wordsOf: Record<Language, Words> = {
  en: {
    invoice: 'Invoice', number: 'Number', date: 'Date', due: 'Due', to: 'To', vatId: 'VAT ID', taxNumber: 'Tax number',
    columns: ['', 'Description', 'Quantity', 'Unit price', 'VAT', 'Net amount'],
    net: 'Net', total: 'Total',
    tax: (percent, of) => `VAT ${percent} % on ${of}`,
    pay: (total, due, reference) => `Please pay ${total} by ${due}, with the reference ${reference}.`,
    page: (page, of) => `Page ${page} of ${of}`,
    next: (series) => `${series}… (the next one)`, today: '(the day it is issued)', after: (days) => `(${days} days after the day it is issued)`,
  },
  de: {
    invoice: 'Rechnung', number: 'Nummer', date: 'Datum', due: 'Fällig', to: 'An', vatId: 'USt-IdNr.', taxNumber: 'Steuernummer',
    columns: ['', 'Beschreibung', 'Menge', 'Einzelpreis', 'USt.', 'Netto'],
    net: 'Summe netto', total: 'Gesamtbetrag',
    tax: (percent, of) => `USt. ${percent} % auf ${of}`,
    pay: (total, due, reference) => `Bitte überweisen Sie ${total} bis ${due} mit dem Verwendungszweck ${reference}.`,
    page: (page, of) => `Seite ${page} von ${of}`,
    next: (series) => `${series}… (die nächste)`, today: '(der Tag der Ausstellung)', after: (days) => `(${days} Tage nach dem Tag der Ausstellung)`,
  },
};
