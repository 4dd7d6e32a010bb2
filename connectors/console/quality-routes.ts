// What the screens about quality ask for: the tiers with their plots, the debts, and the report of a day or a week.
import { z } from 'zod';
import { tierViewSchema, type TierView } from './quality-view.ts';
import { get, type Route } from './route.ts';

const debtSchema = z.object({ kind: z.string(), what: z.string(), number: z.number(), unit: z.string(), trend: z.number().nullable(), fix: z.string() });
export type DebtView = z.output<typeof debtSchema>;
/** `text`: all of it as Markdown. */
const reportSchema = z.looseObject({ day: z.string(), kind: z.enum(['day', 'week']), text: z.string() });
export type ReportView = z.output<typeof reportSchema>;

export interface QualityPorts {
  quality(): Promise<TierView[]>;
  debts(): Promise<DebtView[]>;
  /** Throws BAD_ARGUMENT when `day` is none. */
  report(asked: { day?: string | undefined; week: boolean }): Promise<ReportView>;
}

export function qualityRoutes({ quality, debts, report }: QualityPorts): Route[] {
  return [
    get('/api/quality', { summary: 'How far each tier can be believed at each task: claims against what became of them.', answer: z.array(tierViewSchema), handle: () => quality() }),
    get('/api/debt', { summary: 'What nobody looks after, each with a number, its trend within a week, and what to do.', answer: z.array(debtSchema), handle: () => debts() }),
    get('/api/report', {
      summary: 'What was done on a day or in a week, what waits, what it cost, the time it saved, what was learnt.', query: z.object({ day: z.iso.date().optional(), week: z.enum(['true', 'false']).default('false') }), answer: reportSchema,
      handle: ({ query: { day, week } }) => report({ day, week: week === 'true' }),
    }),
  ];
}
