// The company's calendar by CalDAV: free times, booking, moving, calling off.
import { KeelsonError } from '#machines/errors.ts';
import type { Connector } from '../connector.ts';
import { createDav } from './dav.ts';
import { createLook, readActions } from './reads.ts';
import type { CalendarSettings } from './settings.ts';
import { writeActions } from './writes.ts';

export { settingsSchema } from './settings.ts';

/** Throws BAD_CONFIG without the password. */
export function createCalendarConnector(settings: CalendarSettings, secrets: Record<string, string>): Connector {
  const password = secrets['CALDAV_PASSWORD'];
  if (password === undefined || password === '') throw new KeelsonError('BAD_CONFIG', 'the calendar connector needs the secret CALDAV_PASSWORD');
  const dav = createDav(settings, password);
  const look = createLook(settings, dav);
  return { name: 'calendar', version: '1', hosts: [new URL(settings.url).host], secrets: ['CALDAV_PASSWORD'], perMinute: 120, actions: [...readActions(settings, look), ...writeActions(settings, dav, look)] };
}
