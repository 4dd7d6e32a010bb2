// Reads payee, amount, dates and reference out of a bill, a receipt or a payment notice. Several candidates that cannot be
// told apart give a low confidence and the reason, never a silent guess.
import { mailLimits, type Mail } from '../mail.ts';
import { findAmounts, soleCurrency, type Amount } from './amounts.ts';
import { addDays, findDates, type FoundDate } from './dates.ts';
import { findPayee, findReference } from './money-parties.ts';
import { flattenText, foldText, ownWords } from './read-text.ts';
import { findSuspicious } from './suspicious.ts';

export interface MoneyFacts {
  /** Whom the money goes to; in a notice of money that came in, whom it came from. */
  payee: string | null;
  /** Integer in minor units of `currency` (cents; whole yen), or null. */
  amountMinor: number | null;
  /** ISO 4217. */
  currency: string | null;
  /** YYYY-MM-DD. */
  dueDate: string | null;
  /** Date of the invoice or receipt, else the day of the mail. YYYY-MM-DD. */
  documentDate: string | null;
  reference: string | null;
  /** 0…1; below 0.7 the operator should look. */
  confidence: number;
  reasons: string[];
  /** The line of the mail's text, from 1, where the amount stands; null when it is not in the text. */
  line: number | null;
}

const totalLabel = /\b(?:(?:grand |order |invoice |overall |new )?total(?! (?:net|excl|vat|tax|hours))|(?:amount|balance|payment|sum|total)(?: now| is| currently)? (?:due|payable|owed|outstanding|paid|charged)|amount to pay|to pay|to be paid|pay(?:ment)? of|paid|charged|sum of|in the amount of|amount|balance|gross|gesamt(?:betrag|summe|preis)?|rechnungs(?:betrag|summe)|end(?:betrag|summe)|zahl(?:ungs)?betrag|summe|brutto|zu zahlen(?:de[rn]?)?(?: betrag)?|faelliger betrag|offene[nr]? (?:betrag|posten)|(?:den|der|dem|einen) betrag|betrag|in hoehe von|ihre zahlung(?: ueber)?|rechnung(?: \S{1,20})? ueber|bezahlt|belastet|abgebucht|ueberwiesen|nachzahlung)\b/g;
const strongTotal = /\b(?:total|amount due|balance due|total due|amount payable|amount to pay|to pay|to be paid|amount paid|total paid|gesamt\w*|rechnungs(?:betrag|summe)|end(?:betrag|summe)|zahl(?:ungs)?betrag|zu zahlen\w*|brutto|faelliger betrag|offene[nr]? betrag|grand total|invoice total|nachzahlung)\b/;
const partLabel = /\b(?:sub-?total|sub total|net(?:to)?|excl\w*|vat|tax|mwst|ust|umsatzsteuer|mehrwertsteuer|zwischensumme|shipping|postage|delivery|versand\w*|porto|discount|rabatt|skonto|nachlass|tip|trinkgeld|each|per|hour|hourly|unit|piece|je|pro|stunde|stueck|einzelpreis|rate|mahngebuehr\w*|late fee|deposit|anzahlung|abschlag|bereits gezahlt|less|abzueglich|gegeben|zurueck|rueckgeld|new balance|account balance|previous balance|kontostand|saldo|guthaben(?:stand)?|instead of|statt|was previously|last (?:month|year)|vormonat|vorjahr|limit|save|sparen|from|ab nur)\b/g;

interface Candidate extends Amount { rank: number }

/** The words that belong to an amount: before it on its line, and right behind it. */
function labelsOf(text: string, amounts: readonly Amount[], index: number): { before: string; behind: string } {
  const amount = amounts[index];
  if (amount === undefined) return { before: '', behind: '' };
  const previousEnd = amounts[index - 1]?.end ?? 0;
  let before = text.slice(Math.max(previousEnd, amount.start - 90), amount.start);
  if (previousEnd > amount.start - 90) before = before.replace(/^[^,;\n]{0,25}[,;]/, '');
  const lines = before.split('\n');
  const last = lines.at(-1) ?? '';
  before = last.trim().length > 2 ? last : lines.slice(-2).join(' ');
  const behind = /^[^,;.\n]{0,24}/.exec(text.slice(amount.end, Math.min(amounts[index + 1]?.start ?? text.length, amount.end + 24)))?.[0] ?? '';
  return { before: foldText(before), behind: foldText(behind) };
}

