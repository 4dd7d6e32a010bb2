// Looks for what the operator taught again and again, over the cases and edits that the store holds, and words the proposals. Reads only.
import { sha256 } from '#actors/hash.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import { proposeRules, type RuleProposal } from '#machines/learning/propose-rules.ts';
import { proposeTemplates, type Edit, type Stored, type TemplateProposal } from '#machines/learning/propose-templates.ts';
import type { Case } from '#machines/learning/memory.ts';
import { sayRule } from '#machines/learning/rule.ts';
import { categorySchema } from '#machines/mail.ts';
import { readRules } from './learnt.ts';

/** How far back it looks. */
const casesMax = 3_000;
const pageRows = 200;
const perLook = 3;

interface Page { cases: Case[]; next: number | null }

export function consolidate({ store, clock }: { store: Pick<StorePort, 'query'>; clock: { now(): number } }): Activity {
  return async ({ input }) => {
    const { known, limit } = input as { known: string[]; limit: number };
    const most = Math.min(limit, perLook);
    if (most === 0) return { proposals: [], atMs: clock.now() };
    const { rules } = await readRules(store);
    const cases: Case[] = [];
    for (let after: number | null = 0; after !== null;) {
      const page: Page = (await store.query('triageCases', { after, limit: pageRows, newest: casesMax })) as Page;
      cases.push(...page.cases.filter(({ category }) => categorySchema.safeParse(category).success));
      after = page.next;
    }
    const found = proposeRules(cases, { inForce: rules.map(({ rule }) => rule), known, names: rules.map(({ rule }) => rule.name), limit: most });
    const templates = (await store.query('contents', { artifactKind: 'template' })) as Stored[];
    const edits = (await store.query('templateEdits', {})) as Edit[];
    const better = proposeTemplates(edits, templates, { known, limit: most - found.length });
    return { proposals: [...found.map(wordRule), ...better.map(wordTemplate)], atMs: clock.now() };
  };
}

function wordRule({ fingerprint, rule, evidence, cases, replay }: RuleProposal) {
  const text = `${JSON.stringify(rule, null, 2)}\n`;
  return {
    fingerprint: fingerprint.slice(0, 700), publish: { kind: 'rule' as const, name: rule.name, text }, hash: sha256(text),
    summary: `Make it a rule? ${sayRule(rule)[0]!.toUpperCase()}${sayRule(rule).slice(1)}`,
    reasons: [
      `You sorted ${replay.spared} such mails yourself.`,
      `In the past it would have spoken about ${replay.matched} mails and been right about ${replay.right}${replay.wrong.length > 0 ? `; it contradicts what was said of ${replay.wrong.join(', ')}` : ''}.`,
      `Mails: ${cases.join(', ')}.`,
    ],
    evidence: evidence.map(({ kind, id }) => ({ kind, id })),
  };
}

function wordTemplate({ fingerprint, name, text, removed, added, evidence, replay }: TemplateProposal) {
  return {
    fingerprint: fingerprint.slice(0, 700), publish: { kind: 'template' as const, name, text }, hash: sha256(text),
    summary: `Change the template ${name}? You made the same change in ${replay.same} of its drafts`,
    reasons: [...(removed.length > 0 ? [`Out: ${removed.join(' / ')}`] : []), ...(added.length > 0 ? [`In: ${added.join(' / ')}`] : []), `Of ${replay.edited} drafts of it that you changed, ${replay.same} would have come out so by themselves.`],
    evidence,
  };
}
