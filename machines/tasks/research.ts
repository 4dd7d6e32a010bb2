// Which of many sources are read, and in which order? It sees the question and handles: no address, no title, no text of a source.
import { z } from 'zod';
import { task } from '../tasks.ts';

export const researchInput = z.object({
  question: z.string(),
  readMax: z.int(),
  sources: z.array(z.object({ handle: z.string(), kind: z.enum(['web', 'file', 'store']), /** How many words of the question stand in its address. */ words: z.int() })),
});

export const researchTask = task({
  name: 'research',
  version: 1,
  input: researchInput,
  answer: z.object({ order: z.array(z.string()), confidence: z.number().min(0).max(1) }),
  prompt: `Somebody has a question and more sources than can be read. Each source has a handle, a kind (web page, file, or the company's own
store) and a number: how many words of the question stand in its address. Answer with the handles in the order in which they should be
read, the most useful first; only the first readMax are read. The store knows what customers wrote and what was agreed. Name each handle
once and no other. Say how sure you are, from 0 to 1.`,
  outputTokensMax: 400,
  facing: 'internal',
});
