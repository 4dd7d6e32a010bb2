// What can be asked of a mind, by name and shape. A task is pure: what goes in, what must come out, how it is worded. Who answers it
// (rules, what was learnt, a small model, a large one) is settled by the ladder; see machines/agents/ladder.ts.
import type { z } from 'zod';

export interface Task<I extends z.ZodType = z.ZodType, A extends z.ZodType<{ confidence: number }> = z.ZodType<{ confidence: number }>> {
  /** `triage`: also the id of its prompt, and the key of its tiers in the settings. */
  name: string;
  /** Of its shapes. */
  version: number;
  input: I;
  /** What a model must answer, with how sure it is. Every field is required (`nullable`, not `optional`): providers insist on that. */
  answer: A;
  /** The prompt, as long as the company has none of its own under this name. */
  prompt: string;
  /** The longest answer that is any use. */
  outputTokensMax: number;
  /** `customer`: somebody outside waits, so answers come at once · `internal`: may be done in a batch. */
  facing: 'customer' | 'internal';
}

export const task = <I extends z.ZodType, A extends z.ZodType<{ confidence: number }>>(spec: Task<I, A>): Task<I, A> => spec;
