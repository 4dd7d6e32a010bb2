// A local HTTP server that speaks as much of Chat Completions as the connector uses, and does what the test says.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ChatRequest { model: string; messages: { role: string; content: string }[]; response_format: { type: string; json_schema: { name: string; strict: boolean; schema: object } } }
export interface ChatServer {
  url: string;
  /** Every request, as `METHOD path`. */
  seen: string[];
  bodies: ChatRequest[];
  keys: (string | undefined)[];
  models: string[];
  /** Answers a completion; replaced by each test. */
  respond(answer: ServerResponse, request: IncomingMessage): void;
  stop(): Promise<void>;
}

export function sendJson(answer: ServerResponse, status: number, body: unknown): void {
  answer.writeHead(status, { 'content-type': 'application/json' });
  answer.end(JSON.stringify(body));
}

/** A completion whose message is `content` (or refuses). */
export function complete(answer: ServerResponse, content: unknown, rest: { refusal?: string; finish?: string } = {}): void {
  const message = { role: 'assistant', content: typeof content === 'string' || content === null ? content : JSON.stringify(content), refusal: rest.refusal ?? null };
  sendJson(answer, 200, { id: 'c1', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, finish_reason: rest.finish ?? 'stop', message }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } });
}

export async function startChatServer(): Promise<ChatServer> {
  const server = createServer((request, answer) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => {
      chat.seen.push(`${request.method} ${request.url}`);
      chat.keys.push(request.headers.authorization);
      if (request.url === '/v1/models') return sendJson(answer, 200, { object: 'list', data: chat.models.map((id) => ({ id, object: 'model', created: 1, owned_by: 'x' })) });
      chat.bodies.push(JSON.parse(text) as ChatRequest);
      chat.respond(answer, request);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const chat: ChatServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    seen: [], bodies: [], keys: [], models: ['local-model', 'other'],
    respond: (answer) => sendJson(answer, 500, { error: { message: 'no script' } }),
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
  return chat;
}
