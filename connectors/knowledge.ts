// What the agents may look up: full text, templates, policies. Reads only, through the store's port.
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import { parseTemplate, type Template } from '#machines/agents/templates.ts';
import { parsePolicy, type Policy } from './policy.ts';

export interface Content { id: string; version: number; hash: string; text: string }

export function readPolicies(store: StorePort): () => Promise<Policy[]> {
  return async () => ((await store.query('contents', { artifactKind: 'policy' })) as Content[]).map(({ id, text, hash }) => parsePolicy(text, id, hash));
}

export function readTemplates(store: StorePort): () => Promise<Template[]> {
  return async () => ((await store.query('contents', { artifactKind: 'template' })) as Content[]).map(({ text }) => parseTemplate(text));
}

export function searchKnowledge(store: StorePort): Activity {
  return async ({ input }) => ({ hits: await store.query('search', input) });
}
