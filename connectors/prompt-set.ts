// The company's prompts as the store has them: one artifact each, a new version for each new content, an empty one for what was taken away.
import { sha256 } from '#actors/hash.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Commit } from '#machines/commit.ts';
import { promptId } from '#machines/prompts.ts';
import type { Content } from './knowledge.ts';

export interface PromptText { name: string; text: string }

export const readPublished = async (store: Pick<StorePort, 'query'>): Promise<Content[]> => (await store.query('contents', { artifactKind: 'prompt' })) as Content[];

/** For a commit in the operator's name. An empty text takes the prompt away. */
export function asPromptArtifacts(prompts: readonly PromptText[]): Pick<Commit, 'artifacts' | 'blobs'> {
  const all = prompts.map(({ name, text }) => ({ id: promptId(name), text, hash: sha256(text) }));
  return {
    artifacts: all.map(({ id, text, hash }) => ({ id, kind: 'prompt', mediaType: 'text/markdown', hash, sizeBytes: Buffer.byteLength(text) })),
    blobs: all.map(({ text, hash }) => ({ hash, bytes: text })),
  };
}

/** What a folder would change: `removed` are in force and not in it. */
export function comparePrompts(published: readonly Content[], files: readonly PromptText[]): { changed: PromptText[]; removed: string[] } {
  const hashes = new Map(published.map(({ id, hash }) => [id, hash]));
  const names = new Set(files.map(({ name }) => promptId(name)));
  return {
    changed: files.filter(({ name, text }) => hashes.get(promptId(name)) !== sha256(text)),
    removed: published.flatMap(({ id }) => (names.has(id) ? [] : [id.slice(promptId('').length)])),
  };
}
