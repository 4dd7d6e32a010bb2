// What a mail looks like to whoever learns from it: its sender, its shape, its words, and what the rules say of it. Each feature has a
// readable name, so that a verdict can be explained by them. What a mail says of itself is never a category, only one word among others.
import { flattenText, foldText, ownWords } from '../agents/read-text.ts';
import { triageMail, type Triage } from '../agents/triage-rules.ts';
import type { Mail } from '../mail.ts';

/** Names with weights; the weights of one mail are of comparable size whatever its length. */
export type Features = ReadonlyMap<string, number>;

/** What is needed of a mail. */
export type Seen = Pick<Mail, 'subject' | 'text' | 'from' | 'bulk' | 'attachments' | 'inReplyTo' | 'references'> & { listId?: string | undefined };

export const readChars = 3_000;
const wordsMax = 160;
const subjectMax = 24;
/** How much each group says in all. */
const share = { sender: 1.6, shape: 0.5, subject: 1.3, body: 1.6, pair: 1 } as const;

const shared = /^(?:gmail|googlemail|outlook|hotmail|live|yahoo|icloud|me|aol|gmx|web|t-online|freenet|posteo|mailbox|proton|protonmail)\.[a-z.]{2,6}$/;
/** Many people who have nothing to do with each other send from there. */
export const isSharedDomain = (domain: string): boolean => shared.test(domain);

export const addressOf = ({ from }: Pick<Seen, 'from'>): string => foldText(from?.address ?? '').slice(0, 200);
export const domainOf = (mail: Pick<Seen, 'from'>): string => addressOf(mail).split('@')[1] ?? '';

/** Words of a text, folded; figures are all alike. */
export const wordsOf = (text: string): string[] => (flattenText(text).match(/[a-z][a-z']{1,29}|\d+/g) ?? []).map((word) => (/\d/.test(word) ? '#' : word));

const kindOfFile = (name: string) => /\.([a-z0-9]{1,5})$/.exec(foldText(name))?.[1] ?? 'none';

/** `rules` is what the built-in rules say of it, when that is known already. */
export function featuresOf(mail: Seen, rules: Pick<Triage, 'category' | 'confidence'> = triageMail(mail as Mail)): Features {
  const all = new Map<string, number>();
  const add = (group: keyof typeof share, names: readonly string[]) => {
    const unique = [...new Set(names)];
    for (const name of unique) all.set(name, share[group] / Math.sqrt(unique.length));
  };
  const address = addressOf(mail);
  const domain = domainOf(mail);
  const body = wordsOf(ownWords(mail.text.slice(0, readChars))).slice(0, wordsMax);
  const subject = wordsOf(mail.subject).slice(0, subjectMax);
  add('sender', [...(address ? [`sender:${address}`] : []), ...(domain && !isSharedDomain(domain) ? [`domain:${domain}`] : []), ...(mail.listId ? [`list:${mail.listId}`] : [])]);
  add('shape', [
    ...Object.entries(mail.bulk).filter(([name, is]) => is === true && name !== 'listId').map(([name]) => `shape:${name}`), ...mail.attachments.slice(0, 10).map(({ name }) => `file:${kindOfFile(name)}`),
    mail.inReplyTo !== null || mail.references.length > 0 ? 'shape:reply' : 'shape:first', /https?:/.test(mail.text) ? 'shape:link' : 'shape:no-link', mail.text.includes('?') ? 'shape:question' : 'shape:no-question',
  ]);
  add('subject', subject.map((word) => `subject:${word}`));
  add('body', body.filter((word) => word.length > 2 || word === '#').map((word) => `word:${word}`));
  add('pair', body.slice(1).map((word, i) => `pair:${body[i]} ${word}`));
  all.set(`rules:${rules.category}`, Math.max(0.1, rules.confidence));
  return all;
}

const said: Record<string, (what: string) => string> = {
  sender: (what) => `the sender ${what}`, domain: (what) => `the domain ${what}`, list: (what) => `the list ${what}`, file: (what) => `a file of the kind ${what}`, shape: (what) => `its shape (${what})`,
  subject: (what) => `“${what}” in the subject`, word: (what) => `the word “${what}”`, pair: (what) => `the words “${what}”`, rules: (what) => `the rules, which say ${what}`,
};

/** `word:invoice` is `the word “invoice”`. */
export function sayFeature(name: string): string {
  const at = name.indexOf(':');
  return said[name.slice(0, at)]?.(name.slice(at + 1)) ?? name;
}
