// What strategy asks of the store, by name and shape: what there is, and whether one of it is still so.
import { z } from 'zod';
import { activity } from '../define.ts';
import { situationSchema } from '../situations.ts';

const patient = { attempts: 4, firstMs: 500, maxMs: 60_000 };

export const lookAround = activity({
  name: 'strategy.look',
  input: z.object({}),
  output: z.object({
    /** What nobody has been told yet, or not lately. */
    fresh: z.array(situationSchema),
    /** How many there are besides, which are proposed already or were refused lately. */
    known: z.int(),
    /** Of everything that was looked at. */
    hash: z.string(),
    /** Of the last look; null before the first. */
    before: z.string().nullable(),
  }),
  timeoutMs: 60_000,
  retry: patient,
});

export const lookAgain = activity({ name: 'strategy.still', input: z.object({ key: z.string() }), output: z.object({ still: z.boolean() }), timeoutMs: 60_000, retry: patient });
