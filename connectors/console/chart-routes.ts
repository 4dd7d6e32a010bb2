// The machines of this build and of the company: which there are, how each is drawn, and the same for other tools.
import { z } from 'zod';
import type { Registry } from '#actors/registry.ts';
import { toChart, type Chart } from '#machines/chart.ts';
import { KeelsonError } from '#machines/errors.ts';
import { chartFormats, exportChart } from './chart-export.ts';
import { createLayouts } from './chart-layout.ts';
import { get, type Route } from './route.ts';

export interface ListedMachine { id: string; version: string; key: string; hash: string; role: string | null; actors: number }

const listed = z.object({ id: z.string(), version: z.string(), key: z.string(), hash: z.string(), role: z.string().nullable(), actors: z.number() });
const point = z.tuple([z.number(), z.number()]);
const laidSchema = z.object({
  key: z.string(), width: z.number(), height: z.number(), chart: z.object({ id: z.string(), version: z.string(), nodes: z.array(z.looseObject({ id: z.string() })), edges: z.array(z.looseObject({ id: z.string() })) }),
  boxes: z.array(z.looseObject({ id: z.string(), x: z.number(), y: z.number(), width: z.number(), height: z.number() })), lines: z.array(z.looseObject({ edges: z.array(z.string()), points: z.array(point) })), dots: z.array(z.object({ x: z.number(), y: z.number() })),
});

export function chartRoutes({ registry, query }: { registry: Registry; query(name: string, args: Record<string, unknown>): Promise<unknown> }): Route[] {
  const layouts = createLayouts();
  const find = (key: string) => {
    const found = registry.get(key);
    if (!found) throw new KeelsonError('NOT_FOUND', `this build has no machine '${key}'`, { hint: 'The machines screen, and `keelson machines list`, show those it has.' });
    return found;
  };
  const chartOf = (key: string): Chart => toChart(find(key).machine);
  return [
    get('/api/machines', {
      summary: 'The machines, each with the number of actors under its id; 10,000 means that many or more.', answer: z.array(listed),
      async handle(): Promise<ListedMachine[]> {
        const machines = registry.list();
        const counts = (await query('actorCounts', { types: [...new Set(machines.map(({ id }) => id))].slice(0, 200) })) as Record<string, number>;
        return machines.map(({ id, version, key, hash, machine }) => ({ id, version, key, hash, role: machine.root.description ?? null, actors: counts[id] ?? 0 }));
      },
    }),
    get('/api/machines/:key/chart', { summary: 'A machine with the place of each of its states and transitions in a drawing.', answer: laidSchema, handle: ({ params: { key } }) => layouts(key, find(key).hash, () => chartOf(key)) }),
    get('/api/machines/:key/export', {
      summary: 'A machine as a file for other tools.', query: z.object({ format: z.enum(chartFormats).default('mermaid') }), answer: z.object({ format: z.enum(chartFormats), text: z.string() }),
      handle: async ({ params: { key }, query: { format } }) => ({ format, text: await exportChart(chartOf(key), format, () => layouts(key, find(key).hash, () => chartOf(key))) }),
    }),
  ];
}
