// Words of strangers without characters that nobody sees: they carry messages to a model that no person reads, or turn round what is read.

/** Soft hyphen, zero width, direction marks and overrides, tags, variation selectors and what else has no form of its own. */
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;
/** Controls but line feed. */
const controls = /[\p{Cc}--\n]/gv;

/** Lines without blanks at their ends, at most one empty line in a row. `invisible` counts what was taken out. */
export function cleanText(text: string): { text: string; invisible: number } {
  let count = 0;
  const seen = text.replace(invisible, () => (count++, ''));
  const lines = seen.replace(/\r\n?|[\u2028\u2029\u0085]/g, '\n').replace(controls, ' ').split('\n').map((line) => line.replace(/[\p{Zs}\t]+/gu, ' ').trim());
  return { text: lines.join('\n').replace(/\n{3,}/g, '\n\n').trim().toWellFormed(), invisible: count };
}

export const cleanLine = (text: string, chars: number): string => cleanText(text.slice(0, 10 * chars)).text.replace(/\s+/g, ' ').slice(0, chars).toWellFormed();
