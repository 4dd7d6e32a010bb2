// Sorts a mail into one of six categories by adding up evidence of many kinds: phrases, questions, sender, headers,
// attachments. The confidence is the winner's share of all evidence, so weak or contradicting evidence makes it low.
import { categorySchema, mailLimits, type Category, type Language, type Mail } from '../mail.ts';
import { detectLanguage } from './language.ts';
import { inquiryPhrases, noticePhrases, type Phrase } from './phrases.ts';
import { moneyPhrases } from './phrases-money.ts';
import { pitchPhrases, spamPhrases } from './phrases-spam.ts';
import { flattenText, isReply, ownWords } from './read-text.ts';
import { dropSuspicious, findSuspicious } from './suspicious.ts';
import { weighShape, type Evidence, type Reading } from './triage-shape.ts';

export interface Triage {
  category: Category;
  /** 0…1. At 0.7 and above the category may be acted on; below, the operator is asked. */
  confidence: number;
  /** The evidence in short sentences, strongest first. */
  reasons: string[];
  language: Language;
  /** Why the mail may be trying to instruct the agent; empty when it is not. Never raises the confidence. */
  suspicious: string[];
}

const phrases: readonly Phrase[] = [...inquiryPhrases, ...noticePhrases, ...moneyPhrases, ...spamPhrases, ...pitchPhrases];

/** Weight of "none of these": what the evidence must stand out against. */
const doubt = Math.E - 1;
/** A mail that instructs the agent is never acted on without the operator. */
const suspiciousCeiling = 0.55;

function readMail(mail: Mail, clean: boolean): Reading {
  const whole = ownWords(mail.text.slice(0, mailLimits.textChars));
  const text = clean ? whole : dropSuspicious(whole);
  const subject = clean ? mail.subject : dropSuspicious(mail.subject);
  return { mail, reply: isReply(mail), subject: flattenText(subject), own: text, flat: flattenText(text) };
}

function weighPhrases(reading: Reading): Evidence[] {
  const found: Evidence[] = [];
  // The subject of a reply was written for another mail; it says little about this one.
  const all = reading.reply ? reading.flat : `${reading.subject} . ${reading.flat}`;
  for (const phrase of phrases) {
    if (phrase.where === 'subject' && reading.reply) continue;
    if (!phrase.pattern.test(phrase.where === 'subject' ? reading.subject : all)) continue;
    if (found.some((other) => other.reason === phrase.reason)) continue;
    found.push({ reason: phrase.reason, weights: phrase.weights });
  }
  return found;
}

function addUp(evidence: readonly Evidence[]): Record<Category, number> {
  const score: Record<Category, number> = { inquiry: 0, invoice: 0, receipt: 0, payment: 0, notice: 0, spam: 0 };
  for (const { weights } of evidence) {
    for (const category of categorySchema.options) score[category] += weights[category] ?? 0;
  }
  for (const category of categorySchema.options) score[category] = 5 * Math.tanh(Math.max(0, score[category]) / 5);
  return score;
}

/** How much text there is to judge: very short mails cannot be certain. */
function trustLength(reading: Reading): number {
  const words = `${reading.reply ? '' : reading.subject} ${reading.flat}`.match(/[a-z]{2,}/g)?.length ?? 0;
  const machineSaysSo = reading.mail.bulk.bounce || reading.mail.bulk.autoSubmitted || reading.mail.bulk.list;
  if (machineSaysSo && words > 0) return 1;
  if (words < 3) return 0.35;
  if (words < 6) return 0.7;
  return words < 9 ? 0.88 : 1;
}

/** The category of a mail and how far to trust it. Pure; works on any text. */
export function triageMail(mail: Mail): Triage {
  const suspicious = findSuspicious(mail);
  const reading = readMail(mail, suspicious.length === 0);
  const { language } = detectLanguage(`${mail.subject.slice(0, mailLimits.subjectChars)}\n${ownWords(mail.text)}`);
  const spoken = weighPhrases(reading);
  const evidence = [...spoken, ...weighShape(reading, spoken)];
  const score = addUp(evidence);
  const exponential = (category: Category): number => Math.exp(score[category]) - 1;
  const total = doubt + categorySchema.options.reduce((sum, category) => sum + exponential(category), 0);
  const machine = mail.bulk.autoSubmitted || mail.bulk.list || mail.bulk.bounce;
  const open = categorySchema.options.filter((category) => !(machine && category === 'inquiry') && !(mail.bulk.bounce && category !== 'notice'));
  const category = open.reduce((best, other) => (score[other] > score[best] ? other : best), score.inquiry > 0 && !machine ? 'inquiry' : 'notice');
  let confidence = (exponential(category) / total) * trustLength(reading);
  const reasons = evidence
    .filter(({ weights }) => (weights[category] ?? 0) > 0)
    .toSorted((a, b) => (b.weights[category] ?? 0) - (a.weights[category] ?? 0))
    .map(({ reason }) => (reason.startsWith('the ') ? `T${reason.slice(1)}.` : `It ${reason}.`)).slice(0, 6);
  if (reading.flat === '') reasons.push('There is no readable text.');
  if (reasons.length === 0) reasons.push('Nothing in it points to one kind of mail.');
  const rival = categorySchema.options.filter((other) => other !== category).reduce((a, b) => (score[b] > score[a] ? b : a));
  if (confidence < 0.7 && score[rival] > 0.8) reasons.push(`It could also be: ${rival}.`);
  if (mail.text !== '' && readable(mail.text) < 0.6) { confidence *= 0.4; reasons.push('Most of the text is not readable.'); }
  if (suspicious.length > 0) { confidence = Math.min(confidence, suspiciousCeiling); reasons.push(`It is suspicious: it ${suspicious[0]}.`); }
  return { category, confidence: Math.round(Math.min(0.99, Math.max(0, confidence)) * 100) / 100, reasons, language, suspicious };
}

/** The share of characters that belong in a written text. */
function readable(text: string): number {
  const sample = text.slice(0, 2_000);
  const good = sample.match(/[\p{Script=Latin}\p{M}\d\s.,;:!?'"()\-@/€$£%&>*_–—„“”‘’]/gu)?.length ?? 0;
  const words = sample.match(/\p{Script=Latin}{2,}/gu)?.length ?? 0;
  return words === 0 ? 0 : good / sample.length;
}
