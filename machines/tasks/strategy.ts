// In which order should the operator hear of what could be done? It sees handles and numbers alone: no name, no word of a mail.
import { z } from 'zod';
import { situationKinds } from '../situations.ts';
import { task } from '../tasks.ts';

export const strategyInput = z.object({
  situations: z.array(z.object({ handle: z.string(), kind: z.enum(situationKinds), days: z.int(), amountMinor: z.int().nullable(), currency: z.string().nullable(), count: z.int() })),
});

export const strategyTask = task({
  name: 'strategy',
  version: 1,
  input: strategyInput,
  answer: z.object({ order: z.array(z.string()), confidence: z.number().min(0).max(1) }),
  prompt: `You advise the owner of a one-person company on what to do first this week. Each situation has a handle, a kind, how many
days it has lasted (negative: days that are left), an amount in minor units where money is open, and how many it stands for.
Answer with the handles in the order in which the owner should hear of them: what loses money or a customer soonest comes first.
Name each handle once and no other. Say how sure you are of the first three, from 0 to 1.`,
  outputTokensMax: 600,
  facing: 'internal',
});
