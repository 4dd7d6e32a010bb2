// A rule of the company: who sends it, which list it came over, which phrases stand in it and which do not → what it is. Data, not
// code: nothing in it is evaluated, and a phrase is found as it stands. In force is only what the operator published.
import { z } from 'zod';
import { flattenText, ownWords } from '../agents/read-text.ts';
import { KeelsonError } from '../errors.ts';
import { categorySchema } from '../mail.ts';
import { addressOf, domainOf, readChars, type Seen } from './features.ts';

const phrase = z.string().min(2).max(80);
const list = (of: z.ZodString) => z.array(of).min(1).max(50).optional();

export const ruleSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'expected lower-case letters, digits and dashes, at most 64'),
  /** What it is for, in your words. */
  note: z.string().max(1_000).optional(),
  /** All that is given must hold; of a list, one entry. */
  when: z.strictObject({
    sender: list(z.string().min(3).max(320)),
    /** Of the sender; those below it count too. */
    domain: list(z.string().min(3).max(253).regex(/^[^@\s/]+$/, 'expected a domain such as example.org')),
    list: list(z.string().min(1).max(200)),
    /** Every one of them stands in the subject or the sender's own words. */
    says: list(phrase),
    /** None of them does. */
    saysNot: list(phrase),
  }).refine(({ sender, domain, list: lists, says }) => (sender ?? domain ?? lists ?? says) !== undefined, 'expected sender, domain, list or says: a rule for every mail is none'),
  category: categorySchema,
});
export type Rule = z.output<typeof ruleSchema>;

/** Throws BAD_CONFIG with the path of what is wrong. `name` is what the file is called. */
export function parseRule(text: string, name?: string): Rule {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new KeelsonError('BAD_CONFIG', `is no JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = ruleSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new KeelsonError('BAD_CONFIG', `${(issue?.path ?? []).map(String).join('.') || 'rule'}: ${issue?.message}`, { hint: 'docs/learning.md says what a rule holds.' });
  }
  if (name !== undefined && parsed.data.name !== name) throw new KeelsonError('BAD_CONFIG', `name: expected '${name}', as the file is called, received '${parsed.data.name}'`);
  return parsed.data;
}

/** The text that phrases are looked for in: with a space at either end, so that a phrase is found at its ends too. */
export const spokenOf = (mail: Pick<Seen, 'subject' | 'text'>): string => ` ${flattenText(`${mail.subject} ${ownWords(mail.text.slice(0, readChars))}`).replace(/[^a-z0-9']+/g, ' ').trim()} `;
const asSpoken = (words: string): string => ` ${flattenText(words).replace(/[^a-z0-9']+/g, ' ').trim()} `;

export function ruleMatches({ when }: Pick<Rule, 'when'>, mail: Seen, spoken: string = spokenOf(mail)): boolean {
  const address = addressOf(mail);
  const domain = domainOf(mail);
  const lower = (text: string) => text.toLowerCase();
  if (when.sender && !when.sender.some((one) => lower(one) === address)) return false;
  if (when.domain && !when.domain.map(lower).some((one) => domain === one || domain.endsWith(`.${one}`))) return false;
  if (when.list && !when.list.some((one) => lower(one) === lower(mail.listId ?? ''))) return false;
  const found = (words: string) => asSpoken(words).trim() !== '' && spoken.includes(asSpoken(words));
  return (when.says ?? []).every(found) && !(when.saysNot ?? []).some(found);
}

/** In one line of words. */
export function sayRule({ when, category }: Pick<Rule, 'when' | 'category'>): string {
  const quoted = (words: readonly string[]) => words.map((word) => `“${word}”`).join(' and ');
  const parts = [
    ...(when.sender ? [`from ${when.sender.join(' or ')}`] : []), ...(when.domain ? [`from ${when.domain.join(' or ')}`] : []), ...(when.list ? [`over the list ${when.list.join(' or ')}`] : []),
    ...(when.says ? [`saying ${quoted(when.says)}`] : []), ...(when.saysNot ? [`not saying ${quoted(when.saysNot)}`] : []),
  ];
  return `mail ${parts.join(', ')} is: ${category}`;
}
