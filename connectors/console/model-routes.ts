// Routes about models: what is set up, and what their endpoints can do.
import { z } from 'zod';
import { capabilitiesSchema, modelsViewSchema, type ModelsView } from '#machines/capabilities.ts';
import { KeelsonError } from '#machines/errors.ts';
import { get, post, type Route } from './route.ts';

type Probed = { can: z.output<typeof capabilitiesSchema> } | { failed: { outcome: string; reason: string } };
export interface ModelPorts { view(): Promise<ModelsView>; probe(tier: string): Promise<Probed> }

const probedSchema = z.array(z.object({ tier: z.string(), can: capabilitiesSchema.nullable(), /** Why it could not be found out. */ failed: z.string().nullable() }));
export type ProbedTiers = z.output<typeof probedSchema>;

export function modelRoutes({ view, probe }: ModelPorts): Route[] {
  return [
    get('/api/models', { summary: 'Providers, tiers, prices, and what their endpoints were seen to do.', answer: modelsViewSchema, handle: () => view() }),
    post('/api/models/probe', {
      summary: 'Asks the endpoints of one tier or of all what they can do; costs a few tokens of the budget of `upkeep`.', moves: true, body: z.object({ tier: z.string().max(40).optional() }), answer: probedSchema,
      async handle({ body: { tier } }) {
        const names = (await view()).tiers.map(({ name }) => name);
        if (tier !== undefined && !names.includes(tier)) throw new KeelsonError('NOT_FOUND', `there is no tier '${tier}'; there are: ${names.join(', ') || 'none'}`);
        const found: ProbedTiers = [];
        // One after the other: they may share an endpoint.
        for (const name of tier === undefined ? names : [tier]) {
          const probed = await probe(name);
          found.push('can' in probed ? { tier: name, can: probed.can, failed: null } : { tier: name, can: null, failed: `${probed.failed.outcome}: ${probed.failed.reason}` });
        }
        return found;
      },
    }),
  ];
}
