// Asks one tier for a job. Whatever comes of it is an answer, also that there is none; the ladder decides what follows.
import type { Clock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import { noAnswer } from '#machines/agents/activities.ts';
import type { Profile } from '#machines/budget.ts';
import type { Link } from '#machines/records.ts';
import { taskOf } from '#machines/task-list.ts';
import type { Answering } from './answering.ts';
import type { AskLearnt } from '../learnt.ts';
import type { ReadPrompt } from '../prompts.ts';
import type { Gateway } from './gateway.ts';
import { runOf } from './plan.ts';
import { localTier } from './settings.ts';

export interface AskParts {
  gateway: Gateway;
  store: Pick<StorePort, 'query'>;
  clock: Clock;
  /** What was learnt; costs no tokens. */
  local: AskLearnt;
  /** The wording in force. */
  readPrompt: ReadPrompt;
  profileOf(workflow: string): Profile;
  /** The words behind references in the input, read right before it is asked, and what the answer then rests on. */
  expand?(task: string, input: unknown): Promise<{ input: unknown; evidence: Link[] } | null>;
  /** Pieces of an answer while it comes, for whoever watches. */
  answering?: Pick<Answering, 'hear'>;
}

const beatMs = 20_000;

export function askTier({ gateway, store, clock, local, readPrompt, profileOf, expand, answering }: AskParts): Activity {
  return async ({ input: given, operationId, signal, heartbeat }) => {
    const { task: name, tier, input, latency } = given as { task: string; tier: string; input: unknown; latency: 'now' | 'batch' };
    // It may want more than a model is shown, and checks that itself.
    if (tier === localTier) return local(name, input);
    const task = taskOf(name);
    if (!task) return noAnswer('unsupported', `there is no task '${name}'`);
    const fits = task.input.safeParse(input);
    if (!fits.success) return noAnswer('unsupported', `the task ${name} does not take this input: ${fits.error.issues[0]?.path.join('.')} ${fits.error.issues[0]?.message}`);
    const { workflow, run } = await runOf(store, operationId);
    const { language } = fits.data as { language?: unknown };
    const asking = { operationId, run, task: name, tier };
    const stopBeat = clock.every(beatMs, () => heartbeat(`${tier} is asked`));
    try {
      const full = (await expand?.(name, fits.data)) ?? { input: fits.data, evidence: [] };
      const tried = await gateway.ask({
        id: operationId, task, tier, input: full.input, latency, workflow, run, signal, heartbeat, cache: profileOf(workflow).cache,
        prompt: await readPrompt(name, language === 'de' || language === 'en' ? language : null), ...(answering ? { onText: (piece) => answering.hear(asking, piece) } : {}),
      });
      return { ...tried, evidence: [...tried.evidence, ...full.evidence] };
    } finally {
      answering?.hear(asking, null);
      stopBeat();
    }
  };
}
