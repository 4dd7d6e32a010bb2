// One calendar over CalDAV (RFC 4791), by tsdav. It reads a broken reply as an empty one; here that is an error, for an empty calendar
// would be a free one.
import type { DAVResponse } from 'tsdav';
import { KeelsonError } from '#machines/errors.ts';
import type { Call } from '../connector.ts';
import { statusError, type Effect } from '../http-errors.ts';
import { basicAuth, exchange, saidBy, type ExchangeReply } from '../named-server.ts';
import { calendarUrl, type CalendarSettings } from './settings.ts';

export interface StoredEvent { text: string; etag: string }
export interface Dav {
  /** All objects with an event between two moments, by their file names. */
  query(window: { startMs: number; endMs: number }, call: Call): Promise<{ name: string; text: string; etag: string }[]>;
  read(name: string, call: Call): Promise<StoredEvent | null>;
  /** False when there is one of this name already. The etag is null when the server does not say. */
  create(name: string, text: string, call: Call): Promise<{ created: boolean; etag: string | null }>;
  /** False when it is not the version with this etag any more. */
  replace(name: string, etag: string, text: string, call: Call): Promise<{ replaced: boolean; etag: string | null }>;
}

const maxBytes = 8_000_000;
const stamp = (ms: number) => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');

export function createDav(settings: CalendarSettings, password: string): Dav {
  const base = calendarUrl(settings);
  const urlOf = (name: string) => new URL(encodeURIComponent(name), base).href;
  const headers = { authorization: basicAuth(settings.user, password) };

  const succeed = (reply: ExchangeReply, effect: Effect, { nowMs }: Call): void => {
    const error = statusError({ ...reply, host: new URL(base).host, effect, nowMs: nowMs(), says: saidBy(reply) });
    if (error) throw error;
  };

  /** As tsdav wants it; `kept` is what came, for it hides that. */
  const fetchFor = ({ signal }: Call, write: boolean) => {
    const kept: { reply: ExchangeReply | null } = { reply: null };
    const fetch = async (url: string | URL | Request, init: RequestInit = {}) => {
      const reply = await exchange({ method: init.method ?? 'GET', url: url as string, headers: { ...(init.headers as Record<string, string>), ...headers }, body: (init.body ?? '') as string, signal, write, maxBytes });
      kept.reply = reply;
      const empty = [204, 205, 304].includes(reply.status);
      const known = reply.status >= 200 && reply.status <= 599 ? reply.status : 502;
      return new Response(empty ? null : reply.text, { status: known, headers: { 'content-type': reply.headers['content-type'] ?? '' } });
    };
    return { fetch, kept };
  };

  return {
    async query({ startMs, endMs }, call) {
      const { calendarQuery } = await import('tsdav');
      const { fetch, kept } = fetchFor(call, false);
      const found = await calendarQuery({
        url: base, depth: '1', fetch,
        props: { 'd:getetag': {}, 'c:calendar-data': {} },
        filters: [{ 'comp-filter': { _attributes: { name: 'VCALENDAR' }, 'comp-filter': { _attributes: { name: 'VEVENT' }, 'time-range': { _attributes: { start: stamp(startMs), end: stamp(endMs) } } } } }],
      }).catch((error: unknown) => {
        if (kept.reply === null) throw error;
        return null;
      });
      const { status, text } = kept.reply!;
      succeed(kept.reply!, 'read', call);
      const isWhole = status === 207 && wholeList.test(text) && (found ?? []).length > 0 === anyResponse.test(text);
      if (found === null || !isWhole) throw new KeelsonError('SEND_REFUSED', 'the server did not list its events: its reply is no WebDAV list', { hint: 'Check url and calendar in connectors/calendar.json.' });
      return found.map(eventOf(base));
    },
    async read(name, call) {
      const reply = await exchange({ method: 'GET', url: urlOf(name), headers, signal: call.signal, write: false, maxBytes });
      if (reply.status === 404 || reply.status === 410) return null;
      succeed(reply, 'read', call);
      return { text: reply.text, etag: etagOf(reply) ?? '' };
    },
    async create(name, text, call) {
      const { createCalendarObject } = await import('tsdav');
      const { fetch, kept } = fetchFor(call, true);
      await createCalendarObject({ calendar: { url: base }, filename: name, iCalString: text, fetch });
      if (kept.reply!.status === 412) return { created: false, etag: null };
      succeed(kept.reply!, 'write', call);
      return { created: true, etag: etagOf(kept.reply!) };
    },
    async replace(name, etag, text, call) {
      const { updateCalendarObject } = await import('tsdav');
      const { fetch, kept } = fetchFor(call, true);
      await updateCalendarObject({ calendarObject: { url: urlOf(name), etag, data: text }, fetch });
      if (kept.reply!.status === 412) return { replaced: false, etag: null };
      succeed(kept.reply!, 'write', call);
      return { replaced: true, etag: etagOf(kept.reply!) };
    },
  };
}

const etagOf = ({ headers }: ExchangeReply) => headers['etag'] ?? null;
const wholeList = /<(?:\/(?:[\w-]+:)?multistatus\s*|(?:[\w-]+:)?multistatus(?:\s[^<>]*)?\/)>\s*$/;
const anyResponse = /<(?:[\w-]+:)?response[\s>]/;

const eventOf = (base: string) => ({ href, status, props }: DAVResponse) => {
  const data: unknown = props?.calendarData?._cdata ?? props?.calendarData;
  if (status >= 300 || typeof data !== 'string') throw new KeelsonError('SEND_REFUSED', `the server listed an event without showing it: ${String(href).slice(0, 200)}`);
  return { name: fileName(base, href ?? ''), text: data, etag: String(props?.getetag ?? '') };
};

/** Decoded; empty for what does not stand directly in the calendar. */
function fileName(base: string, href: string): string {
  try {
    const { origin, pathname } = new URL(href, base);
    const path = decodeURIComponent(pathname);
    const name = path.slice(path.lastIndexOf('/') + 1);
    return origin === new URL(base).origin && path === `${decodeURIComponent(new URL(base).pathname)}${name}` ? name : '';
  } catch {
    return '';
  }
}
