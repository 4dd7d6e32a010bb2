// Prompts at a start: those of the folder are put in force once, when none ever were. Later a change of the folder waits for
// `keelson prompt publish`, so that it can be evaluated before a model is asked with it.
import type { Clock } from '#actors/clock.ts';
import { sha256 } from '#actors/hash.ts';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { asPromptArtifacts, comparePrompts, readPublished } from '#connectors/prompt-set.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { parsePrompt } from '#machines/prompts.ts';
import { readFolder } from './company.ts';

export interface PromptFile { name: string; text: string }

/** What prompts/ holds now. Throws BAD_CONFIG with the file and the line. */
export const readPromptFiles = (dataDir: string): PromptFile[] => readFolder(dataDir, { folder: 'prompts', extension: '.md', check: parsePrompt });

/** Throws BAD_CONFIG when the first prompts cannot be read. */
export async function startPrompts({ dataDir, store, clock, makeId, say }: { dataDir: string; store: StorePort; clock: Clock; makeId: MakeId; say: (line: string) => void }): Promise<void> {
  const published = await readPublished(store);
  const everPublished = ((await store.query('artifacts', { artifactKind: 'prompt', limit: 1 })) as unknown[]).length > 0;
  if (!everPublished) {
    const files = readPromptFiles(dataDir);
    if (files.length === 0) return;
    const answer = await store.commit({ ...emptyCommit(`prompts:${makeId()}`, clock.now(), 'operator/company', { prompts: files.map(({ name, text }) => ({ name, hash: sha256(text) })) }), ...asPromptArtifacts(files) });
    if (answer.outcome !== 'written') throw new KeelsonError('STORE_FAILED', `prompts/ could not be kept: ${answer.outcome}`);
    return;
  }
  try {
    const { changed, removed } = comparePrompts(published, readPromptFiles(dataDir));
    const differing = [...changed.map(({ name }) => name), ...removed];
    if (differing.length > 0) say(`prompts/ differs from what is in force (${differing.join(', ')}). Score a change: keelson eval TASK --prompt FILE · put it in force: keelson prompt publish`);
  } catch (error) {
    if (plainError(error).code !== 'BAD_CONFIG') throw error;
    say(`${plainError(error).message} What was published before stays in force.`);
  }
}
