// The evidence that is not in the wording: questions, headers, sender, attachments, links, length.
import type { Category, Mail } from '../mail.ts';
import { amountShape, invoiceFile, paymentFile, receiptFile } from './phrases-money.ts';
import { asksWh, greeting, thanks } from './phrases.ts';
import { findQuestions, flattenText, foldText } from './read-text.ts';

export interface Evidence { reason: string; weights: Partial<Record<Category, number>> }

/** A mail prepared for the rules: its own words, as written and folded. */
export interface Reading { mail: Mail; reply: boolean; subject: string; own: string; flat: string }

const brands = /\b(?:paypal|amazon|microsoft|office ?365|apple|icloud|google|netflix|dhl|ups|fedex|dpd|hermes|sparkasse|volksbank|postbank|commerzbank|ebay|klarna|facebook|instagram|whatsapp|docusign|hsbc|barclays)\b/;
const machineName = /^(?:no-?_?reply|do-?not-?reply|donotreply|notifications?|alerts?|mailer-daemon|postmaster|automated|system|robot)\b/;
const moneyName = /^(?:billing|invoices?|accounts?|accounting|rechnung(?:en)?|buchhaltung|faktura|mahnwesen|finance|ar|debitoren)\b/;
const orderName = /^(?:orders?|receipts?|bestellung(?:en)?|quittung|shop|store|tickets?|buchung)\b/;
const bankName = /\b(?:bank|sparkasse|payouts?|zahlungsdienst|creditors?|kreditoren|accounts payable|ap)\b/;

function weighQuestions(reading: Reading): Evidence[] {
  const questions = findQuestions(reading.own).map((question) => flattenText(question));
  if (questions.length === 0) return [];
  const pointed = questions.some((question) => asksWh.test(question) && question.split(' ').length > 3 && /\b(?:you|your|we|our|us|i|my|sie|ihr\w*|du|dein\w*|euch|eu\w*|wir|uns\w*|ich|mein\w*|mir|mich|die|der|das|the|it|there)\b/.test(question));
  const list: Evidence[] = [{ reason: 'asks a question', weights: { inquiry: 1.3 + (questions.length > 1 ? 0.3 : 0) } }];
  if (pointed) list.push({ reason: 'asks how, what, when or whether', weights: { inquiry: 0.7 } });
  return list;
}

function weighHeaders({ mail }: Reading, spoken: readonly Evidence[]): Evidence[] {
  const list: Evidence[] = [];
  const { bulk } = mail;
  if (bulk.bounce) list.push({ reason: 'is a delivery failure report', weights: { notice: 4, inquiry: -6, invoice: -4, receipt: -4, payment: -4, spam: -3 } });
  if (bulk.autoSubmitted) list.push({ reason: 'was sent by a program', weights: { notice: aboutMoney(spoken) ? 0.8 : 2.2, inquiry: -6, spam: -0.5 } });
  if (bulk.list) list.push({ reason: 'came over a mailing list', weights: { notice: 3, inquiry: -6, spam: -1.3, invoice: -0.5 } });
  if (/^(?:bulk|list|junk)$/i.test(bulk.precedence)) list.push({ reason: 'was sent in bulk', weights: { notice: 1.2, inquiry: -2 } });
  if (bulk.spamFlag) list.push({ reason: 'was marked as spam by the mail server', weights: { spam: 2.6, inquiry: -0.8 } });
  return list;
}

function weighSender({ mail, subject, flat }: Reading, spoken: readonly Evidence[]): Evidence[] {
  const list: Evidence[] = [];
  const address = foldText(mail.from?.address ?? '').slice(0, 200);
  const [local = '', domain = ''] = address.split('@');
  const name = foldText(mail.from?.name ?? '').slice(0, 200);
  if (machineName.test(local)) list.push({ reason: 'comes from an address that nobody reads', weights: aboutMoney(spoken) ? { inquiry: -1.6, notice: 0.3, receipt: 0.3 } : { inquiry: -1.6, notice: 1.5 } });
  if (/^(?:newsletter|news|marketing|updates?|rundbrief|info-?mail)\b/.test(local)) list.push({ reason: 'comes from a newsletter address', weights: { notice: 1, inquiry: -0.6 } });
  if (moneyName.test(local)) list.push({ reason: 'comes from an accounting address', weights: { invoice: 0.5, receipt: 0.3 } });
  if (orderName.test(local)) list.push({ reason: 'comes from a shop address', weights: { receipt: 0.6 } });
  if (bankName.test(`${name} ${local}`) || /bank/.test(domain)) list.push({ reason: 'comes from a bank or a paying department', weights: { payment: 0.7 } });
  const brand = brands.exec(name)?.[0].replace(' ', '');
  if (brand !== undefined && !new RegExp(`(?:^|\\.)${brand}\\.[a-z.]{2,10}$`).test(domain)) list.push({ reason: 'carries a well-known name on a foreign address', weights: { spam: 1.3, receipt: -0.4, notice: -0.4 } });
  if (/[\w.+-]+@[\w-]+\.\w/.test(name) && !name.includes(domain)) list.push({ reason: 'shows one address and comes from another', weights: { spam: 1.4 } });
  const reply = foldText(mail.replyTo?.address ?? '').split('@')[1];
  if (reply !== undefined && domain !== '' && reply !== domain && !reply.endsWith(`.${domain}`) && !domain.endsWith(`.${reply}`)) list.push({ reason: 'wants answers sent to another domain', weights: { spam: 0.7 } });
  if (/(?:secure|verify|login|account|update|support|pruefung|sicherheit|konto|service)[.-]?\w*-\w+|-(?:login|verify|secure|check|pruefung|sicherheit)\b/.test(domain) && /https?:/.test(flat)) list.push({ reason: 'comes from a domain made to look official', weights: { spam: 0.9 } });
  if ((mail.subject.match(/!/g)?.length ?? 0) + (flat.match(/!!+/g)?.length ?? 0) > 1 || (/\p{Lu}{4,}\s+\p{Lu}{4,}/u.test(mail.subject) && subject.length > 8)) list.push({ reason: 'shouts', weights: { spam: 0.8 } });
  return list;
}

