// What the operator said again and again becomes a rule that can be proposed: the narrowest condition on sender, domain, list or phrase
// that several taught cases share and that no taught case contradicts, with a replay over every case that is known. Pure, and nothing is
// in force by it. Only what the operator taught makes a proposal; what mails say of themselves can only be looked at in the replay.
import { categorySchema, type Category } from '../mail.ts';
import { addressOf, domainOf, isSharedDomain, wordsOf } from './features.ts';
import type { Case } from './memory.ts';
import { ruleMatches, spokenOf, type Rule } from './rule.ts';
import { ownWords } from '../agents/read-text.ts';

export interface Replay {
  /** Cases that the rule would have spoken about. */
  matched: number;
  right: number;
  /** Mails that it would have taken for something else than they stand as now. */
  wrong: string[];
  /** Of those that were asked about or corrected, how many it would have spared. */
  spared: number;
}
export interface RuleProposal { kind: 'rule'; fingerprint: string; rule: Rule; evidence: Case['source'][]; cases: string[]; replay: Replay }

const casesMin = 3;
/** Of one sender two will do, when everything else of theirs stands as the same. */
const senderCasesMin = 2;
const senderMailsMin = 4;
/** A phrase that many use: from several senders, and in so many mails that stand, all of them the same. */
const phraseCasesMin = 2;
const phraseMailsMin = 6;
const phraseSendersMin = 3;
/** Of the cases that stand, so many in a hundred may be contradicted: some of them stand because nobody looked. */
const wrongShare = 0.05;
const evidenceMax = 12;
const wordsRead = 80;

const slug = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 44);
export const fingerprintOf = ({ when, category }: Pick<Rule, 'when' | 'category'>): string => JSON.stringify([category, when]);

interface Known { one: Case; spoken: string; phrases: Set<string> }
type When = Rule['when'];

/** Two to four words in a row, as they stand in the subject or in the sender's own words; without figures. */
function phrasesOf({ mail }: Case): Set<string> {
  const found = new Set<string>();
  for (const words of [wordsOf(mail.subject), wordsOf(ownWords(mail.text.slice(0, 1_500))).slice(0, wordsRead)]) {
    for (let length = 2; length <= 4; length++) for (let i = 0; i + length <= words.length; i++) {
      const part = words.slice(i, i + length);
      if (!part.includes('#') && part.join(' ').length >= 8) found.add(part.join(' '));
    }
  }
  return found;
}

/** `inForce`: rules that there are already; `known`: fingerprints that were proposed before; `names`: those that are taken. */
export function proposeRules(cases: readonly Case[], { inForce, known, names, limit }: { inForce: readonly Rule[]; known: readonly string[]; names: readonly string[]; limit: number }): RuleProposal[] {
  const all = [...new Map(cases.map((one) => [one.id, one])).values()].map((one): Known => ({ one, spoken: spokenOf(one.mail), phrases: one.by === 'operator' ? phrasesOf(one) : new Set() }));
  let open = all.filter(({ one, spoken }) => one.by === 'operator' && !inForce.some((rule) => rule.category === one.category && ruleMatches(rule, one.mail, spoken)));
  const proposals: RuleProposal[] = [];
  const taken = new Set(names);
  while (proposals.length < limit) {
    const best = candidates(open, all)
      .filter(({ when, category }) => !known.includes(fingerprintOf({ when, category })) && !proposals.some(({ rule }) => fingerprintOf(rule) === fingerprintOf({ when, category })))
      .map((candidate) => ({ ...candidate, ...replay(candidate, all) }))
      .filter(({ clean }) => clean)
      .toSorted((a, b) => b.spared.length - a.spared.length || specificity(b.when) - specificity(a.when))[0];
    if (!best) break;
    const { when, category, name, result, spared } = best;
    proposals.push({ kind: 'rule', fingerprint: fingerprintOf({ when, category }), rule: { name: freeName(`${category}-${name}`, taken), note: `Proposed from ${spared.length} mails that you sorted.`, when, category }, evidence: spared.slice(0, evidenceMax).map(({ one }) => one.source), cases: spared.slice(0, evidenceMax).map(({ one }) => one.id), replay: result });
    open = open.filter((one) => !spared.includes(one));
  }
  return proposals;
}

const specificity = (when: When) => (when.sender ? 4 : 0) + (when.list ? 3 : 0) + (when.domain ? 2 : 0);

interface Candidate { when: When; category: Category; name: string }

