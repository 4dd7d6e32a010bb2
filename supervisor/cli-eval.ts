// `keelson eval …`: scores a prompt, rules or a tier on cases from the past before it is published. Rules, what was learnt and templates
// are asked here; models are asked through the running server, in the budget of the workflow `evals`.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { sha256 } from '#actors/hash.ts';
import { randomId } from '#actors/ids.ts';
import { evalFact, readEvals, type EvalTried } from '#connectors/console/eval-routes.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { compareScored, scoreCases, type Difference, type EvalAnswer, type EvalKind, type EvalResult, type Scored } from '#machines/evals.ts';
import { parseRule } from '#machines/learning/rule.ts';
import { promptName } from '#machines/prompts.ts';
import { taskNames, taskOf } from '#machines/task-list.ts';
import { createPrivateCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { nextEpoch, takeLock } from '#store/lock.ts';
import { migrate } from '#store/migrate.ts';
import { runQuery } from '#store/queries.ts';
import { join } from 'node:path';
import { dollars } from '#machines/budget.ts';
import { oneLine, table } from './cli-output.ts';
import { promptInForce, readPromptFile } from './cli-prompt.ts';
import { withDatabase, type Define } from './cli-read.ts';
import { connectToServer, runningServer, type Client } from './cli-server.ts';
import { readConfig } from './config.ts';
import { answerByLearnt, answerByRules, answerByTemplates, readCases, type MailCase, type Query } from './main-eval-cases.ts';

interface Options { prompt?: string; rules?: string; tier?: string; cases: string; alone?: boolean }
interface Target { kind: EvalKind; task: string; subject: string; tier: string | null; hash: string | null; version: number | null; ask(cases: MailCase[]): Promise<EvalAnswer[]>; askInForce: ((cases: MailCase[]) => Promise<EvalAnswer[]>) | null }
interface Report { result: EvalResult; subject: string; differences: Difference[]; wrong: Scored['list']; stored: boolean; stopped: string | null }

const now = () => performance.now();
const offline = ['rules', 'local', 'templates'];
/** What passes by itself, or never: no further case is asked. */
const ends = new Set(['unaffordable', 'unpriced', 'unsupported', 'down', 'throttled']);

export function addEvalCommands(program: Command, define: Define): void {
  const evals = program.command('eval').description('how well a prompt, rules or a tier does on cases from your own past');

  define(evals.command('run', { isDefault: true }).argument('<task>', 'triage, draft').description('scores one on past cases that you confirmed or corrected')
    .option('--prompt <file>', 'a wording that is not published yet').option('--rules <file>', 'a rule that is not published yet').option('--tier <name>', 'who answers: rules, local, templates, or a tier of models.json').option('--cases <n>', 'so many of the newest', '50').option('--alone', 'do not ask what is in force, to compare'), async ({ dataDir, out }, task: string, options: Options) => {
    if (!taskOf(task)) throw new KeelsonError('NOT_FOUND', `there is no task '${task}'; there are ${taskNames().join(', ')}`);
    if (!/^[1-9]\d{0,3}$/.test(options.cases)) throw new KeelsonError('BAD_ARGUMENT', `--cases must be a number from 1 to 9999, not '${options.cases}'`);
    const { company } = readConfig(dataDir);
    const report = await withDatabase(dataDir, async (db) => {
      const query: Query = (name, args) => runQuery(db, name, args);
      const cases = await readCases(query, task, { limit: Number(options.cases), company });
      if (cases.length === 0) throw new KeelsonError('NOT_FOUND', `there are no cases for ${task} yet`, { hint: 'They come from what you confirm and correct: approve drafts, answer questions about mails, or keelson correct.' });
      const target = await targetOf(task, options, { dataDir, db, query, company });
      return evaluate(target, cases, options);
    });
    const stored = await keep(dataDir, report);
    out.result({ ...report, stored }, sayReport);
    if (report.stopped !== null) process.exitCode = 1;
  });

  define(evals.command('list').argument('[task]').description('results so far, newest first'), async ({ dataDir, out }, task: string | undefined) => {
    const all = (await withDatabase(dataDir, (db) => readEvals((name, args) => runQuery(db, name, args), 1_000))).filter(({ value }) => task === undefined || value.task === task);
    out.result(all.map(({ id, entity, recorded_ms: atMs, value }) => ({ id, about: entity.slice('asset/'.length), at: new Date(atMs).toISOString(), ...value })), (rows) => (rows.length === 0 ? 'Nothing was evaluated yet. Begin with: keelson eval triage --tier rules' : table(['AT', 'ABOUT', 'VERSION', 'TIER', 'CASES', 'SCORE', 'BEFORE', 'COST'], rows.map((row) => [row.at, row.about, row.version ?? row.hash?.slice(0, 8) ?? '', row.tier, row.cases, row.score, row.before ?? '', sayCost(row.costMicros)]))));
  });
}

const sayCost = (micros: number | null) => (micros === null ? 'unknown' : dollars(micros));

async function targetOf(task: string, { prompt: promptFile, rules: ruleFile, tier }: Options, { dataDir, db, query, company }: { dataDir: string; db: Parameters<typeof promptInForce>[0]; query: Query; company: ReturnType<typeof readConfig>['company'] }): Promise<Target> {
  if ([promptFile, ruleFile].every((given) => given !== undefined)) throw new KeelsonError('BAD_ARGUMENT', 'give --prompt or --rules, not both');
  const base = { task, subject: task, hash: null, version: null, tier: null, askInForce: null };
  if (ruleFile !== undefined || (tier === 'rules' && task === 'triage')) {
    if (task !== 'triage') throw new KeelsonError('BAD_ARGUMENT', `rules answer triage, not ${task}`);
    const draft = ruleFile === undefined ? null : readText(ruleFile);
    if (draft !== null) checkRule(draft, ruleFile!);
    return { ...base, kind: 'rules', tier: 'rules', hash: draft === null ? null : sha256(draft), ask: (cases) => answerByRules(query, cases, { draft, now }), askInForce: draft === null ? null : (cases) => answerByRules(query, cases, { draft: null, now }) };
  }
  if (tier !== undefined && offline.includes(tier)) {
    if (promptFile !== undefined) throw new KeelsonError('BAD_ARGUMENT', `the tier ${tier} has no prompt`);
    if ((tier === 'templates') !== (task === 'draft')) throw new KeelsonError('BAD_ARGUMENT', `the tier ${tier} does not answer ${task}`);
    return { ...base, kind: 'tier', tier, ask: (cases) => (tier === 'local' ? answerByLearnt(query, cases, { now }) : answerByTemplates(query, cases, { company, now })) };
  }
  const candidate = promptFile === undefined ? null : readPromptFile(promptFile);
  if (candidate !== null && candidate.task !== task) throw new KeelsonError('BAD_ARGUMENT', `${promptFile} is a prompt for ${candidate.task}, not for ${task}`);
  const server = await connectToServer(dataDir);
  const tiers = await server.get<string[]>(`/api/evals/tiers/${encodeURIComponent(task)}`);
  const chosen = tier ?? tiers[0];
  if (chosen === undefined) throw new KeelsonError('BAD_CONFIG', `no models are set up for ${task}, so no prompt can be scored`, { hint: `Name tiers in models.json (docs/models.md), or score what needs none: --tier ${task === 'draft' ? 'templates' : 'local'}` });
  if (!tiers.includes(chosen)) throw new KeelsonError('BAD_ARGUMENT', `${task} has no tier '${chosen}'; it has ${[...offline, ...tiers].join(', ')}`);
  const inForce = await promptInForce(db, candidate?.name ?? task);
  const run = `${task}-${randomId().slice(0, 8)}`;
  const through = (text: string | null) => (cases: MailCase[]) => askModel(server, cases, { task, tier: chosen, prompt: text, run });
  if (candidate === null) return { ...base, kind: 'prompt', tier: chosen, hash: inForce.hash, version: inForce.version, ask: through(null) };
  return { ...base, kind: 'prompt', subject: promptName({ task, language: candidate.name === task ? null : (candidate.name.slice(-2) as 'en') }), tier: chosen, hash: sha256(candidate.text), version: inForce.hash === sha256(candidate.text) ? inForce.version : null, ask: through(candidate.text), askInForce: through(null) };
}

/** One after the other, so that the first that cannot be paid ends it. */
async function askModel(server: Client, cases: readonly MailCase[], { task, tier, prompt, run }: { task: string; tier: string; prompt: string | null; run: string }): Promise<EvalAnswer[]> {
  const answers: EvalAnswer[] = [];
  for (const { id, input } of cases) {
    const { answer, confidence, costMicros, model, reason, outcome, ms } = await server.post<EvalTried>('/api/evals/ask', { task, tier, input, prompt, run, case: id });
    const answered = outcome === 'answered' || outcome === 'cached';
    answers.push({ id, answer: answered ? (answer as EvalAnswer['answer']) : null, confidence: answered ? confidence : null, costMicros: costMicros ?? (answered ? null : 0), ms, model, reason: answered ? reason : `${outcome}: ${reason}` });
    if (ends.has(outcome)) break;
  }
  return answers;
}

async function evaluate(target: Target, all: MailCase[], { alone = false }: Options): Promise<Omit<Report, 'stored'>> {
  const answers = await target.ask(all);
  const ended = answers.length < all.length || ends.has(answers.at(-1)?.reason.split(':')[0] ?? '') ? answers.at(-1)! : null;
  const cases = ended === null ? all : all.slice(0, answers.length - 1);
  if (cases.length === 0) throw new KeelsonError('REFUSED', `nothing could be asked: ${ended!.reason}`, { hint: 'See keelson budget and keelson models.' });
  const scored = scoreCases(cases, answers);
  const inForce = alone || target.askInForce === null || ended !== null ? null : scoreCases(cases, await target.askInForce(cases));
  const differences = inForce === null ? [] : compareScored(inForce, scored);
  const { list, ...measures } = scored;
  return {
    subject: target.subject, differences, wrong: list.filter(({ score }) => score < (scored.measure === 'accuracy' ? 1 : 0.5)), stopped: ended?.reason ?? null,
    result: {
      task: target.task, kind: target.kind, tier: target.tier, model: answers.find(({ model }) => model !== null)?.model ?? null, hash: target.hash, version: target.version, ...measures,
      caseSet: sha256(JSON.stringify(cases.map(({ id, expected }) => `${id} ${JSON.stringify(expected)}`).toSorted((a, b) => (a < b ? -1 : 1)))).slice(0, 16), differs: inForce === null ? null : differences.length, before: inForce?.score ?? null,
    },
  };
}

/** Through the running server, else in the file itself. */
async function keep(dataDir: string, { result, subject }: Pick<Report, 'result' | 'subject'>): Promise<boolean> {
  if ((await runningServer(dataDir)) !== null) {
    await (await connectToServer(dataDir)).post('/api/evals/keep', { result, subject });
    return true;
  }
  const lock = await takeLock(dataDir);
  const database = await openDatabase(join(dataDir, 'keelson.db'));
  try {
    await migrate(database);
    await nextEpoch(database);
    const answer = await (await createPrivateCommitter(database)).commit({ ...emptyCommit(`eval:${randomId()}`, Date.now(), 'operator/cli', { kept: subject }), facts: [evalFact({ result, subject })] });
    return answer.outcome === 'written';
  } finally {
    await database.close();
    await lock.close();
  }
}

function sayReport({ result, subject, differences, wrong, stored, stopped }: Report): string {
  const { kind, tier, cases, score, measure, calibrationError, unanswered, promises, costMicros, medianMs, before, hash } = result;
  const better = before === null ? '' : `; in force: ${before} (${score > before ? 'better' : score < before ? 'WORSE' : 'the same'})`;
  return [
    `${kind} ${subject}${tier === null ? '' : ` by ${tier}`}: ${measure} ${score} on ${cases} cases${better}`,
    `cost ${sayCost(costMicros)} · median ${Math.round(medianMs)} ms · ${calibrationError === null ? 'no confidence given' : `confidence off by ${calibrationError}`} · ${unanswered} unanswered${promises > 0 ? ` · ${promises} promise what nobody stated` : ''}`,
    ...(differences.length > 0 ? ['', `${differences.length} are answered otherwise than now:`, table(['CASE', 'NOW', 'THEN', 'EXPECTED', ''], differences.slice(0, 20).map((one) => [one.id, oneLine(one.before, 30), oneLine(one.now, 30), oneLine(one.expected, 30), one.better === null ? 'as good' : one.better ? 'better' : 'worse']))] : []),
    ...(differences.length === 0 && wrong.length > 0 ? ['', `${wrong.length} not as expected:`, table(['CASE', 'SAID', 'EXPECTED', 'WHY'], wrong.slice(0, 20).map((one) => [one.id, oneLine(one.said, 30), oneLine(one.expected, 30), oneLine(one.why, 60)]))] : []),
    ...(stopped === null ? [] : ['', `Stopped: ${stopped}. What is scored is what was answered before.`]),
    '', `${stored ? 'Kept' : 'Not kept'}: keelson eval list${kind === 'prompt' && hash !== null && result.version === null ? ' · put it in force: copy it to prompts/ and keelson prompt publish' : ''}`,
  ].join('\n');
}

function checkRule(text: string, file: string): void {
  try {
    parseRule(text);
  } catch (cause) {
    throw cause instanceof KeelsonError ? new KeelsonError('BAD_CONFIG', `${file}: ${cause.message}`, { cause, hint: cause.hint }) : cause;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new KeelsonError('BAD_ARGUMENT', `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}
