// How much of a text is what was wanted: 1 − the word edit distance (words put in, left out or exchanged) ÷ the words of the longer one.
// It is the share of words that the operator would not have had to touch. Case and spaces do not count, signs do.

/** Longer texts are compared up to here: the effort grows with the product of both lengths. */
const wordsMax = 1_500;

const wordsOf = (text: string): string[] => (text.toLowerCase().normalize('NFKC').match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? []).slice(0, wordsMax);

/** 1 for the same words in the same order, 0 for nothing in common. */
export function wordSimilarity(a: string, b: string): number {
  const [from, to] = [wordsOf(a), wordsOf(b)];
  const longer = Math.max(from.length, to.length);
  return longer === 0 ? 1 : 1 - editDistance(from, to) / longer;
}

function editDistance(from: readonly string[], to: readonly string[]): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, word] of from.entries()) {
    const next = [i + 1];
    for (const [j, other] of to.entries()) next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (word === other ? 0 : 1)));
    row = next;
  }
  return row[to.length]!;
}
