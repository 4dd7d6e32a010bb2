// What the operator changed in a draft, kept with the words by which later runs find it.
import { z } from 'zod';
import type { Mail, OutgoingMail } from '../mail.ts';
import type { Annotation } from '../records.ts';

/** Of the inquiry and of the corrected text each: enough to be found by. */
const matchedChars = 2_000;

/** What a payload was made from. */
export const originSchema = z.object({
  /** The draft, as an artifact id. */
  draft: z.string(),
  template: z.string().nullable(),
  /** What it answers, bounded: later runs compare their own mail with it. */
  inquiry: z.string(),
});
export type Origin = z.output<typeof originSchema>;

export function originOf({ id, subject, text }: Pick<Mail, 'id' | 'subject' | 'text'>, template: string | null): Origin {
  return { draft: `draft-${id}`, template, inquiry: bounded(`${subject}\n${text}`) };
}

/** The subject counts only when it was changed too. */
export function correctedMail(before: OutgoingMail, after: OutgoingMail): { before: string; after: string } {
  const shown = ({ subject, text }: OutgoingMail) => (before.subject === after.subject ? text : `${subject}\n\n${text}`);
  return { before: shown(before), after: shown(after) };
}

export function correction({ draft, template, inquiry }: Origin, { before, after, reason, rule }: { before: string; after: string; reason: string | undefined; rule?: string | undefined }): Annotation {
  return {
    kind: 'correction', target: { kind: 'artifact', id: draft }, text: `${inquiry}\n\n${bounded(after)}`, before, after,
    ...(reason ? { reason } : {}), ...(template === null ? {} : { template }), ...(rule === undefined ? {} : { rule }),
  };
}

const bounded = (words: string) => words.slice(0, matchedChars).toWellFormed();
