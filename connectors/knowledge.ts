// What the agents may look up: full text, templates, policies. Reads only, through the store's port.
import type { Clock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import type { z } from 'zod';
import type { hitSchema } from '#machines/agents/activities.ts';
import { parseTemplate, type Template } from '#machines/agents/templates.ts';
import { KeelsonError } from '#machines/errors.ts';
import { denyAll, parsePolicies, type Policies } from './policy.ts';
import type { PolicyAction } from './policy-schema.ts';
import { readStoredSet, textsOf, type StoredSet } from './policy-set.ts';

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

/**
 * The policies in force now, for these actions; a new publication counts from the next call. Policies that do not fit this build or its connectors
 * (any more) deny everything: `problem` says why, and the operator can publish others.
 */
export function readPolicies(store: Pick<StorePort, 'query'>, actions: readonly PolicyAction[]): () => Promise<Policies> {
  let last: { text: string; version: number; policies: Policies } | null = null;
  return async () => {
    const set = await readStoredSet(store);
    if (set === null) return denyAll('no policies are in force: publish them with `keelson policy publish`');
    if (last?.text !== set.text || last.version !== set.version) last = { ...set, policies: await parseStored(set, actions) };
    return last.policies;
  };
}

async function parseStored(set: StoredSet, actions: readonly PolicyAction[]): Promise<Policies> {
  const texts = textsOf(set);
  try {
    return await parsePolicies(texts, actions);
  } catch (error) {
    if (!(error instanceof KeelsonError) || error.code !== 'BAD_CONFIG') throw error;
    return denyAll(`the policies in force cannot be used, so everything is denied: ${error.message}`, texts);
  }
}

export function readTemplates(store: StorePort): () => Promise<Template[]> {
  return async () => ((await store.query('contents', { artifactKind: 'template' })) as Content[]).map(({ text }) => parseTemplate(text));
}

export interface KnowledgeParts {
  store: Pick<StorePort, 'query'>;
  clock: Pick<Clock, 'now'>;
  /** The vector of a question by the company's own model; null without one, or when it does not answer. */
  ask: ((text: string) => Promise<{ model: string; vector: string } | null>) | null;
}

/** Full text and vectors together; see store/query-recall.ts. What comes back are places and labels, never words. */
export function searchKnowledge({ store, clock, ask }: KnowledgeParts): Activity {
  return async ({ input }) => {
    const given = input as { text: string; kinds: string[]; except: string; limit: number };
    const vector = (await ask?.(given.text)) ?? {};
    const found = (await store.query('recall', { ...given, ...vector, nowMs: clock.now() })) as (Reference & { text: string })[];
    return { hits: found.map(({ kind, id, score, place, label }) => ({ kind, id, score, place, label })) };
  };
}
