// Routes of the screens that look at the company as a whole: audit, policies, connectors, schedules, settings.
import { z } from 'zod';
import { modeRequest, connectorViewSchema, modeStateSchema, type ConnectorDesk } from './desk-connectors.ts';
import { mistakeOfRequest, publishRequest } from './desk-policy.ts';
import { policyViewSchema, testedSchema, type PolicyView, type Tested } from './policy-view.ts';
import { get, post, type Route } from './route.ts';
import { listSchedules, scheduleSchema } from './schedule-list.ts';

const verdictSchema = z.object({ ok: z.boolean(), rows: z.int(), head: z.string(), firstBad: z.object({ seq: z.number(), reason: z.string() }).optional() });
const exportedSchema = z.object({ exported: z.string(), rows: z.int(), files: z.int() });
const backupSchema = z.object({ backup: z.string(), bytes: z.int() });

const capSchema = z.object({ currency: z.string(), perDayMinor: z.int(), perPayeePerDayMinor: z.int() });
const companyViewSchema = z.object({
  company: z.object({
    name: z.string(), operator: z.string(), email: z.string(), domain: z.string(), thresholds: z.object({ triage: z.number(), draft: z.number() }), approvals: z.object({ reminderAfterHours: z.number(), expiresAfterHours: z.number() }),
    caps: z.array(capSchema), publicUrl: z.string().nullable(), retentionDays: z.number(), auditHeads: z.string(),
  }),
  version: z.string(), node: z.string(), dataDir: z.string(), dryRun: z.boolean(),
  /** By name; null when none is set up. */
  model: z.string().nullable(),
  sizes: z.array(z.object({ name: z.string(), bytes: z.int() })),
  /** Where the database was copied to, newest first. */
  copies: z.array(z.object({ kind: z.enum(['export', 'backup']), path: z.string(), at: z.string(), isThere: z.boolean(), bytes: z.int().nullable() })),
  /** Erasures that were begun and are not finished. */
  erasing: z.array(z.object({ id: z.string(), entity: z.string() })),
  paused: z.string().nullable(),
});
export type CompanyView = z.output<typeof companyViewSchema>;

export interface GovernPorts {
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
  upkeep: {
    verify(): Promise<z.output<typeof verdictSchema>>;
    export(): Promise<z.output<typeof exportedSchema>>;
    backup(): Promise<z.output<typeof backupSchema>>;
    testPolicies(files: { id: string; text: string }[]): Promise<Tested>;
  };
  policies(): Promise<PolicyView>;
  connectors: ConnectorDesk;
  company(): Promise<CompanyView>;
}

const nothing = z.object({});

export function governRoutes({ query, upkeep, policies, connectors, company }: GovernPorts): Route[] {
  return [
    post('/api/audit/verify', { summary: 'Walks the whole hash chain; may take a while.', who: 'all', body: nothing, answer: verdictSchema, handle: () => upkeep.verify() }),
    post('/api/export', { summary: 'Everything in an open format, into a new folder of `exports/`.', body: nothing, answer: exportedSchema, handle: () => upkeep.export() }),
    post('/api/backup', { summary: 'The database as one checked file, into `backups/`.', body: nothing, answer: backupSchema, handle: () => upkeep.backup() }),
    get('/api/policies', { summary: 'Policies in force, how often each rule spoke, and the money caps.', answer: policyViewSchema, handle: () => policies() }),
    post('/api/policies/test', {
      summary: 'What a draft of the policies would have answered in the past; nothing changes.', body: publishRequest.pick({ files: true }), answer: testedSchema,
      handle: async ({ body: { files } }) => {
        try {
          return await upkeep.testPolicies(Object.entries(files).map(([id, text]) => ({ id, text })));
        } catch (error) {
          throw mistakeOfRequest(error);
        }
      },
    }),
    get('/api/connectors', { summary: 'Every way out: whether it is set up, what it can do, and how it stands.', answer: z.array(connectorViewSchema), handle: () => connectors.list() }),
    post('/api/connectors/:name/mode', { summary: 'Puts a connector into the sandbox, or live.', body: modeRequest, answer: modeStateSchema, handle: ({ params: { name }, body }) => connectors.setMode(name, body) }),
    get('/api/schedules', { summary: 'What is started at which times.', answer: z.array(scheduleSchema), handle: () => listSchedules(query) }),
    get('/api/settings', { summary: 'The company, its folder and the copies of its database.', answer: companyViewSchema, handle: () => company() }),
  ];
}
