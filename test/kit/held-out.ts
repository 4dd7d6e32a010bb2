// Labelled mails to measure the triage rules with. Each set was written before the rules saw it, measured once, and only then
// used for tuning; the first-sight numbers stand in each file. `unsure` means: a person could not tell either, so the only right
// behaviour is a confidence below the threshold.
import { mailSchema, type Category, type Mail } from '#machines/mail.ts';
import { heldOutEnglish } from './held-out-en.ts';
import { heldOutGerman } from './held-out-de.ts';
import { heldOutSecond } from './held-out-second.ts';
import { heldOutThird } from './held-out-third.ts';
import { heldOutFresh } from './held-out-fresh.ts';

/** One labelled mail in the short form it is written in. `flags` are the machine-written headers it carries. */
export interface ShortMail {
  is: Category | 'unsure';
  from: string;
  subject: string;
  text: string;
  files?: string[];
  reply?: boolean;
  flags?: ('auto' | 'list' | 'bounce' | 'bulk' | 'flagged')[];
  replyTo?: string;
}

export interface LabelledMail { name: string; mail: Mail; category: Category | 'unsure' }

const mediaTypes: Record<string, string> = { pdf: 'application/pdf', png: 'image/png', jpg: 'image/jpeg', ics: 'text/calendar', zip: 'application/zip', csv: 'text/csv' };

function readMailbox(text: string): { address: string; name: string } {
  const match = /^(.*)<([^>]+)>$/.exec(text);
  return match ? { name: (match[1] ?? '').trim(), address: match[2] ?? '' } : { name: '', address: text };
}

/** A full, valid Mail from its short form. Deterministic: `index` stands in for the hash. */
export function buildMail(short: Omit<ShortMail, 'is'>, index = 0): Mail {
  const hash = index.toString(16).padStart(64, '0');
  const has = (flag: string): boolean => (short.flags as string[] | undefined)?.includes(flag) ?? false;
  return mailSchema.parse({
    id: `m-${hash.slice(-16)}`, rawHash: hash, rawBytes: short.text.length + 300,
    messageId: `<held-out-${index}@mail.example>`,
    inReplyTo: short.reply ? `<earlier-${index}@harbour.example>` : null,
    references: short.reply ? [`<earlier-${index}@harbour.example>`] : [],
    from: short.from === '' ? null : readMailbox(short.from),
    replyTo: short.replyTo === undefined ? null : readMailbox(short.replyTo),
    to: [{ name: 'Mara Voss', address: 'hello@harbour.example' }], cc: [], recipientCount: 1,
    subject: short.subject, date: '2026-10-05T09:30:00.000Z', text: short.text, textCut: false,
    attachments: (short.files ?? []).map((name) => ({ name, mediaType: mediaTypes[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream', sizeBytes: 24_000, hash })),
    bulk: { autoSubmitted: has('auto'), list: has('list'), precedence: has('bulk') ? 'bulk' : '', bounce: has('bounce'), spamFlag: has('flagged') },
    warnings: [],
  });
}

function label(shorts: readonly ShortMail[], set: string): LabelledMail[] {
  return shorts.map((short, index) => ({ name: `${set}-${index + 1} ${short.subject || '(no subject)'}`, mail: buildMail(short, index + 1), category: short.is }));
}

/** The sets that the rules were corrected with in sight. */
export const heldOut: readonly LabelledMail[] = [...label(heldOutEnglish, 'en'), ...label(heldOutGerman, 'de'), ...label(heldOutSecond, 'second'), ...label(heldOutThird, 'third')];

/** Written last, after the phrases were tuned: the most honest measure here. */
export const fresh: readonly LabelledMail[] = label(heldOutFresh, 'fresh');
