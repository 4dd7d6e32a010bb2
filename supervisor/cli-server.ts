// Talking to the running server of a data folder: where it is, and its answers.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codes, KeelsonError, type Code } from '#machines/errors.ts';
import { fetchFor } from './cli-trust.ts';
import { readToken, type RunFile } from './company.ts';

/** Where nobody listens the answer is there at once; a server that is busy may take its time. */
const busyMs = 15_000;

/** The running server, or null. A run file left by a killed server does not count. */
export async function runningServer(dataDir: string): Promise<RunFile | null> {
  const file = join(dataDir, 'run.json');
  if (!existsSync(file)) return null;
  const run = JSON.parse(readFileSync(file, 'utf8')) as RunFile;
  try {
    const ask = await fetchFor(run);
    const response = await ask(`${run.api}/healthz`, { headers: { authorization: `Bearer ${readToken(dataDir)}` }, signal: AbortSignal.timeout(busyMs) });
    return response.ok ? run : null;
  } catch {
    return null;
  }
}

export interface Client {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: object): Promise<T>;
  postMail<T>(raw: Uint8Array, source: string): Promise<T>;
}

/** Throws NOT_RUNNING when there is no server for this folder. */
export async function connectToServer(dataDir: string): Promise<Client> {
  const run = await runningServer(dataDir);
  if (!run) throw existsSync(join(dataDir, 'company.json')) ? new KeelsonError('NOT_RUNNING', `no server is running for ${dataDir}`) : new KeelsonError('NO_COMPANY', `there is no company in ${dataDir}`);
  const authorization = `Bearer ${readToken(dataDir)}`;
  const ask = await fetchFor(run);
  const send = async <T>(path: string, headers: Record<string, string>, body?: Uint8Array | string): Promise<T> => {
    let response: Response;
    try {
      response = await ask(`${run.api}${path}`, { method: body === undefined ? 'GET' : 'POST', headers: { ...headers, authorization }, body: body as never });
    } catch (cause) {
      throw new KeelsonError('TIMEOUT', `the server at ${run.api} did not answer`, { cause });
    }
    const answer = (await response.json()) as T & { error?: { code: string; message: string; hint: string } };
    if (!response.ok || answer.error) {
      const { code = 'STORE_FAILED', message = `status ${response.status}`, hint } = answer.error ?? {};
      throw new KeelsonError(Object.hasOwn(codes, code) ? (code as Code) : 'STORE_FAILED', message, hint === undefined ? {} : { hint });
    }
    return answer;
  };
  return {
    get: (path) => send(path, { accept: 'application/json' }),
    post: (path, body) => send(path, { 'content-type': 'application/json' }, JSON.stringify(body)),
    postMail: (raw, source) => send('/api/mail', { 'content-type': 'message/rfc822', 'x-source': encodeURIComponent(source) }, raw),
  };
}
