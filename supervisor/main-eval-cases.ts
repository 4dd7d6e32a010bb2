// Cases for evals, from the company's own past, and the tiers that answer them here without a server: rules, what was learnt, templates.
// What was learnt is asked about each case as it was before that case was learnt from.
import { readRules } from '#connectors/learnt.ts';
import { draftReply } from '#machines/agents/draft-rules.ts';
import { parseTemplate, type Template } from '#machines/agents/templates.ts';
import { triageMail } from '#machines/agents/triage-rules.ts';
import { KeelsonError } from '#machines/errors.ts';
import { pickCases, type EvalAnswer, type EvalCase } from '#machines/evals.ts';
import { createMemory, type Case } from '#machines/learning/memory.ts';
import { parseRule, ruleMatches, sayRule, spokenOf, type Rule } from '#machines/learning/rule.ts';
import type { Mail, OutgoingMail } from '#machines/mail.ts';
import { toDraftInput } from '#machines/tasks/draft.ts';
import { toTriageInput } from '#machines/tasks/triage.ts';
import type { CompanyConfig } from './config.ts';

export type Query = (name: string, args: Record<string, unknown>) => Promise<unknown>;
export interface MailCase extends EvalCase { mail: Mail }

interface Learnt { cases: (Case & { n: number; atMs: number; category: Case['category']; mail: Mail })[]; next: number | null }
interface SentReply { mail: string; atMs: number; edited: boolean; sent: OutgoingMail }

/** Tasks that leave cases behind. */
export const evalTasks = ['triage', 'draft'] as const;

async function allLearnt(query: Query): Promise<Learnt['cases']> {
  const all: Learnt['cases'] = [];
  for (let after: number | null = 0; after !== null;) {
    const page: Learnt = (await query('triageCases', { after, limit: 500, newest: 20_000 })) as Learnt;
    all.push(...page.cases);
    after = page.next;
  }
  return all;
}

/** The newest cases of a task, newest first. Throws BAD_ARGUMENT for a task whose answers nobody ever confirms. */
export async function readCases(query: Query, task: string, { limit, company }: { limit: number; company: Pick<CompanyConfig, 'name' | 'operator' | 'email' | 'signature'> }): Promise<MailCase[]> {
  if (task === 'triage') return pickCases(await triageCases(query), limit) as MailCase[];
  if (task === 'draft') return pickCases(await draftCases(query, limit, company), limit) as MailCase[];
  throw new KeelsonError('BAD_ARGUMENT', `there are no cases for '${task}': only ${evalTasks.join(' and ')} have answers that you confirm or correct`);
}

async function triageCases(query: Query): Promise<MailCase[]> {
  const [replies, tasks] = (await Promise.all([query('sentReplies', { limit: 5_000 }), query('doneTasks', { limit: 5_000 })])) as { mail: string }[][];
  const stood = new Set([...replies!, ...tasks!].map(({ mail }) => mail));
  // The last word about a mail counts, and a word of the operator's more than any other.
  const last = new Map<string, MailCase>();
  for (const { id, by, category, atMs, mail, source } of await allLearnt(query)) {
    if (by !== 'operator' && (!stood.has(id) || last.get(id)?.source === 'answered' || last.get(id)?.source === 'corrected')) continue;
    last.set(id, { id, mail, atMs, input: toTriageInput(mail), expected: { category }, source: by !== 'operator' ? 'confirmed' : source.kind === 'annotation' ? 'corrected' : 'answered' });
  }
  return [...last.values()];
}

async function draftCases(query: Query, limit: number, company: Parameters<typeof readCases>[2]['company']): Promise<MailCase[]> {
  const replies = (await query('sentReplies', { limit: limit * 2 })) as SentReply[];
  const templates = await readTemplates(query);
  const stated = [...templates.map(({ body }) => body), company.signature].join('\n');
  const cases = await Promise.all(replies.map(async ({ mail: id, atMs, edited, sent }): Promise<MailCase[]> => {
    const started = (await query('mailInput', { mail: id })) as { mail: Mail } | null;
    if (started === null) return [];
    const { mail } = started;
    const { language } = triageMail(mail);
    return [{ id, mail, atMs, stated, input: toDraftInput(mail, language, []), expected: { text: sent.text }, source: edited ? 'corrected' : 'confirmed' }];
  }));
  return cases.flat();
}

const readTemplates = async (query: Query): Promise<Template[]> => ((await query('contents', { artifactKind: 'template' })) as { text: string }[]).map(({ text }) => parseTemplate(text));

const timed = (id: string, now: () => number, answer: () => Pick<EvalAnswer, 'answer' | 'confidence' | 'reason'>): EvalAnswer => {
  const began = now();
  const given = answer();
  return { id, ...given, costMicros: 0, model: null, ms: now() - began };
};

/** The company's rules, then those of the build. `draft`: text of a rule that takes the place of the published one of its name. */
export async function answerByRules(query: Query, cases: readonly MailCase[], { draft, now }: { draft: string | null; now: () => number }): Promise<EvalAnswer[]> {
  const { rules } = await readRules({ query });
  const added: Rule[] = draft === null ? [] : [parseRule(draft)];
  const all = [...rules.map(({ rule }) => rule).filter(({ name }) => !added.some((one) => one.name === name)), ...added];
  return cases.map(({ id, mail }) => timed(id, now, () => {
    const matching = all.filter((rule) => ruleMatches(rule, mail as never, spokenOf(mail)));
    const said = new Set(matching.map(({ category }) => category));
    if (said.size === 1) return { answer: { category: matching[0]!.category }, confidence: null, reason: sayRule(matching[0]!) };
    const { category, confidence, reasons } = triageMail(mail);
    return { answer: { category }, confidence, reason: reasons[0] ?? '' };
  }));
}

/** What was learnt, as of before each case. */
export async function answerByLearnt(query: Query, cases: readonly MailCase[], { now }: { now: () => number }): Promise<EvalAnswer[]> {
  const wanted = new Set(cases.map(({ id }) => id));
  const answers = new Map<string, EvalAnswer>();
  const memory = createMemory();
  for (const one of await allLearnt(query)) {
    if (wanted.has(one.id) && !answers.has(one.id)) {
      answers.set(one.id, timed(one.id, now, () => {
        const rules = triageMail(one.mail);
        const judged = memory.judge(one.mail, rules);
        return judged === null ? { answer: null, confidence: null, reason: 'nothing was taught yet' } : { answer: { category: judged.category }, confidence: judged.confidence, reason: judged.reasons[0] ?? '' };
      }));
    }
    memory.add(one);
  }
  return cases.flatMap(({ id }) => answers.get(id) ?? []);
}

export async function answerByTemplates(query: Query, cases: readonly MailCase[], { company, now }: { company: Parameters<typeof readCases>[2]['company']; now: () => number }): Promise<EvalAnswer[]> {
  const templates = await readTemplates(query);
  return cases.map(({ id, mail }) => timed(id, now, () => {
    const { text, confidence, reasons } = draftReply({ mail, language: triageMail(mail).language, templates, hits: [], company });
    return { answer: { text }, confidence, reason: reasons[0] ?? '' };
  }));
}
