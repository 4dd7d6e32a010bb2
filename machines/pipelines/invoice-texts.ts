// The mails that go with an invoice. Plain and short; the operator sees each before it leaves and may write another.
import { toMoney } from '../money-text.ts';
import type { Issued, Order } from '../invoice.ts';
import type { Mailbox, OutgoingMail } from '../mail.ts';

export interface MailParts { order: Order; issued: Issued; from: Mailbox; link: string | null; paidMinor: number }

const mail = ({ order: { customer }, issued: { document, hash, number }, from }: MailParts, subject: string, paragraphs: string[]): OutgoingMail => ({
  from,
  to: { address: customer.email, name: customer.name },
  subject,
  text: [...paragraphs, from.name || from.address].join('\n\n'),
  inReplyTo: null,
  references: [],
  enclosures: [{ artifact: document, hash, name: `${number}.pdf` }],
});

const open = ({ order: { language }, issued: { totalMinor, currency }, paidMinor }: MailParts) => toMoney(Math.max(0, totalMinor - paidMinor), currency, language);

/** The first mail. An invoice that was paid meanwhile goes out for the files only. */
export function invoiceMail(parts: MailParts): OutgoingMail {
  const { order: { language, customer }, issued: { number, totalMinor, currency, dueOn }, link, paidMinor } = parts;
  const total = toMoney(totalMinor, currency, language);
  if (language === 'de') {
    const pay = paidMinor >= totalMinor ? 'Sie ist bereits bezahlt, vielen Dank.' : `Bitte zahlen Sie ${open(parts)} bis zum ${dueOn} mit dem Verwendungszweck ${number}.`;
    return mail(parts, `Rechnung ${number}`, [`Guten Tag ${customer.name},`, `anbei erhalten Sie die Rechnung ${number} über ${total}. ${pay}`, ...online(parts, link, 'Online zahlen:'), 'Mit freundlichen Grüßen']);
  }
  const pay = paidMinor >= totalMinor ? 'It is paid already, thank you.' : `Please pay ${open(parts)} by ${dueOn}, with the reference ${number}.`;
  return mail(parts, `Invoice ${number}`, [`Hello ${customer.name},`, `Please find enclosed the invoice ${number} over ${total}. ${pay}`, ...online(parts, link, 'Pay online:'), 'Kind regards']);
}

/** `nth` from 1; the last one says that it is. */
export function reminderMail(parts: MailParts, { nth, last }: { nth: number; last: boolean }): OutgoingMail {
  const { order: { language, customer }, issued: { number, dueOn }, link } = parts;
  if (language === 'de') {
    const what = last && nth > 1 ? 'Letzte Zahlungserinnerung' : nth > 1 ? `${nth}. Zahlungserinnerung` : 'Zahlungserinnerung';
    return mail(parts, `${what}: Rechnung ${number}`, [`Guten Tag ${customer.name},`, `die Rechnung ${number} war am ${dueOn} fällig; ${open(parts)} sind noch offen. Bitte zahlen Sie den Betrag in den nächsten Tagen. Hat sich die Zahlung mit dieser Nachricht überschnitten, ist sie gegenstandslos.`, ...online(parts, link, 'Online zahlen:'), 'Mit freundlichen Grüßen']);
  }
  const what = last && nth > 1 ? 'Last reminder' : nth > 1 ? `Reminder no. ${nth}` : 'Reminder';
  return mail(parts, `${what}: invoice ${number}`, [`Hello ${customer.name},`, `The invoice ${number} was due on ${dueOn}; ${open(parts)} are still open. Please pay within the next days. If your payment has crossed with this mail, please ignore it.`, ...online(parts, link, 'Pay online:'), 'Kind regards']);
}

/** The page takes the whole amount, so it is named only as long as the whole is open. */
const online = ({ paidMinor }: MailParts, link: string | null, words: string) => (link === null || paidMinor > 0 ? [] : [`${words} ${link}`]);
