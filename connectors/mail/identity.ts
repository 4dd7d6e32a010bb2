// Which mails are the same mail. The route must not matter (LF or CRLF, mbox quoting, headers a mail program adds), the content
// must: a Message-ID is only a claim of the sender, so it is one ingredient and never the key.
import { sha256 } from '#actors/hash.ts';
import type { Mail } from '#machines/mail.ts';
import type { RawAttachment } from './body.ts';

/** `m-` and 16 hex digits over what the mail says, with line ends, trailing blanks and mbox quoting normalised. */
export function identify(
  mail: Pick<Mail, 'messageId' | 'from' | 'date' | 'subject'>, texts: { plain: string; html: string }, attachments: readonly RawAttachment[],
): string {
  const hashes = attachments.map((attachment) =>
    attachment.lineEndsVary ? sha256(Buffer.from(normalise(attachment.bytes.toString('latin1')), 'latin1')) : sha256(attachment.bytes));
  // Keys in alphabetical order and no numbers: JSON.stringify is then the canonical form.
  const canonical = JSON.stringify({
    attachments: hashes,
    date: mail.date,
    from: mail.from?.address.toLowerCase() ?? null,
    html: sha256(normalise(texts.html)),
    messageId: mail.messageId,
    subject: mail.subject,
    text: sha256(normalise(texts.plain)),
  });
  return `m-${sha256(canonical).slice(0, 16)}`;
}

// Each expression is anchored at a line start or a non-blank, so that a megabyte of blanks costs linear time.
function normalise(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/(^|\S)[^\S\n]+$/gm, '$1').replace(/^>+(?=From )/gm, '').trim();
}