function weighAttachments({ mail, flat }: Reading, spoken: readonly Evidence[]): Evidence[] {
  const list: Evidence[] = [];
  const names = mail.attachments.map((file) => foldText(file.name));
  const asked = spoken.some(({ reason }) => reason.includes('our invoice'));
  if (names.some((name) => invoiceFile.test(name))) list.push({ reason: 'has a file named like an invoice', weights: asked ? {} : { invoice: 1.3, receipt: 0.2 } });
  if (names.some((name) => receiptFile.test(name))) list.push({ reason: 'has a file named like a receipt', weights: { receipt: 1.4 } });
  if (names.some((name) => paymentFile.test(name))) list.push({ reason: 'has a file named like a payment advice', weights: { payment: 1.4 } });
  if (names.some((name) => /\.(?:exe|scr|js|vbs|bat|iso|lnk|htm|html|docm|xlsm)$/.test(name))) list.push({ reason: 'has a dangerous attachment', weights: { spam: 2.2 } });
  if (mail.attachments.some((file) => file.mediaType === 'text/calendar' || /\.ics$/i.test(file.name))) list.push({ reason: 'carries a calendar entry', weights: { notice: 1 } });
  if (amountShape.test(flat)) list.push({ reason: 'names an amount of money', weights: sumsPlay(spoken) });
  else list.push(...missProof(mail, flat, spoken));
  return list;
}

/** Money mails carry an amount, a file or a link; without any of them the words are more likely talk about one. */
function missProof(mail: Mail, flat: string, spoken: readonly Evidence[]): Evidence[] {
  if (!aboutMoney(spoken) || mail.attachments.length > 0 || /https?:/.test(flat)) return [];
  return [{ reason: 'names no amount', weights: { invoice: -1.2, receipt: -0.5, payment: -0.4 } }];
}

/** Who says "I have paid" and denies something in the same mail usually complains. */
function weighComplaint({ flat }: Reading, spoken: readonly Evidence[]): Evidence[] {
  const paid = spoken.some(({ weights }) => (weights.payment ?? 0) > 1) && /\b(?:i|we|ich|wir)\b/.test(flat);
  const denies = /\b(?:not|never|nothing|nobody|no one|neither|still|expect|demand|nicht|nichts|nie|niemand|weder|erwarte|erwarten|verlange|immer noch)\b/.test(flat);
  return paid && denies ? [{ reason: 'says that something is missing although it was paid', weights: { inquiry: 1.3, payment: -1.2 } }] : [];
}

/** An amount strengthens what the words already say about money, and says nothing without them. */
function sumsPlay(spoken: readonly Evidence[]): Evidence['weights'] {
  const says = (category: Category): boolean => spoken.some(({ weights }) => (weights[category] ?? 0) > 1);
  return { ...(says('invoice') && { invoice: 0.7 }), ...(says('receipt') && { receipt: 0.7 }), ...(says('payment') && { payment: 0.7 }) };
}

function weighTone(reading: Reading, spoken: readonly Evidence[], asks: boolean): Evidence[] {
  const list: Evidence[] = [];
  const wants = asks || spoken.some(({ weights }) => (weights.inquiry ?? 0) > 1);
  const pitches = spoken.some(({ weights }) => (weights.spam ?? 0) > 0.9);
  if (wants && !pitches && greeting.test(reading.flat)) list.push({ reason: 'greets like a person', weights: { inquiry: 0.3 } });
  if (wants && reading.reply && !pitches) list.push({ reason: 'asks something in a running conversation', weights: { inquiry: 0.7 } });
  if (wants || pitches || aboutMoney(spoken)) return list;
  const sums = amountShape.test(reading.flat);
  if (thanks.test(reading.flat)) list.push({ reason: sums ? 'says thanks and names an amount' : 'says thanks and asks nothing', weights: sums ? { receipt: 1.2 } : { notice: 2.2 } });
  if (sums) return list;
  if (reading.reply && reading.flat.length > 25) list.push({ reason: 'answers in a conversation and asks nothing', weights: { notice: 1.1 } });
  else if (reading.flat.length > 40 && !/https?:/.test(reading.flat)) list.push({ reason: 'tells something and asks nothing', weights: { notice: 0.9 } });
  return list;
}

/** True when the words say something about an invoice, a receipt or a payment. */
function aboutMoney(spoken: readonly Evidence[]): boolean {
  return spoken.some(({ weights }) => Math.max(weights.invoice ?? 0, weights.receipt ?? 0, weights.payment ?? 0) > 1);
}

/** Evidence from everything but the phrases; `spoken` is what the phrases said, which some of it depends on. */
export function weighShape(reading: Reading, spoken: readonly Evidence[]): Evidence[] {
  const questions = weighQuestions(reading);
  return [...questions, ...weighHeaders(reading, spoken), ...weighSender(reading, spoken), ...weighAttachments(reading, spoken), ...weighComplaint(reading, spoken), ...weighTone(reading, spoken, questions.length > 0)];
}
