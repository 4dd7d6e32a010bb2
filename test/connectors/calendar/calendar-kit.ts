// A calendar connector on a real radicale, with a proxy between them that can lose things.
import type { Action, Call, Connector } from '#connectors/connector.ts';
import { createCalendarConnector, settingsSchema } from '#connectors/calendar/connector.ts';
import { startFaultyProxy, type FaultyProxy } from '#test/kit/faulty-proxy.ts';
import { radicaleMissing, startRadicale, type RadicaleFixture } from '#test/kit/radicale.ts';

export const skip = radicaleMissing() ?? false;

export const plainSettings = { url: 'https://dav.example', user: 'anna', calendar: 'anna/work', timeZone: 'Europe/Berlin', organizer: 'anna@holt.example', workingHours: { mon: ['09:00-12:00', '13:00-17:00'], tue: ['09:00-17:00'], wed: ['09:00-17:00'], thu: ['09:00-17:00'], fri: ['09:00-15:00'], sun: ['00:00-06:00'] } };
export const secret = { CALDAV_PASSWORD: 'canary-caldav-5561-not-to-be-seen' };

export interface World { radicale: RadicaleFixture; proxy: FaultyProxy; connector: Connector }

export async function startWorld(t: { after(run: () => unknown): void }): Promise<World> {
  const radicale = await startRadicale();
  t.after(() => radicale.stop());
  const proxy = await startFaultyProxy(radicale.url);
  t.after(() => proxy.stop());
  const settings = settingsSchema.parse({ ...plainSettings, url: proxy.url });
  return { radicale, proxy, connector: createCalendarConnector(settings, { CALDAV_PASSWORD: radicale.password }) };
}

/** 2026-03-01 00:00 UTC, before everything in these tests. */
export const nowMs = Date.UTC(2026, 2, 1);
export function callOf(operationId: string, signal = new AbortController().signal): Call & { reservation: null } {
  return { operationId, signal, nowMs: () => nowMs, reservation: null, documents: { read: () => Promise.reject(new Error('no documents here')), keep: () => Promise.reject(new Error('no documents here')) } };
}

export function actionOf(connector: Connector, name: string): Action<unknown> {
  const found = (connector.actions as unknown as Action<unknown>[]).find((one) => one.name === name);
  if (!found) throw new Error(`no action ${name}`);
  return found;
}

/** Parses, plans and performs, as the gate does. */
export async function perform(connector: Connector, name: string, payload: unknown, operationId = 'operation/1', signal?: AbortSignal) {
  const action = actionOf(connector, name);
  const parsed = action.input.parse(payload);
  await action.plan(parsed, callOf(operationId));
  return action.commit(parsed, callOf(operationId, signal));
}

export const lookUp = (connector: Connector, name: string, payload: unknown, operationId: string) => actionOf(connector, name).lookup!(actionOf(connector, name).input.parse(payload), callOf(operationId));

/** iCalendar text of one event from its lines. */
export const ics = (...lines: string[]) => `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nDTSTAMP:20260101T000000Z\r\n${lines.join('\r\n')}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;
