// The bench `learn`: does it need you less the longer it runs? A stream of mails that drifts (learn-mails.ts), the triage agent and the
// consolidation agent in the simulator with the activities that the server gives them, no model. The operator knows the truth: he
// answers what is asked, and corrects at the end of each day what was wrong. What is counted is every time he was needed. Three ways: the
// rules of this build alone; with learning; with learning and, from the middle on, consolidation, whose proposals he approves when none
// of the mails so far speaks against them. Same mails, same seeds.
import { consolidate } from '#connectors/consolidate.ts';
import { createLearnt } from '#connectors/learnt.ts';
import { parseMail } from '#connectors/mail/parse.ts';
import { consolidationMachine } from '#machines/agents/consolidation.ts';
import { triageMachine } from '#machines/agents/triage.ts';
import type { Item } from '#machines/inbox.ts';
import { parseRule, ruleMatches } from '#machines/learning/rule.ts';
import type { Category, Mail } from '#machines/mail.ts';
import { createSim } from '../kit/sim.ts';
import { learnMails } from './learn-mails.ts';
import { consolidationAddress } from '#machines/agents/standing.ts';

export type Way = 'rules' | 'learning' | 'consolidation';
export interface Learnt { needed: number[]; sureAndWrong: number; rules: number; proposed: number }

const threshold = 0.7;
const perDay = 20;
/** How many mails of a hundred needed the operator, for each hundred. */
export async function measureLearning(count: number, seed: number, way: Way, consolidateFrom = count / 2): Promise<Learnt> {
  const store = openCases();
  const learnt = createLearnt({ store });
  const nothing = { outcome: 'unsure' as const, answer: null, confidence: null, model: null, costMicros: 0, reason: '', prompt: null, evidence: [], againAtMs: null };
  const sim = createSim({
    machines: [triageMachine, consolidationMachine],
    activities: {
      'model.ask': async ({ input }) => (way === 'rules' ? nothing : learnt((input as { task: string }).task, (input as { input: unknown }).input)),
      'learning.consolidate': consolidate({ store, clock: { now: () => sim.nowMs() } }),
    },
    permissions: true,
  });
  await sim.start(consolidationAddress, consolidationMachine).idle();
  const needed = Array.from({ length: Math.ceil(count / 100) }, () => 0);
  const truth: { mail: Mail; category: Category }[] = [];
  let [sureAndWrong, proposed] = [0, 0];
  let today: { mail: Mail; category: Category; n: number }[] = [];

  const endDay = async (last: number) => {
    for (const { mail, category, n } of today) {
      const address = `triage/${mail.id}`;
      const { verdict } = sim.context<{ verdict: { category: Category; tier: string } }>(address);
      const isAsked = sim.value(address) === 'asking';
      if (isAsked || verdict.category !== category) needed[Math.floor(n / 100)]! += 1;
      if (isAsked) await sim.event(address, { type: 'RESPOND', text: category }, 'operator/desk').idle();
      else if (verdict.category !== category) sureAndWrong++;
      // As the store has it: the verdict of this mail first, then the correction of it.
      const decision = sim.recorded.decisions.find(({ what, evidence }) => what === 'triage' && evidence[0]?.id === mail.id);
      if (!decision) throw new Error(`nobody decided about ${mail.id}`);
      store.add({ mail, category: decision.outcome as Category, tier: decision.tier ?? 'rules', before: null });
      if (!isAsked && verdict.category !== category) store.add({ mail, category, tier: 'operator', before: verdict.category });
    }
    today = [];
    sim.recorded.decisions.length = 0;
    if (way !== 'consolidation' || last < consolidateFrom) return;
    await sim.event(consolidationAddress, { type: 'LOOK' }).idle();
    for (const item of sim.recorded.intents.splice(0)) {
      if (item.state !== 'input-required' || !item.id.startsWith('learnt-')) continue;
      const data = item.data as unknown as Item & { payload: { publish: { text: string } } };
      const rule = parseRule(data.payload.publish.text);
      proposed++;
      const isTrue = truth.every(({ mail, category }) => category === rule.category || !ruleMatches(rule, mail));
      if (isTrue) store.publish(rule.name, data.payload.publish.text);
      await sim.event(consolidationAddress, isTrue ? { type: 'APPROVE', about: item.id, payloadHash: data.payloadHash } : { type: 'REJECT', about: item.id, reason: 'not always' }, 'operator/desk').idle();
    }
  };

  for (const [n, { raw, category }] of learnMails(count, seed).entries()) {
    const { mail } = await parseMail(raw);
    truth.push({ mail, category });
    today.push({ mail, category, n });
    await sim.start(`triage/${mail.id}`, triageMachine, { mail, threshold }).idle();
    if (today.length === perDay) await endDay(n);
  }
  await endDay(count);
  return { needed, sureAndWrong, rules: store.published(), proposed };
}

