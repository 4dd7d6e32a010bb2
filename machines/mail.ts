// A mail as agents see it: bounded, plain JSON, untrusted. The raw bytes and attachments stay in the store, named by hash.
import { z } from 'zod';

export const mailLimits = { textChars: 8_000, subjectChars: 300, recipients: 50, attachments: 50, references: 50, nameChars: 200 } as const;

export const mailboxSchema = z.object({ address: z.string(), name: z.string() });
export type Mailbox = z.output<typeof mailboxSchema>;

export const attachmentSchema = z.object({ name: z.string(), mediaType: z.string(), sizeBytes: z.number().int(), hash: z.string() });

export const mailSchema = z.object({
  /** `m-` and 16 hex digits of a hash over the significant content, so that the same mail by two routes is one mail. */
  id: z.string(),
  /** sha256 (hex) of the raw bytes. */
  rawHash: z.string(),
  rawBytes: z.number().int(),
  messageId: z.string().nullable(),
  inReplyTo: z.string().nullable(),
  references: z.array(z.string()),
  from: mailboxSchema.nullable(),
  replyTo: mailboxSchema.nullable(),
  to: z.array(mailboxSchema),
  cc: z.array(mailboxSchema),
  /** Real number of recipients; `to` and `cc` are cut at `mailLimits.recipients`. */
  recipientCount: z.number().int(),
  subject: z.string(),
  /** ISO 8601, or null when the mail has no readable date. */
  date: z.string().nullable(),
  /** Plain text (made from HTML when there is no plain part), cut at `mailLimits.textChars`. */
  text: z.string(),
  textCut: z.boolean(),
  attachments: z.array(attachmentSchema),
  /** Headers that say a machine wrote it. */
  bulk: z.object({ autoSubmitted: z.boolean(), list: z.boolean(), precedence: z.string(), bounce: z.boolean(), spamFlag: z.boolean() }),
  /** What its List-Id names, in lower case; absent without one. */
  listId: z.string().optional(),
  /** What could not be read, in plain words. */
  warnings: z.array(z.string()),
});
export type Mail = z.output<typeof mailSchema>;

export const categorySchema = z.enum(['inquiry', 'invoice', 'receipt', 'payment', 'notice', 'spam']);
/** inquiry: wants an answer · invoice: to pay · receipt: was paid by us · payment: money came in · notice: for information · spam */
export type Category = z.output<typeof categorySchema>;

export const languageSchema = z.enum(['en', 'de']);
export type Language = z.output<typeof languageSchema>;

/** A document of the store that goes with a mail; `hash` is the sha256 (hex) of its bytes, so that what leaves is what was approved. */
export const mailEnclosureSchema = z.strictObject({ artifact: z.string().min(1), hash: z.string().regex(/^[0-9a-f]{64}$/), name: z.exactOptional(z.string().min(1).max(mailLimits.nameChars)) });
export type MailEnclosure = z.output<typeof mailEnclosureSchema>;

const outgoingMailbox = z.strictObject(mailboxSchema.shape);

/**
 * What leaves by mail: exactly this is shown, hashed, approved and sent. What may be left out is absent or says something: neither
 * `undefined` nor an empty list, so that one mail has one hash.
 */
export const outgoingMailSchema = z.strictObject({
  from: outgoingMailbox,
  to: outgoingMailbox,
  subject: z.string().min(1).max(mailLimits.subjectChars),
  text: z.string().min(1).max(100_000),
  inReplyTo: z.string().nullable(),
  references: z.array(z.string()).max(mailLimits.references),
  enclosures: z.exactOptional(z.array(mailEnclosureSchema).min(1).max(20)),
  /** Addresses of those whom a reply answers; another recipient is a high risk. */
  expected: z.exactOptional(z.array(z.string().min(1)).min(1).max(mailLimits.recipients)),
});
export type OutgoingMail = z.output<typeof outgoingMailSchema>;
