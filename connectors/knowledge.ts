// What the agents may look up: full text, templates, policies. Reads only, through the store's port.
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import type { z } from 'zod';
import type { hitSchema } from '#machines/agents/activities.ts';
import { parseTemplate, type Template } from '#machines/agents/templates.ts';
import { parsePolicy, type Policy } from './policy.ts';

/** Of one hit, for comparing and for a model. */
const hitChars = 400;

export interface Content { id: string; version: number; hash: string; text: string }

/** A hit of `searchKnowledge`; `place` leads to its words. */
export type Reference = z.output<typeof hitSchema>;

/** The words behind hits; what has gone meanwhile is left out. */
export function readHits(store: StorePort): (hits: Reference[]) => Promise<(Reference & { text: string })[]> {
  return async (hits) => {
    const texts = new Map(((await store.query('texts', { places: hits.map(({ place }) => place) })) as { place: number; text: string }[]).map(({ place, text }) => [place, text]));
    return hits.flatMap((hit) => (texts.has(hit.place) ? [{ ...hit, text: texts.get(hit.place)!.slice(0, hitChars) }] : []));
  };
}

export function readPolicies(store: StorePort): () => Promise<Policy[]> {
  return async () => ((await store.query('contents', { artifactKind: 'policy' })) as Content[]).map(({ id, text, hash }) => parsePolicy(text, id, hash));
}

export function readTemplates(store: StorePort): () => Promise<Template[]> {
  return async () => ((await store.query('contents', { artifactKind: 'template' })) as Content[]).map(({ text }) => parseTemplate(text));
}

export function searchKnowledge(store: StorePort): Activity {
  return async ({ input }) => {
    const found = (await store.query('search', input)) as (Reference & { text: string })[];
    return { hits: found.map(({ kind, id, score, place }) => ({ kind, id, score, place })) };
  };
}