/** What the store answers to those two activities, from memory. */
function openCases() {
  const cases: { n: number; id: string; category: Category; by: string; before: Category | null; source: { kind: string; id: string }; mail: Mail }[] = [];
  const rules = new Map<string, string>();
  return {
    add({ mail, category, tier, before }: { mail: Mail; category: Category; tier: string; before: Category | null }) {
      const n = cases.length + 1;
      cases.push({ n, id: mail.id, category, by: tier === 'operator' ? 'operator' : tier === 'rules' ? 'rules' : 'other', before, source: before === null ? { kind: 'decision', id: `d-${n}-0` } : { kind: 'annotation', id: `a-${n}-0` }, mail });
    },
    publish: (name: string, text: string) => void rules.set(`rule/${name}`, text),
    published: () => rules.size,
    async query(name: string, args: Record<string, unknown> = {}) {
      if (name === 'contents') return args['artifactKind'] === 'rule' ? [...rules].map(([id, text]) => ({ id, version: 1, text })) : [];
      if (name !== 'triageCases') return [];
      const after = args['after'] as number;
      const page = cases.slice(after, after + (args['limit'] as number));
      return { cases: page, next: after + page.length < cases.length ? after + page.length : null, last: after + page.length, epoch: 0 };
    },
  };
}

export async function printLearning(seeds: readonly number[], say: (line: string) => void, count = 800): Promise<{ first: number; last: number; rulesFirst: number; rulesLast: number; after: number; afterWithout: number }> {
  const total = { first: 0, last: 0, rulesFirst: 0, rulesLast: 0, after: 0, afterWithout: 0 };
  const tail = (needed: readonly number[]) => needed.slice(count / 200).reduce((sum, one) => sum + one, 0);
  for (const seed of seeds) {
    const [rules, learning, consolidated] = [await measureLearning(count, seed, 'rules'), await measureLearning(count, seed, 'learning'), await measureLearning(count, seed, 'consolidation')];
    say(`learn, seed ${seed}: needed you per hundred mails: rules alone ${rules.needed.join(' ')} | learning ${learning.needed.join(' ')} | and consolidation ${consolidated.needed.join(' ')}; sure and wrong ${rules.sureAndWrong} | ${learning.sureAndWrong} | ${consolidated.sureAndWrong} of ${count}; ${consolidated.rules} of ${consolidated.proposed} proposals approved`);
    total.first += learning.needed[0]!;
    total.last += learning.needed.at(-1)!;
    total.rulesFirst += rules.needed[0]!;
    total.rulesLast += rules.needed.at(-1)!;
    total.afterWithout += tail(learning.needed);
    total.after += tail(consolidated.needed);
  }
  const each = (n: number) => Math.round((n / seeds.length) * 10) / 10;
  say(`learn, ${seeds.length} seeds, ${count} mails each: first hundred ${each(total.first)}, last hundred ${each(total.last)} (rules alone ${each(total.rulesFirst)} and ${each(total.rulesLast)}); in the second half ${each(total.afterWithout)} with learning, ${each(total.after)} with consolidation`);
  return total;
}