function candidates(open: readonly Known[], all: readonly Known[]): Candidate[] {
  const found: Candidate[] = [];
  for (const category of categorySchema.options) {
    const mine = open.filter(({ one }) => one.category === category);
    const group = (key: (known: Known) => string) => [...Map.groupBy(mine, key)].filter(([name, list]) => name !== '' && list.length >= senderCasesMin);
    for (const [address] of group(({ one }) => addressOf(one.mail))) found.push({ when: { sender: [address] }, category, name: `from-${slug(address)}` }, ...narrowed({ sender: [address] }, address, category, open, all));
    for (const [domain, list] of group(({ one }) => (isSharedDomain(domainOf(one.mail)) ? '' : domainOf(one.mail)))) {
      // One address alone says nothing about the others of its domain.
      if (new Set(list.map(({ one }) => addressOf(one.mail))).size > 1) found.push({ when: { domain: [domain] }, category, name: `from-${slug(domain)}` }, ...narrowed({ domain: [domain] }, domain, category, open, all));
    }
    for (const [listId] of group(({ one }) => one.mail.listId ?? '')) found.push({ when: { list: [listId] }, category, name: `list-${slug(listId)}` });
    const counted = new Map<string, Known[]>();
    for (const known of mine) for (const phrase of known.phrases) counted.set(phrase, [...(counted.get(phrase) ?? []), known]);
    const shared = [...counted].filter(([, list]) => list.length >= phraseCasesMin && new Set(list.map(({ one }) => addressOf(one.mail))).size >= phraseCasesMin);
    // Of phrases that stand in the same mails the longest says most about them.
    for (const [phrase] of longest(shared).slice(0, 20)) found.push({ when: { says: [phrase] }, category, name: `says-${slug(phrase)}` });
  }
  return found;
}

/** A sender who writes about two things is told apart by a phrase that only the one has. */
function narrowed(when: When, who: string, category: Category, open: readonly Known[], all: readonly Known[]): Candidate[] {
  const theirs = all.filter(({ one, spoken }) => ruleMatches({ when }, one.mail, spoken));
  if (theirs.every(({ one }) => one.category === category)) return [];
  const mine = open.filter(({ one, spoken }) => one.category === category && ruleMatches({ when }, one.mail, spoken));
  const counted = new Map<string, Known[]>();
  for (const known of mine) for (const phrase of known.phrases) counted.set(phrase, [...(counted.get(phrase) ?? []), known]);
  return longest([...counted].filter(([phrase, list]) => list.length >= casesMin && !theirs.some(({ one, spoken }) => one.category !== category && spoken.includes(` ${phrase} `))))
    .slice(0, 3).map(([phrase]) => ({ when: { ...when, says: [phrase] }, category, name: `from-${slug(who).slice(0, 24)}-${slug(phrase).slice(0, 19)}` }));
}

const longest = (found: [string, Known[]][]): [string, Known[]][] => {
  const bySet = Map.groupBy(found, ([, list]) => list.map(({ one }) => one.id).join(' '));
  return [...bySet.values()].map((same) => same.reduce((a, b) => (b[0].length > a[0].length ? b : a))).toSorted((a, b) => b[1].length - a[1].length);
};

function replay({ when, category }: Candidate, all: readonly Known[]): { result: Replay; spared: Known[]; clean: boolean } {
  const matching = all.filter(({ one, spoken }) => ruleMatches({ when }, one.mail, spoken));
  const wrong = matching.filter(({ one }) => one.category !== category);
  const spared = matching.filter(({ one }) => one.by === 'operator' && one.category === category);
  return {
    result: { matched: matching.length, right: matching.length - wrong.length, wrong: wrong.slice(0, 10).map(({ one }) => one.id), spared: spared.length },
    spared, clean: isOften(when, spared.length, matching) && !wrong.some(({ one }) => one.by === 'operator') && wrong.length <= matching.length * wrongShare,
  };
}

/** Whether it was taught often enough for such a condition, and stands in enough mails. */
function isOften({ sender, list, domain }: When, taught: number, matching: readonly Known[]): boolean {
  if (sender !== undefined || list !== undefined) return taught >= casesMin || (taught >= senderCasesMin && matching.length >= senderMailsMin);
  if (domain !== undefined) return taught >= casesMin;
  return taught >= phraseCasesMin && matching.length >= phraseMailsMin && new Set(matching.map(({ one }) => addressOf(one.mail))).size >= phraseSendersMin;
}

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted.slice(0, 60);
  for (let n = 2; taken.has(name); n++) name = `${wanted.slice(0, 58)}-${n}`;
  taken.add(name);
  return name;
}
