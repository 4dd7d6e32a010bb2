// Zones that an event names without describing them, as the system knows them; without this ical.js would read them as UTC.
import type ICAL from 'ical.js';
import { isTimeZone, momentOf } from './zone.ts';

/** Registers what the texts name. Throws when a name means nothing here and the text does not describe it. */
export function registerZones(ical: typeof ICAL, texts: readonly string[]): void {
  class SystemZone extends ical.Timezone {
    override utcOffset({ year, month, day, hour, minute, second }: ICAL.Time): number {
      return (Date.UTC(year, month - 1, day, hour, minute, second) - momentOf(this.tzid, { year, month, day, hour, minute, second })) / 1_000;
    }
  }
  const names = texts.flatMap((text) => Array.from(text.replace(/\r?\n[ \t]/g, '').matchAll(/;TZID="?([^":;,\r\n]{1,100})/gi), ([, name]) => name!));
  for (const name of new Set(names)) {
    if (isTimeZone(name) && !ical.TimezoneService.has(name)) ical.TimezoneService.register(new SystemZone({ tzid: name }), name);
  }
}
