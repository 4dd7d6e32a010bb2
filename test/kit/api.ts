// The HTTP interface of a running company, as the operator's own programs use it: faster than a command per question.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Api {
  query<T>(name: string, args?: Record<string, unknown>): Promise<T>;
  /** Throws what the server answers when it refuses. */
  post<T = unknown>(path: string, body: unknown): Promise<T>;
  mail(raw: Uint8Array, source: string): Promise<{ outcome: string; mailId: string }>;
  /** Waits until nothing is in flight. `watch` may throw, to end it earlier. */
  quiet(timeoutMs?: number, watch?: () => void): Promise<void>;
}

export function openApi(dataDir: string): Api {
  const { api: base } = JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8')) as { api: string };
  const authorization = `Bearer ${readFileSync(join(dataDir, 'token'), 'utf8').trim()}`;
  const send = async <T>(path: string, contentType: string, body: string | Uint8Array, more: Record<string, string> = {}): Promise<T> => {
    const response = await fetch(`${base}${path}`, { method: 'POST', headers: { authorization, 'content-type': contentType, ...more }, body: body as never });
    const answer = (await response.json()) as T & { error?: { code: string; message: string } };
    if (!response.ok) throw new Error(`${path}: ${answer.error?.code} ${answer.error?.message}`);
    return answer;
  };
  const api: Api = {
    query: (name, args = {}) => send('/api/query', 'application/json', JSON.stringify({ name, args })),
    post: (path, body) => send(path, 'application/json', JSON.stringify(body)),
    mail: (raw, source) => send('/api/mail', 'message/rfc822', raw, { 'x-source': encodeURIComponent(source) }),
    async quiet(timeoutMs = 60_000, watch = () => {}) {
      const end = Date.now() + timeoutMs;
      // Twice in a row: a step may be on its way between two of them.
      for (let still = 0; still < 2;) {
        const { inFlight } = await api.query<{ inFlight: number }>('status');
        still = inFlight === 0 ? still + 1 : 0;
        watch();
        if (Date.now() > end) throw new Error(`after ${timeoutMs} ms ${inFlight} messages are still in flight`);
        await new Promise((done) => setTimeout(done, still > 0 ? 50 : 200));
      }
    },
  };
  return api;
}
