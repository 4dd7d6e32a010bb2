// One notification to an ntfy server, as JSON, so that no text becomes a header. What the server says decides whether it may be tried again.
import { z } from 'zod';

/** Whoever knows the topic reads what is sent to it, and ntfy's own topics are public: the name is a password. */
export const settingsSchema = z.strictObject({
  /** `https://ntfy.sh`, or a server of your own; plain http only on this machine. */
  url: z.url({ protocol: /^https?$/ }).refine((url) => /^https:|^http:\/\/(localhost|127\.0\.0\.1|\[::1\])([:/]|$)/.test(url), 'expected https, or http on this machine'),
  topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/, 'expected 1 to 64 letters, digits, - and _'),
  when: z.array(z.enum(['approval', 'question', 'task', 'escalation', 'report'])).min(1).default(['approval', 'escalation', 'report']),
  /** Time of the daily report. */
  reportAt: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time such as 07:30').default('07:30'),
  timeZone: z.string().refine(isTimeZone, 'expected a time zone such as Europe/Berlin').default('UTC'),
});
export type NotifySettings = z.output<typeof settingsSchema>;

export interface Notification {
  title: string;
  message: string;
  /** 1 to 5; 3 is usual. */
  priority: number;
  tags: string[];
  /** Opened by a tap. */
  click?: string;
}

/** `later`: certainly not taken. `unknown`: it may have arrived, so it is not sent again. */
export type Delivery = { outcome: 'sent' } | { outcome: 'later'; reason: string; retryAfterMs: number | null } | { outcome: 'refused' | 'unknown'; reason: string };

const timeoutMs = 10_000;
/** Before a connection stands nothing has been sent. */
const notReached = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'UND_ERR_CONNECT_TIMEOUT']);

/** Never throws. */
export async function publish({ url, topic }: Pick<NotifySettings, 'url' | 'topic'>, token: string | null, notification: Notification, { fetch, signal }: { fetch: typeof globalThis.fetch; signal: AbortSignal }): Promise<Delivery> {
  try {
    const response = await fetch(url, {
      method: 'POST', redirect: 'error', signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: { 'content-type': 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ topic, ...notification }),
    });
    // What it says is nothing to us, however long it is.
    await response.body?.cancel();
    if (response.ok) return { outcome: 'sent' };
    const reason = `the server answered ${response.status}`;
    if (response.status === 429 || response.status === 503) return { outcome: 'later', reason, retryAfterMs: secondsOf(response.headers.get('retry-after')) };
    return { outcome: response.status < 500 ? 'refused' : 'unknown', reason };
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
    const reason = cause?.message ?? message;
    return notReached.has(cause?.code ?? '') ? { outcome: 'later', reason, retryAfterMs: null } : { outcome: 'unknown', reason };
  }
}

const secondsOf = (text: string | null) => (text !== null && /^\d{1,5}$/.test(text) ? Number(text) * 1_000 : null);

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}
