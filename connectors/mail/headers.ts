// What a mail's header says, cleaned and bounded. Everything in a header was written by a stranger: control characters are
// taken out of every string before anything else sees it, and each thing taken out leaves a warning.
import { mailLimits, type Mail, type Mailbox } from '#machines/mail.ts';

/** One header field as received: `key` in lower case, `line` whole (name, colon, folds), one char per byte. */
export interface HeaderLine { key: string; line: string }

export type MailHeaders = Pick<
  Mail,
  'messageId' | 'inReplyTo' | 'references' | 'from' | 'replyTo' | 'to' | 'cc' | 'recipientCount' | 'subject' | 'date' | 'bulk' | 'listId'
>;

// C0, DEL, C1, line and paragraph separator, and the bidirectional overrides that make "fdp.exe" read "exe.pdf".
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
/** A message id other mail programs accept: printable ASCII in angle brackets. */
const messageIdForm = /<[\x21-\x3b\x3d\x3f-\x7e]{1,900}>/g;
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const zones: Record<string, number> = { EST: -300, EDT: -240, CST: -360, CDT: -300, MST: -420, MDT: -360, PST: -480, PDT: -420, CET: 60, CEST: 120 };

/** Reads the header fields; `subject` is the decoded but unbounded one, as identity needs it whole. Appends to `warnings`. */
export async function readHeaders(lines: readonly HeaderLine[], decodedSubject: string, warnings: Set<string>): Promise<MailHeaders> {
  const { parseAddressHeader } = await import('mailparser');
  const all = (key: string): string[] => lines.filter((line) => line.key === key).map((line) => valueOf(line.line));
  const first = (key: string): string => clean(all(key)[0] ?? '', key, warnings);
  const addresses = (key: string): Mailbox[] => {
    const parsed = parseAddressHeader(all(key), { flatten: true, decodePunycode: false }).value;
    return parsed.flatMap((entry) => mailboxOf(entry.address ?? '', entry.name, key, warnings));
  };
  for (const key of ['from', 'subject', 'date', 'message-id']) {
    if (all(key).length > 1) warnings.add(`The mail has more than one "${key}" field; the first one counts.`);
  }
  const from = addresses('from');
  if (from.length > 1) warnings.add('The mail names more than one sender; the first one counts.');
  if (from.length === 0) warnings.add('The mail has no readable sender.');
  const to = addresses('to');
  const cc = addresses('cc');
  const recipientCount = to.length + cc.length;
  if (recipientCount > mailLimits.recipients) warnings.add(`The mail has ${recipientCount} recipients; the first ${mailLimits.recipients} are kept.`);
  const keptTo = to.slice(0, mailLimits.recipients);
  // A Subject without encoded words needs no decoding, and then old mail with bare Latin-1 bytes stays readable.
  const bareSubject = all('subject')[0] ?? '';
  return {
    messageId: idsOf(first('message-id')).at(0) ?? null,
    inReplyTo: idsOf(first('in-reply-to')).at(0) ?? null,
    references: boundReferences(idsOf(clean(all('references').join(' '), 'references', warnings))),
    from: from.at(0) ?? null,
    replyTo: addresses('reply-to').at(0) ?? null,
    to: keptTo,
    cc: cc.slice(0, mailLimits.recipients - keptTo.length),
    recipientCount,
    subject: clean(bareSubject.includes('=?') ? decodedSubject : bareSubject, 'subject', warnings),
    date: readDate(first('date'), warnings),
    bulk: readBulk(first, from.at(0) ?? null),
    ...readListId(first('list-id')),
  };
}

/** `text` without control characters, blanks collapsed and well-formed Unicode; warns under the field's name if any were taken out. */
export function clean(text: string, field: string, warnings: Set<string>): string {
  const unfolded = text.replace(/\r?\n(?=[ \t])/g, '').replaceAll('\t', ' ').trim();
  const stripped = unfolded.replace(controls, '');
  if (stripped.length !== unfolded.length) warnings.add(`Control characters were taken out of "${field}".`);
  return stripped.replace(/ {2,}/g, ' ').trim().toWellFormed();
}

