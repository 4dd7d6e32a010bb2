// What can be printed as it was approved. A character that the font lacks, or that turns the direction of what stands around it,
// would come out as something else than the preview shows, so the invoice is refused and names it.
import { KeelsonError } from '#machines/errors.ts';

/** Latin script as the PDF standard fonts have it (Windows-1252): no font file needed. */
const windows1252 = new Set('€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ');
export const hasStandardGlyph = (char: string): boolean => /^[\x20-\x7e\xa0-\xac\xae-\xff]$/.test(char) || windows1252.has(char);

const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Throws REFUSED with the first character that cannot be shown as it is. */
export function assertPrintable(texts: readonly string[], hasGlyph: (char: string) => boolean): void {
  for (const text of texts) {
    for (const char of text) {
      const why = /[\p{C}\p{Zl}\p{Zp}]/u.test(char) ? 'is invisible' : rightToLeft.test(char) ? 'is written from right to left' : /\p{M}/u.test(char) ? 'is a mark on its own' : hasGlyph(char) ? null : 'is not in the font';
      if (why !== null) throw new KeelsonError('REFUSED', `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')} in “${text.slice(0, 40).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')}” ${why}, so the invoice cannot show it`, { hint: 'Write it in other characters, or give a font that has it as connectors/invoices.ttf.' });
    }
  }
}
