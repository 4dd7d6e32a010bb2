// A schedule: at these times, start that machine or wake that actor. It asks which runs are due and when the next one is, waits, and
// has the runs started; a run is named by its time, so that it happens once whatever is repeated. Clocks and time zones are
// an activity: this file knows none.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { isAddress } from '../address.ts';
import { activity, protocol, records } from '../define.ts';
import { firstIssue, KeelsonError, reasonOf } from '../errors.ts';
import { operatorEvents, toItemData } from '../inbox.ts';
import { isReservedType, limits } from '../message.ts';
import type { Intent } from '../records.ts';

export const missedPolicies = ['skip', 'once', 'all'] as const;

export const scheduleSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,47}$/, 'expected lower-case letters, digits and dashes, at most 48'),
  /** Five fields: minute, hour, day of the month, month, day of the week. */
  cron: z.string().min(1).max(200),
  timeZone: z.string().min(1).max(100),
  /** Of runs whose time passed while nobody could start them: none, one for all of them, or each. */
  missed: z.enum(missedPolicies),
  start: z.strictObject({ machine: z.string().regex(/^[a-z][a-z0-9-]{0,47}@[^\s@]{1,50}$/, 'expected id@version'), input: z.json().default({}) }).optional(),
  wake: z.strictObject({
    to: z.string().refine(isAddress, 'expected an address, type/key'),
    type: z.string().min(1).max(limits.typeChars).refine((type) => !isReservedType(type), 'expected a type that is not reserved'),
  }).optional(),
}).refine(({ start, wake }) => (start === undefined) !== (wake === undefined), 'expected either start or wake');
export type Schedule = z.output<typeof scheduleSchema>;

/** Throws BAD_CONFIG with the field that is wrong. Whether cron and zone mean something is seen by who reads the calendar. */
export function parseSchedule(json: unknown): Schedule {
  const parsed = scheduleSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new KeelsonError('BAD_CONFIG', firstIssue(parsed.error), { hint: 'docs/schedules.md says what a schedule holds.' });
}

const ms = z.int();
const patient = { attempts: 10, firstMs: 500, maxMs: 60_000 };

const questionSchema = z.object({ cron: z.string(), timeZone: z.string(), missed: z.enum(missedPolicies), settledMs: ms.nullable() });
const answerSchema = z.object({
  /** When the calendar was read. */
  atMs: ms,
  /** The runs to start now, oldest first. */
  runs: z.array(ms),
  /** How many are passed over; at most what is looked at. */
  missed: z.int(),
  nextMs: ms.nullable(),
});
export type CalendarQuestion = z.output<typeof questionSchema>;
export type CalendarAnswer = z.output<typeof answerSchema>;

/** Which runs are due since `settledMs`, and when the next one is; null means that everything up to now is settled. */
export const readCalendar = activity({ name: 'schedule.next', input: questionSchema, output: answerSchema, timeoutMs: 30_000, retry: patient });

/** Starts the runs with these times. One that was started before is not started again. */
export const startRuns = activity({
  name: 'schedule.start',
  input: z.object({ schedule: scheduleSchema, runs: z.array(ms) }),
  output: z.object({ started: z.array(ms) }),
  timeoutMs: 60_000,
  retry: patient,
});

const schedule = protocol({
  input: scheduleSchema,
  context: z.object({ schedule: scheduleSchema, settledMs: ms.nullable(), atMs: ms, nextMs: ms.nullable(), lastMs: ms.nullable(), runs: z.array(ms), missed: z.int(), problems: z.int(), problem: z.string() }),
  events: {
    /** The file is there: new, changed, or back. */
    DEFINE: z.object({ schedule: scheduleSchema }),
    /** The file is gone. */
    REMOVE: z.object({}),
    /** The time until the next run is no longer what it was thought to be. Harmless, whoever says it. */
    LOOK: z.object({}),
    APPROVE: operatorEvents.APPROVE,
    REJECT: operatorEvents.REJECT,
  },
  output: z.never(),
  operatorOnly: ['DEFINE', 'REMOVE', 'APPROVE', 'REJECT'],
  may: { act: ['schedule.next', 'schedule.start'] },
});
type Context = z.output<typeof schedule.schemas.context>;

const iso = (at: number) => new Date(at).toISOString();
const decided = (outcome: string, reason: string) => ({ what: 'schedule', outcome, confidence: null, reasons: [reason], evidence: [] });
const itemId = ({ schedule: { name }, problems }: Context) => `schedule-${name}-${problems}`;
const close = (context: Context, state: Intent['state']): Intent => ({ id: itemId(context), kind: 'escalation', state });

