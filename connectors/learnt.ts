// The tier `local`: what was learnt here, without a model and for nothing. First the company's published rules, then what the operator's
// answers and corrections teach. It reads the store through its port and keeps in memory only what it can read again; when something was
// erased it forgets all and learns anew from what is left.
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import { noAnswer, type Tried } from '#machines/agents/activities.ts';
import { localSchema } from '#machines/agents/triage-tiers.ts';
import { plainError } from '#machines/errors.ts';
import type { Seen } from '#machines/learning/features.ts';
import { createMemory, type Case, type Memory } from '#machines/learning/memory.ts';
import { parseRule, ruleMatches, sayRule, spokenOf, type Rule } from '#machines/learning/rule.ts';
import { categorySchema } from '#machines/mail.ts';
import type { Link } from '#machines/records.ts';

/** Asks what was learnt about a task; it costs nothing. */
export type AskLearnt = (task: string, input: unknown) => Promise<Tried>;

type Reads = Pick<StorePort, 'query'>;
interface Page { cases: (Case & { n: number })[]; next: number | null; last: number; epoch: number }
export interface PublishedRule { id: string; version: number; rule: Rule }

/** How often in a hundred a published rule is right, as long as nobody measured it. */
const ruleConfidence = 0.97;
const pageRows = 100;

const tried = (more: Partial<Tried>): Tried => ({ ...noAnswer('unsure', '', 0), ...more });

/** The rules in force. One that this build cannot read is left out, and named. */
export async function readRules(store: Reads): Promise<{ rules: PublishedRule[]; problems: string[] }> {
  const problems: string[] = [];
  const rules = ((await store.query('contents', { artifactKind: 'rule' })) as { id: string; version: number; text: string }[]).flatMap(({ id, version, text }) => {
    try {
      return [{ id, version, rule: parseRule(text) }];
    } catch (error) {
      problems.push(`${id}: ${plainError(error).message}`);
      return [];
    }
  });
  return { rules, problems };
}

export function createLearnt({ store }: { store: Reads }): AskLearnt {
  let memory: Memory = createMemory();
  let place = 0;
  let epoch: number | null = null;
  let catching: Promise<void> | null = null;

  const catchUp = async () => {
    for (;;) {
      const page = (await store.query('triageCases', { after: place, limit: pageRows })) as Page;
      if (epoch !== null && page.epoch !== epoch) {
        memory = createMemory();
        place = 0;
        epoch = page.epoch;
        continue;
      }
      epoch = page.epoch;
      for (const one of page.cases) if (categorySchema.safeParse(one.category).success) memory.add(one);
      place = page.last;
      if (page.next === null) return;
      // A long past is read in pieces, so that other work of this process goes on.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  /** All who ask at the same time wait for one reading; who asks while one is under way may need the next. */
  const upToDate = async () => {
    if (catching) await catching.catch(() => {});
    await (catching ??= catchUp().finally(() => { catching = null; }));
  };

  return async (task, input) => {
    if (task !== 'triage') return tried({ reason: `nothing is learnt about ${task} here` });
    const parsed = localSchema.safeParse(input);
    if (!parsed.success) return tried({ reason: 'what was learnt needs the whole mail' });
    const mail = parsed.data.mail as unknown as Seen & { id: string };
    const spoken = spokenOf(mail);
    const { rules } = await readRules(store);
    const matching = rules.filter(({ rule }) => ruleMatches(rule, mail, spoken));
    const evidence: Link[] = matching.map(({ id }) => ({ kind: 'artifact', id }));
    const said = new Set(matching.map(({ rule }) => rule.category));
    if (said.size === 1) {
      const { id, version, rule } = matching[0]!;
      const reason = `Your rule ${id.slice('rule/'.length)} (version ${version}): ${sayRule(rule)}.`;
      return tried({ outcome: 'answered', answer: { category: rule.category, reason, confidence: ruleConfidence }, confidence: ruleConfidence, reason, evidence });
    }
    await upToDate();
    const judged = memory.judge(mail, parsed.data.rules);
    const disagree = said.size > 1 ? `Your rules ${matching.map(({ id }) => id.slice('rule/'.length)).join(' and ')} contradict each other.` : '';
    if (judged === null) return tried({ reason: disagree || 'nothing was taught yet', evidence });
    const reason = [disagree, ...judged.reasons].filter((one) => one !== '').join(' ').slice(0, 1_000).toWellFormed() || `What was learnt says ${judged.category}.`;
    const confidence = disagree === '' ? judged.confidence : Math.min(0.5, judged.confidence);
    return tried({ outcome: 'answered', answer: { category: judged.category, reason, confidence }, confidence, reason, evidence: [...evidence, ...judged.like.map(({ source }): Link => source)] });
  };
}

/** `model.ask` where no models are set up: only what was learnt can answer. */
export const askOnlyLearnt = (learnt: AskLearnt): Activity => async ({ input }) => {
  const { task, tier, input: asked } = input as { task: string; tier: string; input: unknown };
  return tier === 'local' ? learnt(task, asked) : tried({ outcome: 'unsupported', reason: `there is no tier '${tier}' here` });
};
