// Puts prompts in force: the operator's command alone. Whether a wording was evaluated before is said; it is no condition.
import { z } from 'zod';
import type { Clock } from '#actors/clock.ts';
import { sha256 } from '#actors/hash.ts';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { evalPredicate, type EvalResult } from '#machines/evals.ts';
import { KeelsonError } from '#machines/errors.ts';
import { parsePrompt, promptId } from '#machines/prompts.ts';
import { asPromptArtifacts, comparePrompts, readPublished } from '../prompt-set.ts';
import { commandIdSchema as commandId, createCommands } from './desk-commands.ts';
import { mistakeOfRequest } from './desk-policy.ts';
import { get, post, type Route } from './route.ts';

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,99}$/, 'is no name of a prompt');
/** `files`: texts by the file's name without `.md`. With `whole` those that are not among them are taken away. */
export const promptsRequest = z.object({ files: z.record(nameSchema, z.string().max(100_000)), whole: z.boolean().default(false), commandId });

const publishedSchema = z.object({ published: z.array(z.object({ name: z.string(), evaluated: z.boolean() })), removed: z.array(z.string()) });
export type PromptsPublished = z.output<typeof publishedSchema>;

export interface PromptParts { store: StorePort; clock: Clock; makeId: MakeId }

export function promptRoutes(parts: PromptParts): Route[] {
  const publish = createPublish(parts);
  return [
    post('/api/prompts/publish', { summary: 'Puts prompts into force.', body: promptsRequest, answer: publishedSchema, handle: ({ body }) => publish(body) }),
    get('/api/prompts', { summary: 'Prompts in force, by their text and version.', answer: z.array(z.object({ id: z.string(), version: z.int(), hash: z.string(), text: z.string() })), handle: () => readPublished(parts.store) }),
  ];
}

function createPublish({ store, clock, makeId }: PromptParts): (request: z.output<typeof promptsRequest>) => Promise<PromptsPublished> {
  const commands = createCommands({ store, clock, makeId });
  const wasEvaluated = async (name: string, text: string) => {
    const facts = (await store.query('facts', { entity: `asset/${promptId(name).replace('/', '-')}`, predicate: evalPredicate, newest: true, limit: 100 })) as { value: EvalResult }[];
    return facts.some(({ value }) => value.hash === sha256(text));
  };
  return async ({ files, whole, commandId: given }) => {
    const prompts = Object.entries(files).map(([name, text]) => ({ name, text }));
    for (const { name, text } of prompts) {
      try {
        parsePrompt(text, name);
      } catch (cause) {
        const error = mistakeOfRequest(cause);
        throw error instanceof KeelsonError ? new KeelsonError(error.code, `prompts/${name}.md: ${error.message}`, { cause, hint: error.hint }) : error;
      }
    }
    const content = { type: 'PUBLISH_PROMPTS', about: 'prompts', files: prompts.map(({ name, text }) => ({ name, hash: sha256(text) })), whole };
    return commands.inTurn(() => commands.once(given, content, {
      async first(id) {
        const { changed, removed } = comparePrompts(await readPublished(store), prompts);
        const gone = whole ? removed : [];
        const published = await Promise.all(changed.map(async ({ name, text }) => ({ name, evaluated: await wasEvaluated(name, text) })));
        if (changed.length === 0 && gone.length === 0) return { published, removed: gone };
        await commands.write(id, content, {
          ...asPromptArtifacts([...changed, ...gone.map((name) => ({ name, text: '' }))]),
          decisions: [{
            what: 'prompts', outcome: 'published', confidence: null, policy: null, model: null, costMicros: null,
            reasons: [...published.map(({ name, evaluated }) => `${name}: ${evaluated ? 'evaluated' : 'not evaluated'}`), ...gone.map((name) => `${name}: taken away, the wording of the build counts`)],
            evidence: [...changed.map(({ name }) => name), ...gone].map((name) => ({ kind: 'artifact', id: promptId(name) })),
          }],
        });
        return { published, removed: gone };
      },
      again: async () => ({ published: [], removed: [] }),
    }));
  };
}
