// Drafts a reply from the template library alone. What is known about the sender supports the choice but never enters the
// text: the only foreign words in a draft are the sender's name and subject, each one clean line.
import type { z } from 'zod';
import { mailLimits, type Language, type Mail } from '../mail.ts';
import type { draftSchema } from './activities.ts';
import { detectLanguage } from './language.ts';
import { prepareTemplates, rankTemplates, scoreText, type Match } from './match-templates.ts';
import { readPersonName } from './person-name.ts';
import { findQuestions, flattenText, isReply, ownWords, safeLine } from './read-text.ts';
import { dropSuspicious, findSuspicious, findSuspiciousText } from './suspicious.ts';
import { renderTemplate, type Template } from './templates.ts';

/** Something retrieval found. `text` is untrusted; it is compared, never copied. */
export interface Hit { kind: string; id: string; text: string; score: number }

export interface DraftInput {
  mail: Mail;
  language: Language;
  templates: readonly Template[];
  hits: readonly Hit[];
  company: { name: string; operator: string; email: string; signature: string };
}

export interface Draft {
  subject: string;
  text: string;
  templateId: string | null;
  /** 0…1. Below 0.6 the operator is asked what to answer. */
  confidence: number;
  reasons: string[];
  evidence: { kind: string; id: string }[];
}

const words = {
  en: { hello: 'Hello', dear: 'Hello', yours: 'Re: Your message', holding: 'Thank you for your message. I will look at it and come back to you.' },
  de: { hello: 'Guten Tag', dear: 'Guten Tag', yours: 'Re: Ihre Nachricht', holding: 'vielen Dank für Ihre Nachricht. Ich sehe sie mir an und melde mich bei Ihnen.' },
} as const;

const dispute = /\b(?:lawyer|solicitor|attorney|legal (?:action|steps)|court|sue|unacceptable|outrage\w*|scam|fraud|complain\w*|compensation|data protection|gdpr|rechtsanwalt|anwalt|gericht|klage|schadensersatz|frist setzen|fristsetzung|unverschaemt|unzumutbar|betrug|beschwerde|enttaeuscht|dsgvo|datenschutz(?:auskunft|verstoss))\b/;

/** `Re: …` exactly once, whatever stood in front; a neutral subject when there is none or it gives orders. */
export function replySubject(subject: string, language: Language): string {
  const bare = safeLine(subject, 600).replace(/^(?:\s*(?:re|aw|antw|antwort|sv|fwd?|wg|tr)\s*[[(]?\d{0,3}[\])]?\s*:\s*)+/i, '').trim();
  if (bare === '' || findSuspiciousText(bare).length > 0) return words[language].yours;
  return `Re: ${safeLine(bare, mailLimits.subjectChars - 10)}`;
}

function greet(name: ReturnType<typeof readPersonName>, language: Language): string {
  if (name === null) return `${words[language].hello},`;
  return `${words[language].dear} ${language === 'en' ? name.first ?? name.full : name.full},`;
}

/** A correction far below the best hit shares a few words with the mail and no topic. */
const similarShare = 1 / 3;

/** The operator's corrections of drafts like this one, by the ids they are found under. They say what to look at; no word of them enters a text. */
export function findCorrections(hits: readonly Pick<Hit, 'kind' | 'id' | 'score'>[]): string[] {
  const best = Math.max(0, ...hits.map(({ score }) => score));
  return [...new Set(hits.filter(({ kind, score }) => kind === 'correction' && score >= best * similarShare).map(({ id }) => id))];
}

/** Whichever tier wrote it: what the operator changed in drafts like it is shown beside it. */
export function besideCorrections(draft: z.output<typeof draftSchema>, hits: readonly Pick<Hit, 'kind' | 'id' | 'score'>[]): z.output<typeof draftSchema> {
  const corrections = findCorrections(hits);
  if (corrections.length === 0) return draft;
  return { ...draft, reasons: [...draft.reasons, 'a similar draft was corrected by the operator before'], evidence: [...draft.evidence, ...corrections.map((id) => ({ kind: 'annotation' as const, id }))] };
}

interface Doubt { factor: number; reason: string }

/** What speaks against sending the template as it is; each doubt multiplies the confidence. */
function findDoubts(input: DraftInput, own: string, best: Match, prepared: ReturnType<typeof prepareTemplates>): Doubt[] {
  const doubts: Doubt[] = [];
  const questions = findQuestions(own);
  const chosen = prepared.find(({ template }) => template.id === best.template.id);
  if (questions.length > 1 && chosen !== undefined) {
    const open = questions.filter((question) => scoreText(chosen, flattenText(question)).score === 0);
    const elsewhere = open.filter((question) => prepared.some((other) => other !== chosen && other.template.topic !== best.template.topic && scoreText(other, flattenText(question)).score > 0));
    if (elsewhere.length > 0) doubts.push({ factor: 0.62, reason: `It asks ${questions.length} questions, and one of them belongs to another template.` });
    else if (open.length > 0) doubts.push({ factor: open.length > 1 ? 0.68 : 0.82, reason: `It asks ${questions.length} questions; the template does not speak of ${open.length} of them.` });
  }
  if (dispute.test(flattenText(`${input.mail.subject} ${own}`))) doubts.push({ factor: 0.55, reason: 'It sounds like a complaint or a dispute; a template may be the wrong tone.' });
  if (isReply(input.mail)) doubts.push({ factor: 0.85, reason: 'It belongs to a running conversation, which a template does not know.' });
  if (input.mail.textCut || own.length > 2_500) doubts.push({ factor: 0.8, reason: 'It is long; a template will hardly answer all of it.' });
  const spoken = detectLanguage(own);
  const wordCount = own.match(/\p{L}+/gu)?.length ?? 0;
  if (spoken.language !== input.language && spoken.confidence > 0.4) doubts.push({ factor: 0.4, reason: 'It seems to be written in another language than the template.' });
  else if (wordCount > 10 && spoken.confidence < 0.25) doubts.push({ factor: 0.5, reason: 'Its language could not be told with certainty.' });
  return doubts;
}

