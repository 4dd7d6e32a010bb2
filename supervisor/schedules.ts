// Keeps the files in schedules/ and the actors that carry them out in agreement, and does what those actors ask for: reading the
// calendar and starting runs. A run is a message named by schedule and time, so that it is written once for ever.
import type { Clock } from '#actors/clock.ts';
import { hashJson } from '#actors/hash.ts';
import type { MakeId } from '#actors/ids.ts';
import type { ActorRecord } from '#actors/record.ts';
import type { Registry } from '#actors/registry.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import { address, typeOf } from '#machines/address.ts';
import { parseSchedule, scheduleMachine, type CalendarAnswer, type CalendarQuestion, type Schedule } from '#machines/agents/schedule.ts';
import { emptyCommit } from '#machines/commit.ts';
import { machineKey } from '#machines/define.ts';
import { firstIssue, KeelsonError } from '#machines/errors.ts';
import type { Body, Message } from '#machines/message.ts';
import { readFolder } from './company.ts';

/** What connectors/cron.ts reads. */
export interface Calendar { next(afterMs: number): number | null; last(untilMs: number, count: number): number[] }
export type OpenCalendar = (schedule: { cron: string; timeZone: string }) => Promise<Calendar>;

/** A run that is noticed later than this is a missed one. */
export const graceMs = 5 * 60_000;
/** More missed runs than this are never made up for, and not counted. */
export const missedMax = 1_000;

/** Which runs to start at `nowMs`, when everything up to `settledMs` is settled. */
export function planRuns(calendar: Calendar, { missed, settledMs, nowMs }: Pick<CalendarQuestion, 'missed' | 'settledMs'> & { nowMs: number }): CalendarAnswer {
  // A clock that was set back: those times come again, and what was started then is known by its name.
  const due = settledMs === null || settledMs >= nowMs ? [] : dueBetween(calendar, settledMs, nowMs);
  const newest = due.slice(-1);
  const runs = missed === 'all' ? due : missed === 'once' ? newest : newest.filter((at) => nowMs - at <= graceMs);
  return { atMs: nowMs, runs, missed: due.length - runs.length, nextMs: calendar.next(nowMs) };
}

function dueBetween(calendar: Calendar, afterMs: number, untilMs: number): number[] {
  const due: number[] = [];
  for (let at = calendar.next(afterMs); at !== null && at <= untilMs; at = calendar.next(at)) {
    due.push(at);
    if (due.length > missedMax) return calendar.last(untilMs, missedMax);
  }
  return due;
}

/** `2026-11-23T08:00Z` */
const nameOf = (at: number) => `${new Date(at).toISOString().slice(0, 16)}Z`;

export function scheduleActivities({ store, clock, openCalendar }: { store: Pick<StorePort, 'commit'>; clock: Pick<Clock, 'now'>; openCalendar: OpenCalendar }): Record<string, Activity> {
  const start = async ({ name, ...schedule }: Schedule, at: number): Promise<boolean> => {
    // Messages of an actor's own making have a `#`: nobody outside can take the name of a run first.
    const id = `${address('schedule', name)}#${nameOf(at)}`;
    const from = address('schedule', name);
    const message: Message = schedule.start
      ? { id, from, to: address(schedule.start.machine.split('@')[0]!, `${name}-${nameOf(at)}`), body: { kind: 'start', machine: schedule.start.machine, input: schedule.start.input } }
      : { id, from, to: schedule.wake!.to, body: { kind: 'event', event: { type: schedule.wake!.type, schedule: name, at } } };
    const answer = await store.commit({ ...emptyCommit(`${id}!start`, clock.now(), 'host/schedules', { run: id, to: message.to }), sends: [message] });
    if (answer.outcome === 'invalid') throw new KeelsonError('REFUSED', `the run of ${nameOf(at)} cannot be started: ${answer.reason}`);
    if (answer.outcome === 'conflict') throw new KeelsonError('STORE_FAILED', `the run of ${nameOf(at)} was not written`);
    return answer.outcome === 'written';
  };
  return {
    async 'schedule.next'({ input }) {
      const { cron, timeZone, missed, settledMs } = input as CalendarQuestion;
      return planRuns(await openCalendar({ cron, timeZone }), { missed, settledMs, nowMs: clock.now() });
    },
    async 'schedule.start'({ input }) {
      const { schedule, runs } = input as { schedule: Schedule; runs: number[] };
      const written = await Promise.all(runs.map((at) => start(schedule, at)));
      return { started: runs.filter((_, i) => written[i]) };
    },
  };
}

