// Amounts as people read them: minor units in, "1,234.50 EUR" or "1.234,50 EUR" out. No floating point on the way.
import type { Language } from './mail.ts';

const marks: Record<Language, { group: string; point: string }> = { en: { group: ',', point: '.' }, de: { group: '.', point: ',' } };

/** Decimal places of a currency by ISO 4217: 2 for euros, 0 for yen, 3 for dinars. */
export const minorDigits = (currency: string): number => new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;

export const isCurrency = (code: string): boolean => Intl.supportedValuesOf('currency').includes(code);

/** `1234.5` in units of 10^-digits: `toDecimal(123450, 2, 'de')` is `1.234,50`. */
export function toDecimal(minor: number, digits: number, language: Language): string {
  const { group, point } = marks[language];
  const text = String(Math.abs(minor)).padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+$)/g, group);
  return `${minor < 0 ? '-' : ''}${whole}${digits > 0 ? `${point}${text.slice(text.length - digits)}` : ''}`;
}

export const toMoney = (minor: number, currency: string, language: Language = 'en') => `${toDecimal(minor, minorDigits(currency), language)} ${currency}`;
