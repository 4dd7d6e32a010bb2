// Looking into the calendar: what is there, and what is free.
import type { Plan } from '#machines/effects.ts';
import { action, type Action, type Call } from '../connector.ts';
import type { Dav } from './dav.ts';
import { occurrencesOf, type Occurrence } from './occurrences.ts';
import { hostControl, showPeriod, slotsSchema, windowOf, windowSchema, type SlotsPayload, type WindowPayload } from './payloads.ts';
import type { CalendarSettings } from './settings.ts';
import { freeSlots, type Period } from './slots.ts';
import { isoMoment } from './zone.ts';

const eventsMax = 500;

export type Look = (window: Period, call: Call) => Promise<Occurrence[]>;
export const createLook = ({ timeZone }: CalendarSettings, dav: Dav): Look => async (window, call) => occurrencesOf({ objects: await dav.query(window, call), ...window, timeZone }, call.signal);

export function readActions(settings: CalendarSettings, look: Look): Action<never>[] {
  const { timeZone } = settings;
  const plan = (summary: string): Promise<Plan> => Promise.resolve({ summary, preview: summary, risk: 'low', reasons: [], control: [hostControl(settings)], enclosures: [], money: null });
  const iso = (ms: number) => isoMoment(timeZone, ms);
  const fixed = { effect: 'read', risk: 'low', reversible: true, money: false, idempotency: { kind: 'none' } } as const;

  const slots: Action<SlotsPayload> = {
    ...fixed,
    name: 'calendar.slots', title: 'Find free times within the working hours', input: slotsSchema,
    plan: (payload) => plan(`Look for free times of ${payload.minutes} minutes, ${showPeriod(settings, windowOf(payload))}`),
    async commit(payload, call) {
      const window = windowOf(payload);
      const taken = (await look(window, call)).filter(({ busy }) => busy);
      const free = freeSlots(settings, { ...window, startMs: Math.max(window.startMs, call.nowMs()) }, taken, { lengthMs: payload.minutes * 60_000, limit: payload.limit });
      return { done: true, providerRef: `slots:${payload.from}/${payload.to}`, note: `${free.length} free times`, result: { timeZone, slots: free.map(({ startMs, endMs }) => ({ start: iso(startMs), end: iso(endMs) })) }, facts: [] };
    },
  };

  const events: Action<WindowPayload> = {
    ...fixed,
    name: 'calendar.events', title: 'List what is in the calendar', input: windowSchema,
    plan: (payload) => plan(`List the calendar, ${showPeriod(settings, windowOf(payload))}`),
    async commit(payload, call) {
      const found = await look(windowOf(payload), call);
      const shown = found.slice(0, eventsMax).map(({ startMs, endMs, ...rest }) => ({ ...rest, start: iso(startMs), end: iso(endMs) }));
      return { done: true, providerRef: `events:${payload.from}/${payload.to}`, note: `${found.length} entries${found.length > eventsMax ? `, the first ${eventsMax} are shown` : ''}`, result: { timeZone, events: shown }, facts: [] };
    },
  };

  return [action(slots), action(events)];
}