/** The first `max` UTF-16 units, never half of a surrogate pair. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const unit = text.charCodeAt(max - 1);
  return text.slice(0, unit >= 0xd800 && unit <= 0xdbff ? max - 1 : max);
}

function valueOf(line: string): string {
  const bytes = Buffer.from(line.slice(line.indexOf(':') + 1), 'latin1');
  const text = bytes.toString('utf8');
  return (text.includes('\ufffd') ? bytes.toString('latin1') : text).trim();
}

function mailboxOf(address: string, name: string, field: string, warnings: Set<string>): Mailbox[] {
  const cleaned = clean(address, field, warnings).replaceAll(' ', '');
  if (cleaned === '') return [];
  if (cleaned.length > 320) {
    warnings.add(`An address in "${field}" is longer than an address can be and was left out.`);
    return [];
  }
  return [{ address: cleaned, name: cut(clean(name, field, warnings), mailLimits.nameChars) }];
}

function idsOf(value: string): string[] {
  return value.match(messageIdForm) ?? [];
}

// The first reference names the thread, the last ones its end; the middle is what can be spared.
function boundReferences(ids: string[]): string[] {
  return ids.length <= mailLimits.references ? ids : [...ids.slice(0, 1), ...ids.slice(1 - mailLimits.references)];
}

// Not `new Date(text)`: that reads a date without zone in the zone of this machine, and accepts nearly anything.
function readDate(text: string, warnings: Set<string>): string | null {
  const match = /(\d{1,2})[ -]([a-z]{3})[a-z]*[ -](\d{2,4}),? +(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?: *([+-]\d{4}|[a-z]{1,5}))?/i.exec(text.replace(/ {2,}/g, ' '));
  const month = months.indexOf(match?.[2]?.toLowerCase() ?? '');
  const year = Number(match?.[3] ?? Number.NaN);
  const fullYear = year < 50 ? year + 2000 : year < 1000 ? year + 1900 : year;
  if (match && month >= 0 && fullYear >= 1970 && fullYear < 2200) {
    const [day, hour, minute, second] = [match[1], match[4], match[5], match[6] ?? '0'].map(Number) as [number, number, number, number];
    const zone = match[7] ?? '';
    const offset = /^[+-]/.test(zone) ? (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3))) * (zone[0] === '-' ? -1 : 1) : (zones[zone.toUpperCase()] ?? 0);
    if (day >= 1 && day <= 31 && hour < 24 && minute < 60 && second <= 60) {
      return new Date(Date.UTC(fullYear, month, day, hour, minute, second) - offset * 60_000).toISOString();
    }
  }
  const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(text) ? new Date(text) : null;
  if (iso && !Number.isNaN(iso.getTime())) return iso.toISOString();
  warnings.add(text === '' ? 'The mail has no date.' : 'The date of the mail cannot be read.');
  return null;
}

/** `News <news.club.example>` is `news.club.example`. */
function readListId(field: string): Pick<Mail, 'listId'> {
  const named = (/<([^<>]{1,200})>\s*$/.exec(field)?.[1] ?? field).trim().toLowerCase();
  return named === '' || /\s/.test(named) ? {} : { listId: cut(named, 200) };
}

function readBulk(first: (key: string) => string, from: Mailbox | null): Mail['bulk'] {
  const auto = first('auto-submitted').toLowerCase();
  const sender = from?.address.toLowerCase() ?? '';
  return {
    autoSubmitted: (auto !== '' && auto !== 'no') || first('x-autoreply') !== '' || first('x-autorespond') !== '',
    list: ['list-id', 'list-unsubscribe', 'list-post'].some((key) => first(key) !== ''),
    precedence: cut(first('precedence').toLowerCase(), 40),
    bounce: /^<\s*>$/.test(first('return-path')) || /report-type="?delivery-status/i.test(first('content-type')) ||
      first('x-failed-recipients') !== '' || /^(mailer-daemon|postmaster)@/.test(sender),
    spamFlag: /^yes\b/i.test(first('x-spam-flag')) || /^yes\b/i.test(first('x-spam-status')),
  };
}
