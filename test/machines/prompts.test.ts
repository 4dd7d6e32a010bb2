// Goal: a prompt of the company is read as it was written or refused with its line, and the right one counts for a task. Method: texts
// with one fault each; published versions beside the wording of the build.
import assert from 'node:assert/strict';
import test from 'node:test';
import { choosePrompt, parsePrompt, promptId, promptName } from '#machines/prompts.ts';
import { taskNames, taskOf } from '#machines/task-list.ts';
import { failsWith } from '#test/kit/gate.ts';

const good = '---\ntask: triage\nnotes: shorter\n---\nSort the mail.\nAnswer shortly.\n';

test('a prompt is read with task, notes and text', () => {
  assert.deepEqual(parsePrompt(good, 'triage'), { task: 'triage', language: null, notes: 'shorter', text: 'Sort the mail.\nAnswer shortly.' });
  assert.equal(parsePrompt('---\ntask: draft\nlanguage: de\n---\nSchreibe.', 'draft-de').language, 'de');
});

for (const [what, text, line] of [
  ['no front matter', 'Sort the mail.', 1],
  ['an end that is missing', '---\ntask: triage\nSort', 3],
  ['a task that nobody has', '---\nnotes: x\ntask: nonsense\n---\nSort.', 3],
  ['no task', '---\nnotes: x\n---\nSort.', 3],
  ['a language that is not spoken here', '---\ntask: triage\nlanguage: fr\n---\nSort.', 3],
  ['an unknown key', '---\ntask: triage\nmodel: x\n---\nSort.', 3],
  ['a placeholder that nothing fills', '---\ntask: triage\n---\nSort.\nFor {{company}}.', 5],
  ['no text', '---\ntask: triage\n---\n\n', 4],
  ['a key given twice', '---\ntask: triage\ntask: draft\n---\nSort.', 3],
] as const) test(`refused with its line: ${what}`, () => assert.throws(() => parsePrompt(text), failsWith('BAD_CONFIG', new RegExp(`^Prompt, line ${line}: `))));

test('a file is called like its task', () => assert.throws(() => parsePrompt(good, 'sorting'), failsWith('BAD_CONFIG', /must be called triage\.md, not sorting\.md/)));

test('the prompt in the language counts before the general one, and that before the build', () => {
  const general = { id: promptId('draft'), version: 3, text: '---\ntask: draft\n---\nGeneral.' };
  const german = { id: promptId(promptName({ task: 'draft', language: 'de' })), version: 2, text: '---\ntask: draft\nlanguage: de\n---\nDeutsch.' };
  assert.deepEqual(choosePrompt([general, german], 'draft', 'de'), { id: 'prompt/draft-de', version: 2, text: 'Deutsch.' });
  assert.deepEqual(choosePrompt([general, german], 'draft', 'en'), { id: 'prompt/draft', version: 3, text: 'General.' });
  assert.deepEqual(choosePrompt([german], 'draft', null), { id: 'prompt/draft', version: 0, text: taskOf('draft')!.prompt });
  assert.throws(() => choosePrompt([], 'nonsense', null), failsWith('BAD_CONFIG', /no task 'nonsense'/));
});

test('the wording of every task of the build would be a prompt', () => {
  for (const name of taskNames()) assert.equal(parsePrompt(`---\ntask: ${name}\n---\n${taskOf(name)!.prompt}`).text, taskOf(name)!.prompt.trim());
});