export const scheduleMachine = setup({
  types: schedule.types,
  schemas: schedule.schemas,
  actions: records,
  actors: { readCalendar, startRuns },
  delays: { untilNext: ({ context }) => Math.max(0, (context.nextMs ?? 0) - context.atMs) },
  guards: {
    hasRuns: ({ context }) => context.runs.length > 0,
    passesOver: ({ context }) => context.missed > 0 && context.nextMs !== null,
    comesAgain: ({ context }) => context.nextMs !== null,
    /** Then what it waits for stays right. */
    sameTimes: ({ context, event }) => event.type === 'DEFINE' && event.schedule.cron === context.schedule.cron && event.schedule.timeZone === context.schedule.timeZone,
  },
}).createMachine({
  id: 'schedule',
  version: '1',
  description: 'Starts a machine or wakes an actor at the times of a calendar, once per time.',
  context: ({ input }) => ({ schedule: input, settledMs: null, atMs: 0, nextMs: null, lastMs: null, runs: [], missed: 0, problems: 0, problem: '' }),
  initial: 'looking',
  on: {
    DEFINE: [
      { guard: 'sameTimes', actions: assign({ schedule: ({ event }) => event.schedule }) },
      // Other times count from now on.
      { target: '.looking', reenter: true, actions: assign({ schedule: ({ event }) => event.schedule, settledMs: null }) },
    ],
    REMOVE: '.removed',
  },
  states: {
    looking: {
      invoke: {
        id: 'calendar',
        src: 'readCalendar',
        input: ({ context: { schedule: { cron, timeZone, missed }, settledMs } }) => ({ cron, timeZone, missed, settledMs }),
        onDone: {
          target: 'judging',
          actions: assign(({ event: { output } }) => ({ atMs: output.atMs, nextMs: output.nextMs, runs: output.runs, missed: output.missed })),
        },
        onError: { target: 'stuck', actions: assign({ problem: ({ event }) => reasonOf(event.error) }) },
      },
    },
    judging: {
      always: [
        { guard: 'hasRuns', target: 'starting' },
        { guard: 'passesOver', target: 'waiting', actions: { type: 'recordDecision', params: ({ context }) => decided('skipped', `${context.missed} missed before ${iso(context.atMs)} are passed over`) } },
        { guard: 'comesAgain', target: 'waiting' },
        { target: 'stuck', actions: assign({ problem: 'its time never comes again' }) },
      ],
    },
    starting: {
      invoke: {
        id: 'runs',
        src: 'startRuns',
        input: ({ context: { schedule: definition, runs } }) => ({ schedule: definition, runs }),
        onDone: {
          target: 'looking',
          actions: [
            assign({ settledMs: ({ context }) => context.atMs, lastMs: ({ context, event }) => event.output.started.at(-1) ?? context.lastMs }),
            { type: 'recordDecision', params: ({ context, event: { output: { started } } }) => decided('started', `${started.length === 0 ? 'started before' : started.map(iso).join(', ')}${context.missed > 0 ? `; ${context.missed} missed are passed over` : ''}`) },
          ],
        },
        // Nothing is settled: the same runs are due at the next look.
        onError: { target: 'stuck', actions: assign({ problem: ({ event }) => reasonOf(event.error) }) },
      },
    },
    waiting: {
      entry: assign({ settledMs: ({ context }) => context.atMs }),
      after: { untilNext: 'looking' },
      on: { LOOK: 'looking' },
    },
    stuck: {
      description: 'It cannot go on by itself; no run is lost.',
      entry: [
        assign({ problems: ({ context }) => context.problems + 1 }),
        { type: 'recordIntent', params: ({ context }) => ({
          id: itemId(context),
          kind: 'escalation' as const,
          state: 'input-required' as const,
          summary: `The schedule ${context.schedule.name} has stopped: ${context.problem}`,
          data: toItemData({ category: 'schedule', confidence: null, risk: 'medium', reasons: [context.problem], payload: context.schedule, payloadHash: itemId(context), evidence: [], policy: null, expiresAfterMs: null, answers: 'approve = look again; reject = leave it off until the server starts again' }),
        }) },
      ],
      on: {
        APPROVE: { target: 'looking', actions: { type: 'recordIntent', params: ({ context }) => close(context, 'completed') } },
        REJECT: { target: 'removed', actions: { type: 'recordIntent', params: ({ context }) => close(context, 'rejected') } },
        DEFINE: { target: 'looking', actions: [{ type: 'recordIntent', params: ({ context }) => close(context, 'canceled') }, assign({ schedule: ({ event }) => event.schedule })] },
        REMOVE: { target: 'removed', actions: { type: 'recordIntent', params: ({ context }) => close(context, 'canceled') } },
      },
    },
    removed: {
      description: 'Its file is gone. It goes on, from then on, when the file is back.',
      on: {
        DEFINE: { target: 'looking', actions: assign({ schedule: ({ event }) => event.schedule, settledMs: null }) },
        REMOVE: {},
        // Anybody may say so. Nothing comes of it, and this is no standstill that somebody has to end.
        LOOK: 'removed',
      },
    },
  },
});
