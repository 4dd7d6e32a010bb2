// What the Bus screen asks for: to hear what passes, and to throw away what is parked.
import { z } from 'zod';
import { parkedDiscard, type ParkedDesk } from './desk-parked.ts';
import type { BusWatch } from './bus-watch.ts';
import { post, type Route } from './route.ts';

const watchMsMax = 60_000;

export function busRoutes({ watching, parked }: { watching: Pick<BusWatch, 'watch'>; parked: Pick<ParkedDesk, 'discard'> }): Route[] {
  return [
    post('/api/bus/watch', {
      summary: 'What passes on the bus is told on /api/events as `bus`, for a while; ask again for longer.',
      body: z.object({ filter: z.string(), forMs: z.int().min(1_000).max(watchMsMax) }), answer: z.object({ filter: z.string(), since: z.number(), total: z.number() }),
      handle: async ({ body: { filter, forMs } }) => watching.watch(filter, forMs),
    }),
    post('/api/parked/discard', {
      summary: 'Throws parked messages away, and keeps why.', body: parkedDiscard, answer: z.object({ discarded: z.array(z.string()), more: z.boolean() }),
      handle: ({ body }) => parked.discard(body),
    }),
  ];
}