function lastIndex(pattern: RegExp, text: string): number {
  let last = -1;
  for (const match of text.matchAll(pattern)) last = match.index;
  return last;
}

function rankAmounts(text: string, amounts: readonly Amount[]): Candidate[] {
  return amounts.map((amount, index) => {
    const { before, behind } = labelsOf(text, amounts, index);
    const part = lastIndex(partLabel, before);
    const inPart = part < 0 ? 0 : /^[a-z]+(?:[ -][a-z]+)?/.exec(before.slice(part))?.[0].length ?? 0;
    const total = lastIndex(totalLabel, before);
    let rank = 0;
    if (total >= 0 && (part < 0 || total === part || total >= part + inPart)) rank = strongTotal.test(before.slice(Math.max(0, part))) ? 3 : 2;
    else if (part >= 0) rank = -2;
    if (/^\s*(?:in total|total|gesamt|brutto|gross|incl|inkl|zu zahlen|due|is due|to pay|outstanding)\b/.test(behind)) rank = 3;
    else if (/^\s*(?:net|netto|excl|zzgl|plus|per|each|\/|je|pro|vat|mwst|ust|tax|discount|rabatt|skonto)\b/.test(behind)) rank = -2;
    return { ...amount, rank };
  });
}

interface Choice { amount: Candidate | null; trust: number; reason: string }

function chooseAmount(candidates: readonly Candidate[]): Choice {
  const positive = candidates.filter((candidate) => candidate.amountMinor > 0);
  if (positive.length === 0) return { amount: null, trust: 0, reason: candidates.length > 0 ? 'The only amount is zero.' : 'No amount was found.' };
  const best = Math.max(...positive.map((candidate) => candidate.rank));
  const top = positive.filter((candidate) => candidate.rank === best);
  const values = new Set(top.map((candidate) => `${candidate.amountMinor} ${candidate.currency ?? ''}`));
  const all = new Set(positive.map((candidate) => candidate.amountMinor));
  const largest = top.reduce((a, b) => (b.amountMinor > a.amountMinor ? b : a));
  const named = top.find((candidate) => candidate.amountMinor === largest.amountMinor && candidate.currency !== null) ?? largest;
  if (new Set(top.map((candidate) => candidate.amountMinor)).size === 1 && new Set(top.map((c) => c.currency).filter(Boolean)).size < 2) {
    if (best >= 2) return { amount: named, trust: best > 2 ? 0.97 : 0.9, reason: 'The amount is labelled as the total.' };
    if (all.size === 1) return { amount: named, trust: 0.87, reason: 'It is the only amount.' };
    if (best < 0) return { amount: named, trust: 0.45, reason: 'The only amounts are parts of a sum.' };
    return { amount: named, trust: 0.6, reason: 'Other amounts are named as well.' };
  }
  const others = [...all].filter((value) => value !== largest.amountMinor).reduce((sum, value) => sum + value, 0);
  if (others === largest.amountMinor) return { amount: named, trust: 0.78, reason: 'The largest amount is the sum of the others.' };
  return { amount: named, trust: 0.4, reason: `It is not clear which of ${values.size} amounts is the total.` };
}

const notDue = /\b(?:runs?|valid|guaranteed|arrives?|gueltig|laeuft|open|geoeffnet|active|until then)\b.{0,12}\b(?:until|by|bis)\b.{0,10}$/;
const dueLabel = /\b(?:due|pay(?:able|ment)? (?:by|before|until|on|no later than)|by|before|until|no later than|latest|deadline|faellig\w*|zahlbar|zahlungsziel|bis|spaetestens|ziehen wir|wir ziehen|abgebucht am|eingezogen am|wird am|lastschrift)\b(?![^]*\b(?:invoice date|rechnungsdatum|dated|issued|vom)\b)/;
const documentLabel = /\b(?:invoice date|date of (?:issue|invoice|purchase)|issued|dated|rechnungsdatum|belegdatum|datum|date|vom|on|am|paid|bezahlt|booked|gebucht)\b/;

