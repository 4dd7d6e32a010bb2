// What the ladder saves. The same mails are sorted twice: by the ladder (the rules of this build, then `small`, then `large`), and by
// `large` alone. Everything is the real thing but the minds: a local provider that answers over HTTP as a script says, so that how often
// each tier is right is known. Money is what the gateway reserves and settles in a real store, at the prices of settings.
//   A mind: a mail is hard with probability 0.2. `small` is right in 97 of 100 easy and 52 of 100 hard ones, `large` in 98.5 and 81; each
//   says how sure it is with an error of 0.05. The rules are measured, not scripted: the mails were not written for them.
// `--mails` and `--seeds` set the sizes. Also said: the same without the rules, where the ladder has only the two models.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#actors/clock.ts';
import { silentLog } from '#actors/log.ts';
import type { StorePort } from '#actors/store-port.ts';
import { askTier } from '#connectors/model/ask.ts';
import { createGateway } from '#connectors/model/gateway.ts';
import { planTiers } from '#connectors/model/plan.ts';
import { modelsSchema } from '#connectors/model/settings.ts';
import { parseMail } from '#connectors/mail/parse.ts';
import { ladderMachine } from '#machines/agents/ladder.ts';
import type { Climbed } from '#machines/agents/ladder-shape.ts';
import { triageMail } from '#machines/agents/triage-rules.ts';
import { profileDefault } from '#machines/budget.ts';
import { categorySchema, type Category } from '#machines/mail.ts';
import { toTriageInput, triageTask } from '#machines/tasks/triage.ts';
import { createCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { nextEpoch } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { runQuery } from '#store/queries.ts';
import { createRules } from '#store/rules.ts';
import { startModelServer, type ModelRequest, type Said } from '#test/kit/model-server.ts';
import { randomFrom, type Random } from '#test/kit/random.ts';
import { createSim } from '#test/kit/sim.ts';
import { learnMails } from './learn-mails.ts';
import { median, toResult, type Result, type Say } from './measure.ts';

/** From which confidence on each is believed. */
const believed = 0.9;
const hardShare = 0.2;
const skill = { 'small-1': { easy: 0.97, hard: 0.52 }, 'large-1': { easy: 0.985, hard: 0.81 } } as const;
/** In dollars per million tokens: one to sixteen, as public lists have a small and a large model of one house. */
const prices = { 'small-1': { inputPerMillionUsd: 0.15, outputPerMillionUsd: 0.6 }, 'large-1': { inputPerMillionUsd: 2.5, outputPerMillionUsd: 10 } };

interface Case { input: ReturnType<typeof toTriageInput>; truth: Category; rules: { category: Category; confidence: number; language: 'de' | 'en' }; sure: boolean }
interface Tally { right: number; micros: number; byTier: Record<string, number>; asked: number }

export async function measureLadder(args: readonly string[], say: Say): Promise<Result[]> {
  const numberOf = (name: string, otherwise: number) => Number(args[args.indexOf(`--${name}`) + 1 || args.length] ?? otherwise);
  const [count, seeds] = [numberOf('mails', 400), numberOf('seeds', 3)];
  const ratios: number[] = [];
  const timesMs: number[] = [];
  const totals = { ladder: 0, large: 0, ladderRight: 0, largeRight: 0 };
  for (let seed = 1; seed <= seeds; seed += 1) {
    const cases = await makeCases(count, seed);
    const run = (tiers: string[], withRules: boolean) => sortAll(cases, { tiers, withRules, seed, timesMs });
    const ladder = await run(['small', 'large'], true);
    const large = await run(['large'], false);
    const models = await run(['small', 'large'], false);
    const line = (name: string, { right, micros, byTier, asked }: Tally) => say(`  seed ${seed}, ${name}: ${percent(right / count)} right, $${(micros / 1e6).toFixed(4)}, answered by ${Object.entries(byTier).map(([tier, n]) => `${tier} ${percent(n / count)}`).join(', ')}; ${percent(asked / count)} not sure`);
    line('the ladder', ladder);
    line('always large', large);
    line('the ladder without rules', models);
    say(`  seed ${seed}: ${(ladder.micros / large.micros).toFixed(3)} of the cost (without rules ${(models.micros / large.micros).toFixed(3)})`);
    ratios.push(ladder.micros / large.micros);
    totals.ladder += ladder.micros;
    totals.large += large.micros;
    totals.ladderRight += ladder.right;
    totals.largeRight += large.right;
  }
  say(`ladder: ${(totals.ladder / totals.large).toFixed(3)} of the cost of always large, ${percent(totals.ladderRight / count / seeds)} right instead of ${percent(totals.largeRight / count / seeds)}; ${seeds} seeds of ${count} mails, ratios ${ratios.map((x) => x.toFixed(3)).join(', ')}, median ${median(ratios).toFixed(3)}`);
  return [toResult({ id: 'ladder', unit: 'USD per 1,000 mails', value: totals.ladder / seeds / count / 1_000, baseline: totals.large / seeds / count / 1_000, timesMs })];
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

async function makeCases(count: number, seed: number): Promise<Case[]> {
  return Promise.all(learnMails(count, seed).map(async ({ raw, category: truth }) => {
    const { mail } = await parseMail(raw);
    const { category, confidence, language, suspicious } = triageMail(mail);
    return { input: toTriageInput(mail), truth, rules: { category, confidence, language }, sure: confidence >= believed && suspicious.length === 0 };
  }));
}

/** A mind that is right as often as it was made to be, and nearly knows how sure it may be. The same mail is as hard for all. */
function createMind(cases: readonly Case[], seed: number): (request: ModelRequest) => Said {
  const random = randomFrom(seed * 7_919);
  const known = new Map(cases.map(({ input, truth }) => [JSON.stringify(input), { truth, hard: random.chance(hardShare) }]));
  const voices = new Map<string, Random>([['small-1', randomFrom(seed * 31 + 1)], ['large-1', randomFrom(seed * 31 + 2)]]);
  return ({ user, model }) => {
    const { truth, hard } = known.get(user)!;
    const voice = voices.get(model)!;
    const chance = skill[model as keyof typeof skill][hard ? 'hard' : 'easy'];
    const category = voice.chance(chance) ? truth : voice.pick(categorySchema.options.filter((one) => one !== truth));
    const error = (voice.next() + voice.next() + voice.next() - 1.5) * 0.1;
    return { answer: { category, language: 'en', reason: 'as far as one can tell from its words', confidence: Math.min(1, Math.max(0, chance + error)) } };
  };
}

async function sortAll(cases: readonly Case[], { tiers, withRules, seed, timesMs }: { tiers: string[]; withRules: boolean; seed: number; timesMs: number[] }): Promise<Tally> {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-ladder-'));
  const server = await startModelServer({ respond: createMind(cases, seed) });
  const db = await openDatabase(join(dir, 'keelson.db'));
  try {
    await migrate(db);
    const { commit } = await createCommitter(db, await nextEpoch(db), { onWritten() {}, check: createRules({}) });
    const store: StorePort = { commit, load: async () => null, query: (name, args) => runQuery(db, name, args) };
    const settings = modelsSchema.parse({ providers: { kit: { baseUrl: server.url } }, tiers: { small: { provider: 'kit', model: 'small-1' }, large: { provider: 'kit', model: 'large-1' } }, tasks: { triage: tiers }, prices });
    const gateway = createGateway({ settings, secrets: {}, store, clock: systemClock, log: silentLog });
    const profileOf = () => ({ ...profileDefault, cache: false });
    const sim = createSim({
      machines: [ladderMachine],
      activities: {
        'model.plan': planTiers({ settings, gateway, store, profileOf, readQuality: async () => ({ thresholdOf: () => null, demoted: () => null }), thresholdDefault: () => believed }),
        'model.ask': askTier({ gateway, store, clock: systemClock, local: async () => { throw new Error('no local tier here'); }, readPrompt: async () => ({ id: 'triage', version: 0, text: triageTask.prompt }), profileOf }),
      },
    });
    const tally: Tally = { right: 0, micros: 0, byTier: {}, asked: 0 };
    for (const [i, one] of cases.entries()) {
      const from = performance.now();
      const { category, tier, sure } = withRules && one.sure ? { category: one.rules.category, tier: 'rules', sure: true } : await climb(i, one);
      timesMs.push(performance.now() - from);
      if (category === one.truth) tally.right += 1;
      if (!sure) tally.asked += 1;
      tally.byTier[tier] = (tally.byTier[tier] ?? 0) + 1;
    }
    const [spent] = await db.all<{ micros: number }>("SELECT settled + reserved AS micros FROM balance WHERE scope = 'workflow/ladder' AND period LIKE 'month:%'");
    tally.micros = spent?.micros ?? 0;
    return tally;

    async function climb(i: number, { input, rules }: Case) {
      const floor = withRules ? { answer: { category: rules.category, language: rules.language, reason: 'the rules', confidence: rules.confidence }, confidence: rules.confidence, tier: 'rules' } : null;
      await sim.start(`ladder/${i}`, ladderMachine, { task: 'triage', input, floor }).idle();
      const { answer, tier, sure } = sim.record(`ladder/${i}`)!.snapshot.output as Climbed;
      return { category: (answer as { category: Category } | null)?.category, tier: tier ?? 'nobody', sure };
    }
  } finally {
    await db.close();
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
