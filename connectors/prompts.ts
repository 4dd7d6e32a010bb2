// Which wording a model is asked with: the newest that the operator published for a task, else that of this build.
import type { StorePort } from '#actors/store-port.ts';
import type { Language } from '#machines/mail.ts';
import { choosePrompt, type PromptVersion } from '#machines/prompts.ts';
import { readPublished } from './prompt-set.ts';

export type ReadPrompt = (task: string, language?: Language | null) => Promise<PromptVersion>;

/** Asked anew each time, so that a publication counts from the next call. */
export const readPrompts = (store: Pick<StorePort, 'query'>): ReadPrompt => async (task, language = null) => choosePrompt(await readPublished(store), task, language);
