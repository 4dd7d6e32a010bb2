// What a draft commits the company to: amounts of money, per cents, days, account numbers, links. What the company has not stated
// itself must not stand in a draft; that a mail asks for it is no statement.

const patterns: readonly RegExp[] = [
  // 1.200,50 EUR · € 99 · $1,200 · 80 Euro
  /(?:€|\$|£|\b(?:EUR|USD|GBP|CHF)\b)\s?\d[\d.,']*|\d[\d.,']*\s?(?:€|\$|£|\b(?:EUR|USD|GBP|CHF|euros?|dollars?|pounds?|franken)\b)/giu,
  /\d+(?:[.,]\d+)?\s?(?:%|\bper ?cent\b|\bprozent\b)/giu,
  // 2026-12-01 · 1.12.2026 · 12/1/2026 · 3 December · 3. Dezember
  /\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\s?\d{1,2}[./]\s?(?:\d{4}|\d{2})\b|\b\d{1,2}\.? (?:january|february|march|april|may|june|july|august|september|october|november|december|januar|februar|m(?:ä|ae)rz|mai|juni|juli|oktober|dezember)\b/giu,
  /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/gu,
  /\bhttps?:\/\/[^\s<>"')\]]+/giu,
];

const currencies: readonly [RegExp, string][] = [[/€|euros?/g, 'eur'], [/\$|dollars?/g, 'usd'], [/£|pounds?/g, 'gbp'], [/franken/g, 'chf']];

/** `€ 1,200.00` and `1,200 euros` say the same. */
function plain(text: string): string {
  const bare = text.toLowerCase().normalize('NFKC').replace(/[\s']+/g, '').replace(/[.,;:!?]+$/, '');
  const named = currencies.reduce((rest, [sign, code]) => rest.replace(sign, code), bare);
  return named.replace(/^(eur|usd|gbp|chf)([\d.,]+)$/, '$2$1').replace(/[.,]00(?=\D|$)/, '');
}
const read = (text: string): string[] => patterns.flatMap((pattern) => text.match(pattern) ?? []);

/** What `text` promises and `stated` does not hold, as it is written. */
export function findPromises(text: string, stated: string): string[] {
  const known = new Set(read(stated).map(plain));
  return [...new Map(read(text).filter((found) => !known.has(plain(found))).map((found) => [plain(found), found.trim()])).values()];
}
