// The exact bytes of an outgoing mail. The same arguments give the same bytes: they are hashed, approved and sent as they are.
import { hashJson, sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import { outgoingMailSchema, type Mailbox, type OutgoingMail } from '#machines/mail.ts';
import type { Enclosed } from './enclosures.ts';

const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const domainForm = new RegExp(`^${label}(?:\\.${label})*$`);
const localPartForm = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const messageIdForm = /^<[\x21-\x3b\x3d\x3f-\x7e]{1,900}>$/;
// Also what turns the direction of reading: nobody types it, and it makes a name look like another one.
const headerControls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
/** Would be decoded by the reader's program into something that was never shown here. */
const encodedWord = /=\?[^?\s]+\?[bq]\?/i;
const textControls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/**
 * Composes a text mail, with `enclosed` as its attachments. `messageId` with angle brackets, `date` as ISO 8601 or Date. Deterministic:
 * no clock, no random boundary. Throws REFUSED, naming the field, when a header value has control characters or encoded words, an
 * address is not exactly one plain ASCII address, an id is no message id, or the text has control characters other than line ends and tabs.
 */
export async function composeMail(payload: OutgoingMail, { messageId, date, enclosed = [] }: { messageId: string; date: string | Date; enclosed?: readonly Enclosed[] }): Promise<Uint8Array> {
  const parsed = outgoingMailSchema.safeParse(payload);
  if (!parsed.success) throw refused('payload', parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
  const { from, to, subject, text, inReplyTo, references } = parsed.data;
  checkMailbox('from', from);
  checkMailbox('to', to);
  checkHeader('subject', subject);
  if (subject.trim() === '') throw refused('subject', 'it is blank');
  for (const id of [messageId, ...(inReplyTo === null ? [] : [inReplyTo]), ...references]) {
    if (!messageIdForm.test(id) || encodedWord.test(id)) throw refused('message id', `${JSON.stringify(id)} is not of the form <…> in printable ASCII`);
  }
  if (textControls.test(text) || !text.isWellFormed()) throw refused('text', 'it has control characters or broken Unicode');
  const sentAt = new Date(date);
  sentAt.setUTCMilliseconds(0); // a header has no room for them
  if (Number.isNaN(sentAt.getTime())) throw refused('date', `${JSON.stringify(date)} is no date`);

  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const composer = new MailComposer({
    from, to, subject, messageId, date: sentAt, references,
    inReplyTo: inReplyTo ?? undefined,
    // A lone CR is a line end to some servers: then a text could end the mail and begin another one.
    text: text.replace(/\r\n?/g, '\n'),
    newline: 'windows', disableFileAccess: true, disableUrlAccess: true,
    attachments: enclosed.map(({ name, mediaType, bytes }) => ({ filename: name, contentType: mediaType, content: Buffer.from(bytes), contentTransferEncoding: 'base64' as const, contentDisposition: 'attachment' as const })),
    // Follows from all that is in the mail, so that no text can contain the boundary it is enclosed by.
    baseBoundary: hashJson({ messageId, date: sentAt.toISOString(), payload: parsed.data, names: enclosed.map(({ name }) => name) }).slice(0, 32),
  });
  return await composer.compile().build();
}

/** A message id that is the same for the same operation, so that a mail sent twice can be recognised. It does not reveal the operation. */
export function messageIdFor(operationId: string, domain: string): string {
  if (domain.length > 253 || !domainForm.test(domain)) throw refused('domain', `${JSON.stringify(domain)} is not a domain name in ASCII`);
  return `<keelson.${sha256(operationId).slice(0, 32)}@${domain}>`;
}

function checkMailbox(field: string, { address, name }: Mailbox): void {
  checkHeader(`${field} name`, name);
  const at = address.lastIndexOf('@');
  const [local, domain] = [address.slice(0, Math.max(at, 0)), address.slice(at + 1)];
  if (address.length > 254 || local.length > 64 || !localPartForm.test(local) || encodedWord.test(local) || !domainForm.test(domain)) {
    throw refused(field, `${JSON.stringify(address)} is not one plain address in ASCII (write an international domain as xn--…)`);
  }
}

function checkHeader(field: string, value: string): void {
  if (headerControls.test(value)) throw refused(field, 'it has control characters, which could add header lines of their own');
  if (encodedWord.test(value)) throw refused(field, 'it has an encoded word (=?…?=), which would read differently at the recipient');
  if (!value.isWellFormed()) throw refused(field, 'it has broken Unicode');
}

function refused(field: string, reason: string): KeelsonError {
  return new KeelsonError('REFUSED', `The mail was not composed; ${field}: ${reason}.`, { hint: 'Correct the draft and decide on it again.' });
}
