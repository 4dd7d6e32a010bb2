// How the rules read a mail: folded letters for matching, and the sender's own words apart from what they quote.
import { mailLimits, type Mail } from '../mail.ts';

const letters: Record<string, string> = {
  ä: 'ae', ö: 'oe', ü: 'ue', ß: 'ss', '’': "'", '‘': "'", '“': '"', '”': '"', '„': '"',
  // Cyrillic and Greek look-alikes that are used to slip past word lists.
  а: 'a', е: 'e', о: 'o', р: 'p', с: 'c', х: 'x', і: 'i', у: 'y', ѕ: 's', ј: 'j', ο: 'o', α: 'a', ι: 'i', ε: 'e',
};

/** Lower case ASCII-like form: umlauts spelled out, accents and invisible characters gone. Line breaks are kept. */
export function foldText(text: string): string {
  return text.slice(0, 2 * mailLimits.textChars).normalize('NFKC').toLowerCase()
    .replace(/[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u{e0000}-\u{e007f}]/gu, '')
    .replace(/[^\0-\u007f]/gu, (letter) => letters[letter] ?? letter.normalize('NFD').replace(/\p{M}/gu, ''));
}

/** Folded and on one line, for phrases that may be wrapped. */
export function flattenText(text: string): string {
  return foldText(text).replace(/\s+/g, ' ').trim();
}

const quoteStart = [
  /^\s*-{2,}\s*(original message|urspruengliche nachricht|original-nachricht)/,
  /^\s*(on|am)\b.{4,120}\b(wrote|schrieb)\b.{0,120}:?\s*$/,
  /^.{0,80}\b(schrieb am|wrote on)\b.{4,80}:\s*$/,
  /^_{20,}\s*$/,
];

/** The sender's own words: without `>` quotes, without the quoted mail below a reply, without the `-- ` signature. */
export function ownWords(text: string): string {
  const lines = text.slice(0, mailLimits.textChars).split(/\r\n|\r|\n/);
  const kept: string[] = [];
  for (const line of lines) {
    const folded = foldText(line.slice(0, 400));
    const saidSomething = kept.some((before) => before.trim() !== '');
    if (quoteStart.some((pattern) => pattern.test(folded)) && saidSomething) break;
    if (/^-- ?$/.test(line) && saidSomething) break;
    if (/^\s*>/.test(line)) continue;
    kept.push(line);
  }
  const own = kept.join('\n').trim();
  return own === '' ? lines.join('\n').trim() : own;
}

/** Sentences and lines, as they stand, at most `limit`. */
export function splitSentences(text: string, limit = 200): string[] {
  return text.split(/(?<=[.!?])\s+|\n+/).map((sentence) => sentence.trim()).filter((sentence) => sentence !== '').slice(0, limit);
}

/** Questions the sender asks: sentences that end in a question mark (addresses with `?` in them do not count). */
export function findQuestions(text: string): string[] {
  return splitSentences(text.replace(/https?:\S+/gi, 'link')).filter(isQuestion);
}

/** Looks from the end, so that a long run of letters costs no more than its length. */
function isQuestion(sentence: string): boolean {
  const mark = sentence.lastIndexOf('?');
  if (mark < 0 || !/^["')\s]*$/.test(sentence.slice(mark + 1))) return false;
  return /\p{L}{2}/u.test(sentence.slice(sentence.lastIndexOf('?', mark - 1) + 1, mark));
}

/** True when the mail answers an earlier one, by header or by subject. */
export function isReply(mail: Pick<Mail, 'inReplyTo' | 'references' | 'subject'>): boolean {
  return mail.inReplyTo !== null || mail.references.length > 0 || /^\s*(re|aw|antwort|antw|sv)(\[\d+\])?\s*:/i.test(mail.subject);
}

/** One bounded line without control, bidirectional or markup characters: the only way foreign words reach a draft. */
export function safeLine(text: string, maxChars = 120): string {
  const line = text.normalize('NFC').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').replace(/[{}<>`|\\[\]]+/g, ' ').replace(/\s+/g, ' ').trim();
  const points = Array.from(line);
  return (points.length > maxChars ? points.slice(0, maxChars - 1).join('').trimEnd() + '…' : line).toWellFormed();
}
