// Which mails are the same mail. The route must not matter (LF or CRLF, mbox quoting, headers a mail program adds), the content
// must: a Message-ID is only a claim of the sender, so it is one ingredient and never the key.
import { createHash } from 'node:crypto';
import type { Mail } from '#machines/mail.ts';
import type { RawAttachment } from './body.ts';

/** sha256 in hex. */
export function hashOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** `m-` and 16 hex digits over what the mail says, with line ends, trailing blanks and mbox quoting normalised. */
export function identify(
  mail: Pick<Mail, 'messageId' | 'from' | 'date' | 'subject'>, texts: { plain: string; html: string }, attachments: readonly RawAttachment[],
): string {
  const hashes = attachments.map((attachment) =>
    attachment.lineEndsVary ? hashOf(Buffer.from(normalise(attachment.bytes.toString('latin1')), 'latin1')) : hashOf(attachment.bytes));
  // Keys in alphabetical order and no numbers: JSON.stringify is then the canonical form.
  const canonical = JSON.stringify({
    attachments: hashes,
    date: mail.date,
    from: mail.from?.address.toLowerCase() ?? null,
    html: hashOf(normalise(texts.html)),
    messageId: mail.messageId,
    subject: mail.subject,
    text: hashOf(normalise(texts.plain)),
  });
  return `m-${hashOf(canonical).slice(0, 16)}`;
}

// Each expression is anchored at a line start or a non-blank, so that a megabyte of blanks costs linear time.
function normalise(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/(^|\S)[^\S\n]+$/gm, '$1').replace(/^>+(?=From )/gm, '').trim();
}
