// Evals over HTTP: one case is asked at a time, in the budget of the workflow `evals`; what came of all is kept as a fact.
import { z } from 'zod';
import type { Clock } from '#actors/clock.ts';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { triedSchema, type Tried } from '#machines/agents/activities.ts';
import { evalEntity, evalPredicate, evalResultSchema, type EvalResult } from '#machines/evals.ts';
import { parsePrompt } from '#machines/prompts.ts';
import { commandIdSchema as commandId, createCommands } from './desk-commands.ts';
import { mistakeOfRequest } from './desk-policy.ts';
import { get, post, type Route } from './route.ts';

export const evalWorkflow = 'evals';

/** `prompt`: a whole file with its front matter, or null for the wording in force. `run`: names this eval, and its budget. */
export const evalAskRequest = z.object({ task: z.string().max(100), tier: z.string().max(100), input: z.json(), prompt: z.string().max(100_000).nullable(), run: z.string().regex(/^[a-z0-9-]{1,60}$/), case: z.string().max(200) });
export const evalAnswerSchema = triedSchema.extend({ ms: z.number() });
export type EvalTried = z.output<typeof evalAnswerSchema>;
/** `subject`: what the result is about, where that is not the task alone: `draft-de`. */
export const evalKeepRequest = z.object({ result: evalResultSchema, subject: z.string().regex(/^[a-z0-9-]{1,100}$/), commandId });

const keptSchema = z.object({ id: z.string(), entity: z.string(), recorded_ms: z.number(), value: evalResultSchema });
export type KeptEval = z.output<typeof keptSchema>;

export interface EvalPorts {
  store: StorePort; clock: Clock; makeId: MakeId;
  /** One tier, with this text as the prompt, or with the one in force. The `id` begins with the address that the money is counted under. */
  ask(request: { id: string; task: string; tier: string; input: unknown; promptText: string | null }): Promise<Tried>;
  /** Tiers of models that a task has, cheapest first. */
  tiersOf(task: string): string[];
}

/** Newest first. */
export const readEvals = async (query: StorePort['query'], limit: number): Promise<KeptEval[]> => (await query('facts', { predicate: evalPredicate, newest: true, limit })) as KeptEval[];
export const evalFact = ({ result, subject }: { result: EvalResult; subject: string }) => ({ entity: evalEntity(result.kind, subject, result.tier), predicate: evalPredicate, value: result, label: 'operator' as const, confidence: 1 });

export function evalRoutes({ store, clock, makeId, ask, tiersOf }: EvalPorts): Route[] {
  const commands = createCommands({ store, clock, makeId });
  return [
    get('/api/evals', { summary: 'Results of evals, newest first.', query: z.object({ limit: z.coerce.number().int().min(1).max(1_000).default(200) }), answer: z.array(keptSchema), handle: ({ query: { limit } }) => readEvals(store.query, limit) }),
    get('/api/evals/tiers/:task', { summary: 'Tiers of models that a task has, cheapest first.', answer: z.array(z.string()), handle: ({ params: { task } }) => Promise.resolve(tiersOf(task)) }),
    post('/api/evals/ask', {
      summary: 'Asks one tier about one case, in the budget of evals; nothing comes of the answer.', body: evalAskRequest, answer: evalAnswerSchema,
      async handle({ body: { task, tier, input, prompt, run, case: one } }) {
        let promptText: string | null = null;
        try {
          promptText = prompt === null ? null : parsePrompt(prompt).text;
        } catch (cause) {
          throw mistakeOfRequest(cause);
        }
        const began = clock.now();
        const tried = await ask({ id: `${evalWorkflow}/${run}#${one}.${tier}.${makeId()}`, task, tier, input, promptText });
        return { ...tried, ms: clock.now() - began };
      },
    }),
    post('/api/evals/keep', {
      summary: 'Keeps the result of an eval.', body: evalKeepRequest, answer: z.object({ kept: z.boolean() }),
      async handle({ body: { result, subject, commandId: given } }) {
        const content = { type: 'KEEP_EVAL', about: subject, result };
        await commands.once(given, content, { first: (id) => commands.write(id, content, { facts: [evalFact({ result, subject })] }), again: () => Promise.resolve(0) });
        return { kept: true };
      },
    }),
  ];
}
