// A text as a vector without any model: its words and their parts are hashed into a fixed number of dimensions. It knows no meanings, but
// texts that share words, stems, compounds or typing errors lie near each other, in whatever language. The same text gives the same
// vector everywhere and for ever; who changes a line of this gives the model another name.

export const hashedDims = 512;
export const hashedModel = `hashed-1@${hashedDims}`;

/** Each part of a word moves so many of the dimensions: with one alone, two words that fall together could not be told apart. */
const placesPerPart = 4;
const wordsMax = 600;

/** Words of a text, without case and accents; of long texts the first ones. */
function wordsOf(text: string): string[] {
  return (text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, wordsMax);
}

/** Short words are mostly grammar, and say little about what a text is about. */
const weightByLength = [0, 0.08, 0.15, 0.35, 0.7, 0.9];
const weightOf = (word: string) => (/\d/.test(word) ? 1.2 : weightByLength[word.length] ?? Math.min(1.4, 0.7 + word.length * 0.06));

/** As signed bytes, all zero for a text without words. Compare by cosine. */
export function hashText(text: string): Int8Array {
  const times = new Map<string, number>();
  for (const word of wordsOf(text)) times.set(word, (times.get(word) ?? 0) + 1);
  const sums = new Float64Array(hashedDims);
  for (const [word, n] of times) addWord(sums, word, weightOf(word) * (1 + Math.log(n)));
  const largest = sums.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  return Int8Array.from(sums, (x) => (largest === 0 ? 0 : Math.round((x / largest) * 127)));
}

/** Half of what a word weighs is the word itself, the other half its parts of three and four characters. */
function addWord(sums: Float64Array, word: string, weight: number): void {
  add(sums, `=${word}`, weight);
  const edged = `_${word}_`;
  const parts: string[] = [];
  for (const length of [3, 4]) if (edged.length > length) for (let i = 0; i + length <= edged.length; i++) parts.push(edged.slice(i, i + length));
  for (const part of parts) add(sums, part, weight / Math.sqrt(parts.length));
}

function add(sums: Float64Array, part: string, weight: number): void {
  let hash = hashOf(part);
  for (let k = 0; k < placesPerPart; k++) {
    const place = hash % hashedDims;
    sums[place] = sums[place]! + ((hash & 0x1_00_00) === 0 ? weight : -weight);
    hash = mix(hash + 0x9e_37_79_b9);
  }
}

/** FNV-1a over UTF-16, mixed so that all bits depend on all. */
function hashOf(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01_00_01_93);
  return mix(hash);
}

function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
