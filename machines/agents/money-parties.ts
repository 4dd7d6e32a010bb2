// Who the other side of a payment is, and under which number it runs.
import { mailLimits, type Mail } from '../mail.ts';
import { foldText, safeLine } from './read-text.ts';

const departments = '(?:billing|accounts?(?: payable| receivable)?|accounting|invoic(?:es?|ing)|no-?reply|support|service|team|customer (?:care|service)|kundenservice|kundendienst|buchhaltung|rechnung(?:en|sstelle)?|mahnwesen|finance|info|notifications?|receipts?|orders?|kontakt|hello|office|kreditoren\\w*|debitoren\\w*)';
const department = new RegExp(`^(?:${departments}\\b[\\s,|:/&-]*)+|(?:[\\s,|:/&-]*\\b${departments})+$`, 'gi');
const labelled = /(?:^|\n)\s{0,6}(?:payee|account holder|pay to|payable to|beneficiary|kontoinhaber(?:in)?|(?:zahlungs)?empf(?:ä|ae)nger(?:in)?|beg(?:ü|ue)nstigter?)\s{0,3}:\s{0,3}([^\n]{2,120})/iu;
const payer = [
  /(?:^|[\n.,] ?)\s{0,6}(?:auftraggeber(?:in)?|zahler(?:in)?|einzahler|payer|originator|ordering party|remitter)\s{0,3}:\s{0,3}([^\n,;]{2,80})/iu,
  /\bfrom\s+((?:\p{Lu}[\p{Lu}\d&.-]*)(?:\s+\p{Lu}[\p{Lu}\d&.-]*){1,5})/u,
  /\bvon\s+((?:\p{Lu}[\p{Lu}\d&.-]*)(?:\s+\p{Lu}[\p{Lu}\d&.-]*){1,5})/u,
  /(?:^|[\n.!] ?)((?:\p{Lu}[\p{L}\d&'.-]*\s+){1,5})(?:sent you|paid you|has (?:sent|paid) you|hat [Ii]hnen|hat [Dd]ir)\b/u,
  /\b(?:payment|transfer|deposit|zahlung|überweisung) (?:\S{1,20} ){0,3}(?:from|von) ((?:\p{Lu}[\p{L}\d&'.-]*)(?:\s+\p{Lu}[\p{L}\d&'.-]*){0,4})/u,
];

/** The other party by label, by payer phrase, by the sender's name, or by the sender's domain, in this order of trust. */
export function findPayee(mail: Mail, text: string): { payee: string | null; trust: number; reason: string } {
  const label = labelled.exec(text)?.[1];
  if (label !== undefined && /\p{L}{2}/u.test(label)) return { payee: safeLine(label), trust: 1, reason: 'The payee is named in the text.' };
  for (const pattern of payer) {
    const found = pattern.exec(text)?.[1];
    if (found !== undefined && /\p{L}{2}/u.test(found)) return { payee: safeLine(found.replace(/[.\s]+$/, '')), trust: 1, reason: 'The text names whom the money came from.' };
  }
  const name = safeLine((mail.from?.name ?? '').slice(0, mailLimits.nameChars));
  const bare = safeLine(name.replace(department, ' ').replace(/^[\s,|:/-]+|[\s,|:/-]+$/g, '').replace(/\b(?:from|via|von|at|bei)\s*$/i, ''));
  if (/\p{L}{2}/u.test(bare) && !bare.includes('@')) return { payee: bare, trust: 1, reason: 'The payee is the sender.' };
  const labels = (mail.from?.address.split('@')[1] ?? '').toLowerCase().split('.');
  const domain = labels.at(-2) ?? '';
  if (/^[\p{L}\d-]{2,63}$/u.test(domain)) {
    const words = domain.split('-').filter(Boolean).map((word) => word[0]?.toUpperCase() + word.slice(1));
    return { payee: safeLine(words.join(' ')), trust: 0.9, reason: "The payee is read from the sender's domain." };
  }
  return { payee: null, trust: 0.6, reason: 'No payee was found.' };
}

const token = '(?<!\\p{L})(?:(?:RE|RG|RNR|INV|NR)[ ])?([A-Z]{0,6}[-/]?[A-Z0-9][A-Z0-9/_.-]{1,30})';
const marks = '\\s{0,3}(?:no|nr|number|nummer|id|#|№)?\\.?\\s{0,2}[:#.]?\\s{0,3}#?';
const references = [
  `(?:invoice|rechnung|bill|faktura|credit note|gutschrift|honorarrechnung|stromrechnung|schlussrechnung|rechnungs-?(?=n))${marks}`,
  `(?:reference|ref|verwendungszweck|aktenzeichen|kundenreferenz|quoting)${marks}`,
  `(?:receipt|quittung|beleg|bon|mahnung|statement|booking|buchung|booking ref)${marks}`,
  `(?:order|bestellung|auftrag|account|vertrag|contract|kunden)${marks}`,
].map((start) => new RegExp(`(?<![\\p{L}])${start}${token}`, 'giu'));

function plausible(found: string): string | null {
  const trimmed = found.replace(/[./_-]+$/, '');
  const digits = trimmed.match(/\d/g)?.length ?? 0;
  if (digits < 2 || /^\d{1,2}[./]\d{1,2}[./]\d{2,4}$/.test(trimmed) || /^\d+[.,]\d{2}$/.test(trimmed) || /^20\d\d$/.test(trimmed) || /^\d{1,3}(?:[.,]\d{3})+$/.test(trimmed)) return null;
  return trimmed.length > 1 && trimmed.length <= 40 ? trimmed : null;
}

/** Invoice number, else payment reference, receipt or order number; from text, subject, then the names of attached files. */
export function findReference(mail: Mail, text: string): string | null {
  const sources = [mail.subject.slice(0, mailLimits.subjectChars), text, mail.text.slice(0, mailLimits.textChars)];
  for (const pattern of references) {
    for (const source of sources) {
      for (const match of source.matchAll(pattern)) {
        const found = plausible(match[1] ?? '');
        if (found !== null) return safeLine(found, 40);
      }
    }
  }
  for (const { name } of mail.attachments.slice(0, mailLimits.attachments)) {
    const found = /^(?:(?:invoice|rechnung|receipt|quittung|beleg|inv|re|rg|rng)[-_ ]+)?([a-z]{0,5}[-_]?\d[\w-]{1,30})\.pdf$/.exec(foldText(name))?.[1];
    const good = found === undefined ? null : plausible(found.toUpperCase());
    if (good !== null) return safeLine(good.replace(/_/g, '-'), 40);
  }
  return null;
}
