// What comes when: the schedules as their actors know them. For `keelson schedules` and for the console.
import { z } from 'zod';
import type { ActorRecord } from '#actors/record.ts';
import type { Schedule } from '#machines/agents/schedule.ts';

export const scheduleSchema = z.object({
  name: z.string(), cron: z.string(), timeZone: z.string(),
  /** ISO 8601, UTC. Null while it does not wait for a time, or never ran. */
  next: z.string().nullable(), last: z.string().nullable(),
  missed: z.string(),
  /** `waiting`, `held`, `stuck`, … */
  state: z.string(),
  /** What it starts, or the event that it sends and to whom. */
  target: z.string(),
  /** Why it stands still: it was paused, it failed, or its time never comes again. Empty when it goes on. */
  problem: z.string(),
});
export type ScheduleRow = z.output<typeof scheduleSchema>;

interface Known { schedule: Schedule; nextMs: number | null; lastMs: number | null; problem: string }
type Ask = (name: string, args: Record<string, unknown>) => Promise<unknown>;

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

export async function listSchedules(query: Ask): Promise<ScheduleRow[]> {
  const rows = (await query('actors', { type: 'schedule', status: 'active' })) as { address: string }[];
  const records = await Promise.all(rows.map(async ({ address }) => JSON.parse((await query('record', { address })) as string) as ActorRecord));
  return records.filter(({ snapshot }) => snapshot.value !== 'removed').map(({ held, snapshot: { value, context } }) => {
    const { schedule: { name, cron, timeZone, missed, start, wake }, nextMs, lastMs, problem } = context as Known;
    return { name, cron, timeZone, next: value === 'waiting' && !held ? iso(nextMs) : null, last: iso(lastMs), missed, state: held ? 'held' : typeof value === 'string' ? value : JSON.stringify(value), target: start?.machine ?? `${wake!.type} to ${wake!.to}`, problem: held ? held.reason || 'paused' : value === 'stuck' ? problem : '' };
  });
}
