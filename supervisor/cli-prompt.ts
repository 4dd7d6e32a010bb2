// `keelson prompt …`: how tasks are worded for models. Looking needs no server.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { PromptsPublished } from '#connectors/console/desk-prompts.ts';
import { comparePrompts } from '#connectors/prompt-set.ts';
import { diffLines } from '#machines/diff.ts';
import { KeelsonError } from '#machines/errors.ts';
import { evalEntity, evalPredicate, type EvalResult } from '#machines/evals.ts';
import { parsePrompt, promptId } from '#machines/prompts.ts';
import { taskNames, taskOf } from '#machines/task-list.ts';
import type { Database } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';
import { table } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';
import { readPromptFiles, type PromptFile } from './main-prompts.ts';

interface Published { id: string; version: number; hash: string; text: string }
const published = async (db: Database) => (await runQuery(db, 'contents', { artifactKind: 'prompt' })) as Published[];

/** What counts for this name: the published text, or the wording of the build as version 0. Throws NOT_FOUND. */
export async function promptInForce(db: Database, name: string): Promise<{ version: number; text: string; hash: string | null }> {
  const found = (await published(db)).find(({ id }) => id === promptId(name));
  if (found) return { version: found.version, text: found.text, hash: found.hash };
  const task = taskOf(name) ?? taskOf(name.replace(/-(?:en|de)$/, ''));
  if (!task) throw new KeelsonError('NOT_FOUND', `there is no prompt '${name}'; tasks are ${taskNames().join(', ')}`);
  return { version: 0, text: `---\ntask: ${task.name}\n---\n${task.prompt}\n`, hash: null };
}

/** A file outside prompts/ may be called as it likes. Throws BAD_CONFIG that names the line. */
export function readPromptFile(file: string): PromptFile & { task: string } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new KeelsonError('BAD_ARGUMENT', `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  try {
    const { task, language } = parsePrompt(text);
    return { name: language === null ? task : `${task}-${language}`, text, task };
  } catch (cause) {
    throw cause instanceof KeelsonError ? new KeelsonError(cause.code, `${basename(file)}: ${cause.message}`, { cause, hint: cause.hint }) : cause;
  }
}

export function addPromptCommands(program: Command, define: Define): void {
  const prompt = program.command('prompt').description('how tasks are worded for models: in force, in prompts/, published');

  define(prompt.command('list', { isDefault: true }).description('every task, which version of its prompt is in force, and what prompts/ would change'), async ({ dataDir, out }) => {
    const files = readPromptFiles(dataDir);
    const listed = await withDatabase(dataDir, async (db) => {
      const inForce = await published(db);
      const { changed, removed } = comparePrompts(inForce, files);
      const names = [...new Set([...taskNames(), ...inForce.map(({ id }) => id.slice(promptId('').length)), ...files.map(({ name }) => name)])].toSorted();
      return Promise.all(names.map(async (name) => {
        const { version, hash } = await promptInForce(db, name);
        const [last] = (await runQuery(db, 'facts', { entity: evalEntity('prompt', name, null), predicate: evalPredicate, newest: true, limit: 1 })) as { value: EvalResult }[];
        const folder = changed.some((one) => one.name === name) ? 'differs' : removed.includes(name) ? 'gone' : files.some((one) => one.name === name) ? 'same' : '';
        return { name, version, folder, evaluated: hash !== null && last?.value.hash === hash, score: last?.value.score ?? null };
      }));
    });
    out.result(listed, (rows) => [
      table(['PROMPT', 'VERSION', 'PROMPTS/', 'EVALUATED'], rows.map(({ name, version, folder, evaluated, score }) => [name, version === 0 ? 'of the build' : version, folder, evaluated ? `yes, ${score}` : version === 0 ? '' : 'no'])),
      '', rows.some(({ folder }) => folder === 'differs' || folder === 'gone') ? 'See what changes: keelson prompt diff NAME · score it: keelson eval TASK --prompt FILE · put it in force: keelson prompt publish' : 'Write your own into prompts/TASK.md; begin with: keelson prompt show TASK',
    ].join('\n'));
  });

  define(prompt.command('show').argument('<name>', 'a task, or a task with a language: draft-de').description('the wording in force'), async ({ dataDir, out }, name: string) => {
    const { version, text, hash } = await withDatabase(dataDir, (db) => promptInForce(db, name));
    out.result({ name, version, hash, text }, (shown) => shown.text.trimEnd());
  });

  define(prompt.command('diff').argument('<name>').argument('[file]', 'default: prompts/NAME.md').description('what a file would change'), async ({ dataDir, out }, name: string, file: string | undefined) => {
    const { text: before, version } = await withDatabase(dataDir, (db) => promptInForce(db, name));
    const after = file === undefined ? readPromptFiles(dataDir).find((one) => one.name === name)?.text : readPromptFile(file).text;
    if (after === undefined) throw new KeelsonError('NOT_FOUND', `prompts/ holds no ${name}.md`);
    const lines = diffLines(before, after);
    out.result({ name, version, same: lines.every(({ op }) => op === ' '), lines }, ({ same, lines: all }) => (same ? `no difference from version ${version}` : all.map(({ op, line }) => `${op} ${line}`).join('\n')));
  });

  define(prompt.command('publish').argument('[names...]', 'default: all of prompts/; what is not there any more is taken away').description('puts prompts/ in force'), async ({ dataDir, out }, names: string[]) => {
    const files = readPromptFiles(dataDir);
    const missing = names.find((name) => !files.some((one) => one.name === name));
    if (missing !== undefined) throw new KeelsonError('NOT_FOUND', `prompts/ holds no ${missing}.md`);
    const chosen = files.filter(({ name }) => names.length === 0 || names.includes(name));
    const server = await connectToServer(dataDir);
    const done = await server.post<PromptsPublished>('/api/prompts/publish', { files: Object.fromEntries(chosen.map(({ name, text }) => [name, text])), whole: names.length === 0 });
    out.result(done, ({ published: list, removed }) => [
      ...list.map(({ name, evaluated }) => `in force: ${name}${evaluated ? '' : ` (not evaluated: keelson eval ${parsePrompt(chosen.find((one) => one.name === name)!.text).task})`}`),
      ...removed.map((name) => `taken away: ${name}; the wording of the build counts`),
      ...(list.length + removed.length === 0 ? ['nothing to publish: prompts/ is what is in force'] : []),
    ].join('\n'));
  });
}
