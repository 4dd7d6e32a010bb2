// A prompt of the company's own: how a task is worded when a model is asked. Front matter with the task, then the words. What differs
// from case to case is the task's input and never stands in a prompt, so a prompt has no placeholders.
import { KeelsonError } from './errors.ts';
import { readFrontMatter } from './front-matter.ts';
import { languageSchema, type Language } from './mail.ts';
import { taskNames, taskOf } from './task-list.ts';

export interface Prompt {
  /** Of machines/task-list.ts. */
  task: string;
  /** Null for every language that has no prompt of its own. */
  language: Language | null;
  /** For those who edit it; a model never sees them. */
  notes: string;
  text: string;
}

/** As it was when a model was asked with it. Version 0 is the wording of this build. */
export interface PromptVersion { id: string; version: number; text: string }

const fields = ['task', 'language', 'notes'] as const;
const maxChars = 20_000;
const hint = 'A prompt begins with `---`, then `task:` and perhaps `language:` and `notes:`, then `---` and the text.';

/** `draft`, `draft-de`: also the name of its file. */
export const promptName = ({ task, language }: Pick<Prompt, 'task' | 'language'>) => (language === null ? task : `${task}-${language}`);
export const promptId = (name: string) => `prompt/${name}`;

/** Throws BAD_CONFIG that names the line. `name`: what its file is called, without `.md`. */
export function parsePrompt(text: string, name?: string): Prompt {
  const { need, find, body, bodyLine, refuse } = readFrontMatter(text, { what: 'Prompt', fields, maxChars, hint });
  const task = need('task');
  if (taskOf(task.value) === undefined) refuse(task.line, `there is no task "${task.value.slice(0, 40)}"; there are ${taskNames().join(', ')}`);
  const given = find('language');
  const language = given === null ? null : languageSchema.safeParse(given.value).data;
  if (language === undefined) return refuse(given!.line, `the language "${given!.value.slice(0, 20)}" is not en or de`);
  const placeholder = body.findIndex((line) => /\{\{.*\}\}/.test(line));
  if (placeholder >= 0) refuse(bodyLine + placeholder, 'nothing fills placeholders in a prompt; what differs from case to case is in the input of the task');
  const prompt = { task: task.value, language, notes: find('notes')?.value ?? '', text: body.join('\n').trim() };
  if (name !== undefined && name !== promptName(prompt)) refuse(task.line, `a prompt for ${promptName(prompt)} must be called ${promptName(prompt)}.md, not ${name}.md`);
  return prompt;
}

/** The wording for this task: the company's own in this language, its own in general, that of this build. Throws BAD_CONFIG for a task that is not there. */
export function choosePrompt(published: readonly { id: string; version: number; text: string }[], task: string, language: Language | null): PromptVersion {
  const built = taskOf(task);
  if (built === undefined) throw new KeelsonError('BAD_CONFIG', `there is no task '${task}'`);
  const names = [...(language === null ? [] : [promptName({ task, language })]), task];
  for (const name of names) {
    const found = published.find(({ id }) => id === promptId(name));
    // It was checked when it was published; the task may have gone since, with another build.
    if (found) return { id: found.id, version: found.version, text: parsePrompt(found.text).text };
  }
  return { id: promptId(task), version: 0, text: built.prompt };
}
