// Which template fits a mail: weighted keyword matches, each explained by the words that matched.
import type { Language } from '../mail.ts';
import { findQuestions, flattenText } from './read-text.ts';
import type { Template } from './templates.ts';

export interface Match { template: Template; score: number; words: string[] }

/** Cuts the commonest endings; the same cut on both sides is all that matching needs. */
export function stemWord(word: string, language: Language): string {
  if (word.length < 5) return word;
  const cut = language === 'de' ? word.replace(/(?:ungen|innen|erin|enden|ern|est|end|en|em|er|es|e|n|s|t)$/, '') : word.replace(/(?:ations?|ings?|edly|ed|ies|es|s|e|ly)$/, '');
  return cut.length >= (language === 'de' ? 5 : 4) ? cut : word;
}

function stemsOf(keyword: string, language: Language): string[] {
  return flattenText(keyword).replace(/[^a-z0-9 '-]/g, ' ').split(' ').filter(Boolean).slice(0, 8).map((word) => stemWord(word, language));
}

/** How strongly a keyword occurs in a folded text: 1 as a word, 0.6 only as part of a German compound, 0 not at all. */
function makeTest(stems: readonly string[], language: Language): (text: string) => number {
  if (stems.length === 0) return () => 0;
  const parts = stems.map((stem) => stem.replace(/[.*+?^${}()|[\]\\-]/g, '\\$&'));
  const compound = parts.length === 1 && language === 'de' && (stems[0]?.length ?? 0) >= 5;
  const word = new RegExp(`(?<![a-z0-9])${parts.map((part) => `${part}[a-z]{0,${compound ? 3 : 6}}`).join("[ ,'-]{1,3}(?:[a-z]{1,12} )?")}(?![a-z0-9])`);
  // "Preis" also stands in "Preisanfrage" and in "Gesamtpreis".
  const inside = compound ? new RegExp(`(?<![a-z])(?:[a-z]{3,30})?${parts[0]}`) : null;
  return (text) => (word.test(text) ? 1 : inside?.test(text) === true ? 0.6 : 0);
}

interface Prepared { template: Template; tests: { word: string; find(text: string): number; weight: number }[] }

/** Templates of one language, with a weight per keyword: rarer among the templates and longer phrases count more. */
export function prepareTemplates(templates: readonly Template[], language: Language): Prepared[] {
  const own = templates.filter((template) => template.language === language);
  // By stem: "price, prices, pricing" is one piece of evidence.
  const byStem = own.map((template) => new Map(template.keywords.map((word) => [stemsOf(word, language).join(' '), word])));
  const uses = new Map<string, number>();
  for (const words of byStem) for (const key of words.keys()) uses.set(key, (uses.get(key) ?? 0) + 1);
  return own.map((template, index) => ({
    template,
    tests: [...byStem[index] ?? []].filter(([key]) => key !== '').map(([key, word]) => ({ word, find: makeTest(key.split(' '), language), weight: (key.includes(' ') ? 1.5 : 1) / Math.sqrt(uses.get(key) ?? 1) })),
  }));
}

/** Score of one text against one template; at most `limit` matches count, so that repetition does not win. */
export function scoreText(prepared: Prepared, text: string): { score: number; words: string[] } {
  const hits = prepared.tests.map(({ word, find, weight }) => ({ word, weight: weight * find(text) })).filter(({ weight }) => weight > 0).toSorted((a, b) => b.weight - a.weight).slice(0, 6);
  return { score: hits.reduce((sum, hit) => sum + hit.weight, 0), words: hits.map((hit) => hit.word) };
}

/** All templates of a language by how well they fit; subject words and words inside questions count more than others. */
export function rankTemplates(prepared: readonly Prepared[], subject: string, text: string): Match[] {
  const flatSubject = flattenText(subject);
  const flat = flattenText(text);
  const asked = flattenText(findQuestions(text).join(' '));
  return prepared.map((one) => {
    const [inSubject, inText, inQuestions] = [scoreText(one, flatSubject), scoreText(one, flat), scoreText(one, asked)];
    return { template: one.template, score: inText.score + inSubject.score * 0.8 + inQuestions.score * 0.6, words: [...new Set([...inSubject.words, ...inText.words])] };
  }).toSorted((a, b) => b.score - a.score || (a.template.id < b.template.id ? -1 : 1));
}
