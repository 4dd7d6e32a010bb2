// Reads cron expressions in a time zone. A time that the change to summer time leaves out comes at the end of the gap; one that
// the change back brings twice comes once. Expressions with `*` or a step follow the clock instead: each of its minutes counts.
import { KeelsonError } from '#machines/errors.ts';

/** Times in milliseconds since 1970. */
export interface Calendar {
  /** The first one after this, or null when none comes. */
  next(afterMs: number): number | null;
  /** The last ones up to this and with it, at most so many, oldest first. */
  last(untilMs: number, count: number): number[];
}

/** Throws BAD_CONFIG, naming the field, when cron or zone mean nothing. */
export async function openCalendar({ cron, timeZone }: { cron: string; timeZone: string }): Promise<Calendar> {
  const { Cron } = await import('croner');
  const hint = 'docs/schedules.md shows examples.';
  try {
    Intl.DateTimeFormat('en', { timeZone });
  } catch (cause) {
    throw new KeelsonError('BAD_CONFIG', `timeZone: '${timeZone}' is no time zone; expected one such as Europe/Berlin`, { cause, hint });
  }
  let times;
  try {
    times = new Cron(cron, { timezone: timeZone, mode: '5-part', fixedTimeRule: 'no-wildcard' });
  } catch (cause) {
    throw new KeelsonError('BAD_CONFIG', `cron: '${cron}' cannot be read: ${(cause as Error).message}`, { cause, hint });
  }
  // It reads a date as well; a schedule that comes once is a deadline of some actor.
  if (!/^(?:@\w+|\S+(?: +\S+){4})$/.test(cron)) throw new KeelsonError('BAD_CONFIG', `cron: '${cron}' cannot be read: expected five fields, minute to day of the week`, { hint });
  return {
    next: (afterMs) => times.nextRun(new Date(afterMs))?.getTime() ?? null,
    last: (untilMs, count) => times.previousRuns(count, new Date(untilMs + 1)).map((run) => run.getTime()).toReversed(),
  };
}
