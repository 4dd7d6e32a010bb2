// Stands for an ntfy server, by its documentation: a message is published as JSON to the root, and what it does not know it refuses.
// Debian 12 has no ntfy to run here.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** https://docs.ntfy.sh/publish/#publish-as-json */
const messageSchema = z.strictObject({
  topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/), message: z.string().optional(), title: z.string().optional(), tags: z.array(z.string()).optional(),
  priority: z.int().min(1).max(5).optional(), click: z.url().optional(), actions: z.array(z.unknown()).optional(), attach: z.string().optional(), markdown: z.boolean().optional(),
  icon: z.string().optional(), filename: z.string().optional(), delay: z.string().optional(), email: z.string().optional(), call: z.string().optional(),
});
export type NtfyMessage = z.output<typeof messageSchema>;

export interface NtfyFixture {
  url: string;
  messages: NtfyMessage[];
  /** Answers of the next requests instead of taking them; `drop` takes the message and closes without an answer. */
  next(...answers: (number | 'drop' | { status: number; headers: Record<string, string> })[]): void;
  /** Requests of any kind. */
  requests(): number;
  /** Nobody listens until `start`, on the same port. */
  pause(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startNtfy({ token = null }: { token?: string | null } = {}): Promise<NtfyFixture> {
  const messages: NtfyMessage[] = [];
  const planned: Parameters<NtfyFixture['next']> = [];
  let requests = 0;
  let port = 0;

  const take = (request: IncomingMessage, response: ServerResponse, body: string): void => {
    const answer = planned.shift();
    const end = (status: number, json: object, headers: Record<string, string> = {}) => void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(json));
    if (answer !== undefined && answer !== 'drop') return typeof answer === 'number' ? end(answer, { http: answer }) : end(answer.status, {}, answer.headers);
    if (request.method !== 'POST' || request.url !== '/') return end(404, { http: 404, error: 'page not found' });
    if (token !== null && request.headers.authorization !== `Bearer ${token}`) return end(401, { code: 40101, http: 401, error: 'unauthorized' });
    const parsed = messageSchema.safeParse(jsonOf(body));
    if (!parsed.success) return end(400, { code: 40024, http: 400, error: 'invalid request: request body must be valid JSON' });
    messages.push(parsed.data);
    if (answer === 'drop') request.socket.destroy();
    else end(200, { id: `m${messages.length}`, event: 'message', topic: parsed.data.topic });
  };
  const make = () => createServer((request, response) => {
    requests += 1;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => take(request, response, Buffer.concat(chunks).toString()));
  });
  let server = make();
  const start = async () => {
    server = make();
    await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  };
  const pause = () => new Promise<void>((resolve) => { server.close(() => resolve()); server.closeAllConnections(); });
  await start();
  return { url: `http://127.0.0.1:${port}`, messages, next: (...answers) => void planned.push(...answers), requests: () => requests, pause, start, stop: pause };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