function chooseDates(text: string, mail: Mail, reasons: string[]): { due: string | null; document: string | null; trust: number } {
  const sent = mail.date?.slice(0, 10) ?? null;
  const near = sent !== null && /^\d{4}-\d{2}-\d{2}$/.test(sent) ? sent : null;
  const dates = findDates(text, near);
  const before = (date: FoundDate): string => foldText(text.slice(Math.max(0, date.start - 45), date.start)).split(/[\n.!?]\s/).at(-1) ?? '';
  const dues = dates.filter((date) => dueLabel.test(before(date)) && !notDue.test(before(date)) && (near === null || date.iso >= (addDays(near, -400) ?? near)));
  const documents = dates.filter((date) => !dues.includes(date) && (near === null || date.iso <= near || /\b(?:invoice date|date of (?:issue|invoice)|issued|dated|rechnungsdatum|belegdatum)\b/.test(before(date))));
  const document = documents.find((date) => documentLabel.test(before(date))) ?? documents[0];
  let trust = 1;
  let due = dues[0]?.iso ?? null;
  if (new Set(dues.map((date) => date.iso)).size > 1) { trust = 0.75; reasons.push('More than one date could be the due date.'); }
  const doubtful = [dues[0], document].find((date) => date !== undefined && !date.clear && /\//.test(text.slice(date.start, date.end)));
  if (doubtful !== undefined) { trust = Math.min(trust, 0.7); reasons.push(`Day and month of "${text.slice(doubtful.start, doubtful.end)}" could be exchanged.`); }
  const documentDate = document?.iso ?? near;
  if (document === undefined && near !== null) reasons.push('No document date was found; the day of the mail is used.');
  const span = /\b(?:within|innerhalb (?:von )?|binnen|net|in den naechsten|in)\s{0,3}(\d{1,3}|ten|fourteen|thirty|zehn|vierzehn|dreissig)\s{0,3}(?:days|tagen|tage)\b/.exec(flattenText(text));
  if (due === null && span?.[1] !== undefined && documentDate !== null) {
    const days = { ten: 10, zehn: 10, fourteen: 14, vierzehn: 14, thirty: 30, dreissig: 30 }[span[1]] ?? Number(span[1]);
    due = addDays(documentDate, days);
    reasons.push(`The due date is counted as ${days} days from ${documentDate}.`);
  }
  return { due, document: documentDate, trust };
}

/** What a mail says about money. Pure; works on any text, never gives NaN or a fraction. */
export function extractMoney(mail: Mail): MoneyFacts {
  const reasons: string[] = [];
  const own = ownWords(mail.text.slice(0, mailLimits.textChars)).replace(/\r\n?/g, '\n');
  const read = (text: string): Candidate[] => { const amounts = findAmounts(text); return rankAmounts(text, amounts); };
  let text = own;
  let candidates = read(own);
  if (candidates.length === 0) { text = mail.text.slice(0, mailLimits.textChars); candidates = read(text); }
  if (candidates.length === 0) candidates = read(mail.subject.slice(0, mailLimits.subjectChars));
  const { amount, trust, reason } = chooseAmount(candidates);
  reasons.push(reason);
  let confidence = trust;
  const currency = amount === null ? null : amount.currency ?? soleCurrency(`${mail.subject}\n${text}`);
  if (amount !== null && amount.currency === null) {
    confidence *= currency === null ? 0.5 : 0.9;
    reasons.push(currency === null ? 'No currency is named.' : `The currency is taken from elsewhere in the mail: ${currency}.`);
  }
  if (amount !== null && !amount.clear) { confidence *= 0.85; reasons.push('The separator could mean thousands or decimals.'); }
  const dates = chooseDates(text, mail, reasons);
  const party = findPayee(mail, text);
  reasons.push(party.reason);
  confidence *= dates.trust * party.trust;
  if (mail.textCut) { confidence = Math.min(confidence, 0.6); reasons.push('The mail was too long to be read whole.'); }
  const suspicious = findSuspicious(mail);
  if (suspicious.length > 0) { confidence = Math.min(confidence, 0.4); reasons.push(`It is suspicious: it ${suspicious[0]}.`); }
  return {
    payee: party.payee, amountMinor: amount?.amountMinor ?? null, currency, dueDate: dates.due, documentDate: dates.document,
    reference: findReference(mail, text), confidence: Math.round(confidence * 100) / 100, reasons,
    line: amount === null ? null : lineOf(mail.text, text, amount.start),
  };
}

/** `part` holds lines of `whole`: the number of the line in `whole` that has the character at `start` of `part`. */
function lineOf(whole: string, part: string, start: number): number | null {
  const line = part.slice(part.lastIndexOf('\n', start - 1) + 1).split('\n', 1)[0]!.trim();
  const place = whole.split(/\r\n|\r|\n/).findIndex((other) => other.trim() === line);
  return place === -1 ? null : place + 1;
}
