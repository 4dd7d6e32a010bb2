// What a mail would do, in words and as data: nothing leaves for it. The mail is composed once on the way, so that whatever could not
// be composed is refused before anybody is asked.
import type { Plan } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Mailbox, OutgoingMail } from '#machines/mail.ts';
import type { PlanCall } from '../connector.ts';
import { composeMail, messageIdFor } from './compose.ts';
import { readEnclosures } from './enclosures.ts';

export interface PlanSettings {
  /** Domain of our Message-IDs. */
  domain: string;
  /** Addresses this company writes from, in small letters. */
  own: readonly string[];
  /** What becomes of the mail, when that is not plain sending. */
  note: string | null;
}

const anyDate = new Date(0);

export async function planMail(verb: 'Send' | 'Draft', payload: OutgoingMail, { operationId, documents }: PlanCall, { domain, own, note }: PlanSettings): Promise<Plan> {
  const { from, to, subject, text, inReplyTo } = payload;
  const recipient = to.address.toLowerCase();
  if (!own.includes(from.address.toLowerCase())) {
    throw new KeelsonError('REFUSED', `${JSON.stringify(from.address)} is no address of this company`, { hint: 'Write from the address in company.json.' });
  }
  const enclosed = await readEnclosures(payload.enclosures ?? [], documents);
  await composeMail(payload, { messageId: messageIdFor(operationId, domain), date: anyDate, enclosed });
  const isOwn = own.includes(recipient);
  const expected = payload.expected ?? [];
  // A reply that names nobody answers nobody; a new mail answers nobody by nature.
  const isUnexpected = verb === 'Send' && !isOwn && (inReplyTo !== null || expected.length > 0) && !expected.some((address) => address.toLowerCase() === recipient);
  return {
    summary: `${verb} “${subject}” to ${to.address}`,
    preview: [
      `From: ${written(from)}`, `To: ${written(to)}`, `Subject: ${subject}`, ...(inReplyTo === null ? [] : [`In reply to: ${inReplyTo}`]),
      ...enclosed.map(({ name, mediaType, sizeBytes, hash }) => `Enclosed: ${name} (${mediaType}, ${sizeBytes} bytes, ${hash.slice(0, 12)})`),
      '', text,
    ].join('\n'),
    risk: verb === 'Draft' ? 'low' : isUnexpected ? 'high' : 'medium',
    reasons: [...(isUnexpected ? [`the recipient ${to.address} is not the sender of the mail that is answered`] : []), ...(note === null ? [] : [note])],
    control: [{ kind: 'recipient', field: 'to.address', value: recipient, vouchedBy: isOwn ? 'an address of this company' : null }],
    enclosures: enclosed.map(({ bytes: _, ...enclosure }) => enclosure),
    money: null,
  };
}

const written = ({ name, address }: Mailbox) => (name === '' ? address : `${name} <${address}>`);