/** What schedules/ holds now. Throws BAD_CONFIG with the file, the field and what is wrong. */
export async function readSchedules(dir: string, { registry, openCalendar, nowMs }: { registry: Registry; openCalendar: OpenCalendar; nowMs: number }): Promise<Schedule[]> {
  const check = (text: string, name: string) => {
    const schedule = parseSchedule(JSON.parse(text));
    if (schedule.name !== name) throw new KeelsonError('BAD_CONFIG', `name: expected '${name}', as the file is called, received '${schedule.name}'`);
    assertTarget(schedule, registry);
  };
  const schedules = readFolder(dir, { folder: 'schedules', extension: '.json', check }).map(({ text }) => parseSchedule(JSON.parse(text)));
  for (const schedule of schedules) {
    try {
      if ((await openCalendar(schedule)).next(nowMs) === null) throw new KeelsonError('BAD_CONFIG', `cron: '${schedule.cron}' never comes`);
    } catch (cause) {
      throw new KeelsonError('BAD_CONFIG', `schedules/${schedule.name}.json: ${(cause as Error).message}`, { cause, ...(cause instanceof KeelsonError ? { hint: cause.hint } : {}) });
    }
  }
  return schedules;
}

function assertTarget({ start, wake }: Schedule, registry: Registry): void {
  const machines = registry.list().map(({ key }) => key).join(', ');
  const definition = start && registry.get(start.machine);
  if (start && !definition) throw new KeelsonError('BAD_CONFIG', `start.machine: this build has no '${start.machine}'`, { hint: `It has ${machines}.` });
  const input = definition?.protocol.input.safeParse(start!.input);
  if (input?.error) throw new KeelsonError('BAD_CONFIG', `start.input.${firstIssue(input.error, ': ')}`);
  if (wake && !registry.list().some(({ id }) => id === typeOf(wake.to))) throw new KeelsonError('BAD_CONFIG', `wake.to: this build has no type of actor for ${wake.to}`, { hint: `It has ${machines}.` });
}

export interface KeepSchedules { store: StorePort; schedules: readonly Schedule[]; openCalendar: OpenCalendar; clock: Clock; makeId: MakeId; onError: (error: unknown) => void }

const hourMs = 3_600_000;
const company = 'operator/company';

/** Tells the actors what the files say, and from then on those that wait too long to look again. */
export async function keepSchedules({ store, schedules, openCalendar, clock, makeId, onError }: KeepSchedules): Promise<{ look(): void; stop(): void }> {
  const tell = async (bodies: [name: string, body: Body][]) => {
    if (bodies.length === 0) return;
    const id = `schedules:${makeId()}`;
    const sends = bodies.map(([name, body]): Message => ({ id: `${id}:${name}`, to: address('schedule', name), from: company, body }));
    const answer = await store.commit({ ...emptyCommit(id, clock.now(), company, { told: sends.map(({ to, body }) => [to, body.kind === 'event' ? body.event.type : body.kind]) }), sends });
    if (answer.outcome !== 'written') throw new KeelsonError('STORE_FAILED', `the schedules were not told: ${answer.outcome}`);
  };
  const read = async (name: string) => JSON.parse((await store.load(address('schedule', name))) ?? 'null') as ActorRecord | null;
  const known = async () => ((await store.query('actors', { type: 'schedule', status: 'active' })) as { address: string }[]).map((row) => row.address.slice('schedule/'.length));
  const event = (type: string, fields: object = {}): Body => ({ kind: 'event', event: { type, ...fields } });

  const agree = async () => {
    const bodies: [string, Body][] = [];
    for (const schedule of schedules) {
      const record = await read(schedule.name);
      if (!record) bodies.push([schedule.name, { kind: 'start', machine: machineKey(scheduleMachine), input: schedule }]);
      else if (record.snapshot.value === 'removed' || hashJson((record.snapshot.context as { schedule: Schedule }).schedule) !== hashJson(schedule)) bodies.push([schedule.name, event('DEFINE', { schedule })]);
    }
    for (const name of await known()) {
      if (!schedules.some((schedule) => schedule.name === name) && (await read(name))?.snapshot.value !== 'removed') bodies.push([name, event('REMOVE')]);
    }
    await tell(bodies);
  };

  /** A wait is too long when its step was late, or when the clock was set back since. One that is over already is the deadlines' business. */
  const lookAgain = async () => {
    const late: [string, Body][] = [];
    for (const schedule of schedules) {
      const dueMs = Object.values((await read(schedule.name))?.timers ?? {}).map((timer) => timer.dueMs).toSorted((a, b) => a - b)[0];
      const nextMs = (await openCalendar(schedule)).next(clock.now());
      if (dueMs !== undefined && nextMs !== null && dueMs > nextMs + 1_000) late.push([schedule.name, event('LOOK')]);
    }
    await tell(late);
  };
  const look = () => void lookAgain().catch(onError);

  await agree();
  await lookAgain();
  return { look, stop: clock.every(hourMs, look) };
}