/** How far the best match can be trusted by itself: enough keywords, and a distance to the next topic. */
function trustMatch(best: Match, second: Match | undefined, covered: boolean): number {
  const strength = 1 - Math.exp(-best.score / 1.5);
  const margin = second === undefined ? 1 : (best.score - second.score) / best.score;
  return 0.95 * strength * Math.min(1, 0.45 + margin + (covered ? 0.1 : 0));
}

/**
 * A reply draft for a mail: the best fitting template of its language, filled in. Pure; always returns a text, and a
 * confidence below 0.6 when no template clearly fits, when two fit alike, or when the mail is suspicious.
 */
export function draftReply(input: DraftInput): Draft {
  const { mail, language, company } = input;
  const reasons: string[] = [];
  const suspicious = findSuspicious(mail);
  const whole = ownWords(mail.text.slice(0, mailLimits.textChars));
  const own = suspicious.length > 0 ? dropSuspicious(whole) : whole;
  const subject = replySubject(mail.subject, language);
  const prepared = prepareTemplates(input.templates, language);
  const specific = prepared.filter(({ template }) => template.topic !== 'general');
  // The subject of a reply belongs to an earlier mail, but it still says what the conversation is about.
  const ranked = rankTemplates(specific, findSuspiciousText(mail.subject).length > 0 ? '' : mail.subject, own).filter(({ score }) => score > 0);
  const best = ranked[0];
  const template = best?.template ?? prepared.find(({ template: { topic } }) => topic === 'general')?.template ?? null;

  let confidence = 0.1;
  const evidence: { kind: string; id: string }[] = [];
  if (best === undefined) {
    reasons.push(template === null ? `There is no template in this language (${language}).` : 'No template fits; the general one only says that the mail has arrived.');
    if (template !== null) confidence = 0.3;
  } else {
    const second = ranked.find((other) => other.template.topic !== best.template.topic);
    const chosen = specific.find(({ template: { id } }) => id === best.template.id);
    const questions = findQuestions(own);
    const covered = questions.length > 0 && questions.every((question) => chosen !== undefined && scoreText(chosen, flattenText(question)).score > 0);
    confidence = trustMatch(best, second, covered);
    reasons.push(`The template "${best.template.id}" fits: ${best.words.slice(0, 5).map((word) => `"${safeLine(word, 40)}"`).join(', ')}.`);
    if (second !== undefined && second.score > best.score * 0.7) reasons.push(`"${second.template.id}" fits almost as well.`);
    const support = input.hits.slice(0, 20).filter((hit) => hit.id !== mail.id && hit.kind !== 'correction' && chosen !== undefined && scoreText(chosen, flattenText(hit.text.slice(0, 2_000))).score > 0).slice(0, 5);
    for (const hit of support) evidence.push({ kind: hit.kind, id: hit.id });
    if (support.length > 0) reasons.push(`Earlier records on the same topic: ${support.length}.`);
    // Support confirms a match that stands by itself; it cannot make one.
    if (confidence >= 0.55 && support.length > 0) confidence += Math.min(0.08, 0.04 * support.length);
    for (const doubt of findDoubts(input, own, best, specific)) { confidence *= doubt.factor; reasons.push(doubt.reason); }
  }
  const { bulk } = mail;
  if (bulk.autoSubmitted || bulk.bounce || bulk.list) { confidence = Math.min(confidence, 0.2); reasons.push('A program wrote it; it should not be answered.'); }
  if (suspicious.length > 0) { confidence = Math.min(confidence, 0.35); reasons.push(`It is suspicious: it ${suspicious[0]}.`); }

  const person = readPersonName(mail.from?.name ?? '');
  const greeting = greet(person, language);
  const vars = {
    greeting, name: person === null ? '' : language === 'en' ? person.first ?? person.full : person.full,
    subject: subject.replace(/^Re: /, ''), company: company.name, operator: company.operator, email: company.email, signature: company.signature,
  };
  const body = template?.body ?? `{{greeting}}\n\n${words[language].holding}\n\n{{signature}}`;
  const { text, missing } = renderTemplate({ body }, vars);
  if (missing.length > 0) { confidence = Math.min(confidence, 0.4); reasons.push(`The template wants what nobody has given: ${missing.join(', ')}.`); }
  return { subject, text, templateId: template?.id ?? null, confidence: Math.round(Math.min(0.97, confidence) * 100) / 100, reasons, evidence };
}
