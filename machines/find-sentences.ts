// Which sentences of a text have most of the words of a question? No understanding, and says so: the fallback of every reader. Pure.
import { findSuspiciousText } from './agents/suspicious.ts';
import { foldText, splitSentences } from './agents/read-text.ts';

export interface Passage { /** Of the artifact it stands in. */ id: string; text: string }
// A type, not an interface: it travels as JSON.
export type Finding = { claim: string; quote: string };
export type Placed = Finding & { source: string };

const common = new Set('about after also been before between could does doing each from have having into more most much must only other over same should some such than that their them then there these they this those through under until very was were what when where which while whom whose will with would your aber alle auch auf aus bei bis dann dass dein denn der des die diese dieser dies dieses doch ein eine einem einen einer eines fuer haben hat hier ihre ihr ihnen ist kann mein mehr mit nach nicht noch nur oder ohne sehr sein sich sie sind ueber und uns unser unter viel von vor war waren was welche welcher wenn werden wie wird wir wo zum zur how and are but can did for had has its may not our out the who why you'.split(' '));
const chars = { sentence: 600, min: 12 };

/** The words of a question that tell something apart. */
export const termsOf = (question: string): string[] => [...new Set((foldText(question).match(/[\p{L}\p{N}]{3,}/gu) ?? []).filter((word) => !common.has(word)))];

/** Words in another form count: `tax` is in `taxes`, and `Preise` begins like `Preis`. */
const has = (words: readonly string[], term: string) => words.some((word) => word === term || (term.length > 3 && word.length > 3 && (word.startsWith(term) || term.startsWith(word))));
const wordsOf = (text: string) => foldText(text).match(/[\p{L}\p{N}]+/gu) ?? [];
export const countTerms = (terms: readonly string[], text: string): number => {
  const words = wordsOf(text);
  return terms.filter((term) => has(words, term)).length;
};

/** Best first; a sentence counts that has two of the words, or the only one. Sentences that talk to an agent are passed over. */
export function findSentences(question: string, passages: readonly Passage[], max: number): { findings: Finding[]; confidence: number } {
  const terms = termsOf(question);
  const needed = Math.min(2, terms.length);
  const found = terms.length === 0 ? [] : passages.flatMap(({ text }) => splitSentences(text, 4_000))
    .filter((sentence) => sentence.length >= chars.min && sentence.length <= chars.sentence)
    .map((quote, place) => ({ quote, place, score: countTerms(terms, quote) }))
    .filter(({ score }) => score >= needed)
    .toSorted((a, b) => b.score - a.score || a.place - b.place);
  const distinct = found.filter(({ quote }, i) => found.findIndex((other) => foldText(other.quote) === foldText(quote)) === i);
  const best = distinct.filter(({ quote }) => findSuspiciousText(quote).length === 0).slice(0, max);
  // It has the words; whether it answers is another matter.
  return { findings: best.map(({ quote }) => ({ claim: quote, quote })), confidence: best.length === 0 ? 0 : Math.round(60 * Math.min(1, best[0]!.score / terms.length)) / 100 };
}

const even = (text: string) => text.replace(/\s+/g, ' ').trim();

/** Keeps what stands in the text, with where it stands. A claim may name no number that its quote does not. */
export function placeFindings(findings: readonly Finding[], passages: readonly Passage[], max: number): { placed: Placed[]; dropped: number } {
  const placed: Placed[] = [];
  for (const { claim, quote } of findings) {
    const said = even(quote);
    if (placed.length >= max || said.length < chars.min || said.length > 1_000 || even(claim) === '' || claim.length > 1_000) continue;
    const passage = passages.find(({ text }) => even(text).includes(said));
    const numbers = (claim.match(/\d[\d.,]*/g) ?? []).map((number) => number.replace(/[.,]+$/, ''));
    if (!passage || numbers.some((number) => !said.includes(number)) || findSuspiciousText(`${claim}\n${quote}`).length > 0) continue;
    placed.push({ claim: even(claim), quote: said, source: withLine(passage, said) });
  }
  return { placed, dropped: findings.length - placed.length };
}

/** `source/x#L12`, where the quote begins. */
function withLine({ id, text }: Passage, quote: string): string {
  const begin = quote.slice(0, 40);
  const place = text.split(/\r\n|\r|\n/).findIndex((line) => even(line).includes(begin));
  return place === -1 ? id : `${id}#L${place + 1}`;
}
