// A local HTTP server that speaks as much of OpenAI's API as Keelson uses, and says what the test scripts: models, Chat Completions and
// Responses (whole and as a stream), embeddings, batches. What it was asked and what it charged stand in it, so that books can be compared.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ModelRequest {
  /** Below `/v1`. */
  path: string;
  model: string;
  /** All that was said, the system's words first. */
  system: string;
  user: string;
  turns: { role: string; content: string }[];
  stream: boolean;
  /** JSON schema that the answer should keep to. */
  schema: object | null;
  key: string | undefined;
  body: Record<string, unknown>;
}

export interface Tokens { input: number; output: number; cached?: number }
export type Said =
  /** An answer, as text or as what is made JSON. Without `tokens` they are counted from the text; null: not told. */
  | { answer: unknown; tokens?: Tokens | null; finish?: string; refusal?: string }
  | { status: number; headers?: Record<string, string>; body?: unknown }
  /** After so many characters of the reply: nothing more comes, or the connection is torn. */
  | { half: unknown; ends: 'silence' | 'end' | 'tear' }
  | { raw: string; type?: string }
  | { flood: number }
  | 'silence' | 'tear';

export interface Abilities { schema: boolean; stream: boolean; streamUsage: boolean; tools: boolean; embeddings: boolean; batches: boolean }

export interface ModelServer {
  /** With `/v1`. */
  url: string;
  models: string[];
  can: Abilities;
  /** Answers what is no probe; replaced by each test. */
  respond(request: ModelRequest): Said | Promise<Said>;
  /** Completions that were no probe, and all requests as `METHOD path`. */
  asked: ModelRequest[];
  seen: string[];
  /** All tokens that were answered with or begun to be. */
  charged: { input: number; output: number };
  stop(): Promise<void>;
}

const isProbe = ({ user }: ModelRequest) => user === 'Say hello.' || user === 'Call the tool.';
const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
export const tokensOf = (value: string) => Math.ceil(Buffer.byteLength(value) / 4);

/** A reply of any kind, as a function of the request. */
export const answering = (answer: unknown, more: { tokens?: Tokens | null; finish?: string; refusal?: string } = {}) => (): Said => ({ answer, ...more });

/** `port`: of a server that stopped, so that it is back. */
export async function startModelServer({ respond, can = {}, port = 0 }: { respond?: ModelServer['respond']; can?: Partial<Abilities>; port?: number } = {}): Promise<ModelServer> {
  const http = createServer((request, reply) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      answer(request, Buffer.concat(chunks).toString(), reply).catch((error: unknown) => sendJson(reply, 500, { error: { message: String(error) } }));
    });
  });
  await new Promise<void>((resolve) => void http.listen(port, '127.0.0.1', resolve));
  const server: ModelServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`,
    models: ['small-1', 'large-1'],
    can: { schema: true, stream: true, streamUsage: true, tools: true, embeddings: true, batches: false, ...can },
    respond: respond ?? (() => ({ status: 500, body: { error: { message: 'no script' } } })),
    asked: [], seen: [], charged: { input: 0, output: 0 },
    stop: () => new Promise((resolve) => {
      http.close(() => resolve());
      http.closeAllConnections();
    }),
  };

  const answer = async (request: IncomingMessage, bytes: string, reply: ServerResponse) => {
    const path = (request.url ?? '').replace(/^\/v1/, '').replace(/\?.*$/, '');
    server.seen.push(`${request.method} ${path}`);
    if (path === '/models') return sendJson(reply, 200, { object: 'list', data: server.models.map((id) => ({ id, object: 'model', created: 1, owned_by: 'kit' })) });
    if (path === '/batches') return server.can.batches ? sendJson(reply, 200, { object: 'list', data: [], has_more: false }) : sendJson(reply, 404, { error: { message: 'no such route' } });
    const asked = readRequest(path, JSON.parse(bytes || '{}') as Record<string, unknown>, request.headers.authorization);
    if (path === '/embeddings') return embed(reply, asked);
    if (isProbe(asked)) return probe(reply, asked);
    server.asked.push(asked);
    say(reply, asked, await server.respond(asked));
  };

  const embed = (reply: ServerResponse, { body, model }: ModelRequest) => {
    if (!server.can.embeddings) return sendJson(reply, 404, { error: { message: 'this model makes no embeddings' } });
    const texts = [body['input']].flat() as string[];
    const input = texts.reduce((sum, one) => sum + tokensOf(one), 0);
    server.charged.input += input;
    sendJson(reply, 200, { object: 'list', model, data: texts.map((one, index) => ({ object: 'embedding', index, embedding: vectorOf(one) })), usage: { prompt_tokens: input, total_tokens: input } });
  };

  const probe = (reply: ServerResponse, asked: ModelRequest) => {
    if (asked.body['tools']) return server.can.tools ? say(reply, asked, { answer: '', finish: 'tool_calls' }) : sendJson(reply, 400, { error: { message: 'tools are not supported' } });
    if (asked.stream && !server.can.stream) return sendJson(reply, 400, { error: { message: 'streaming is not supported' } });
    say(reply, asked, { answer: server.can.schema && asked.schema !== null ? { colour: 'green' } : 'Hello!' });
  };

  const say = (reply: ServerResponse, asked: ModelRequest, said: Said) => {
    if (said === 'silence') return;
    if (said === 'tear') return void reply.destroy();
    if ('status' in said) return sendJson(reply, said.status, said.body ?? { error: { message: `status ${said.status}` } }, said.headers);
    if ('raw' in said) return void reply.writeHead(200, { 'content-type': said.type ?? 'application/json' }).end(said.raw);
    if ('flood' in said) return flood(reply, asked, said.flood);
    const content = text('half' in said ? said.half : said.answer);
    const told = 'half' in said ? undefined : said.tokens;
    const tokens = told ?? { input: tokensOf(asked.system + asked.user), output: tokensOf(content) };
    server.charged.input += tokens.input;
    server.charged.output += tokens.output;
    const pieces = asked.path === '/responses' ? responsePieces(asked, content, tokens, said) : chatPieces(asked, content, told === null || (asked.stream && !server.can.streamUsage) ? null : tokens, said);
    if (!asked.stream) {
      const whole = JSON.stringify(pieces.whole);
      if ('half' in said) return cutOff(reply, 'application/json', whole.slice(0, whole.length / 2), said.ends, whole.length);
      return void reply.writeHead(200, { 'content-type': 'application/json' }).end(whole);
    }
    if ('half' in said) return cutOff(reply, 'text/event-stream', pieces.begun.join(''), said.ends);
    reply.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const piece of [...pieces.begun, ...pieces.end]) reply.write(piece);
    reply.end();
  };
  return server;
}

function readRequest(path: string, body: Record<string, unknown>, key: string | undefined): ModelRequest {
  const messages = (path === '/responses' ? [body['input']].flat().map((one) => (typeof one === 'string' ? { role: 'user', content: one } : one)) : body['messages'] ?? []) as { role: string; content: string }[];
  const system = path === '/responses' ? text(body['instructions'] ?? '') : messages.find(({ role }) => role === 'system')?.content ?? '';
  const turns = messages.filter(({ role }) => role !== 'system');
  const format = (body['response_format'] as { json_schema?: { schema?: object } } | undefined)?.json_schema ?? (body['text'] as { format?: { schema?: object } } | undefined)?.format;
  return { path, model: String(body['model']), system, user: turns.findLast(({ role }) => role === 'user')?.content ?? '', turns, stream: body['stream'] === true, schema: format?.schema ?? null, key, body };
}

interface Pieces { whole: object; begun: string[]; end: string[] }
const event = (data: unknown) => `data: ${text(data)}\n\n`;
const inTwo = (content: string) => [content.slice(0, content.length / 2), content.slice(content.length / 2)];

function chatPieces({ model, body }: ModelRequest, content: string, tokens: Tokens | null, said: { finish?: string; refusal?: string } | object): Pieces {
  const { finish = 'stop', refusal = null } = said as { finish?: string; refusal?: string };
  const usage = tokens && { prompt_tokens: tokens.input, completion_tokens: tokens.output, total_tokens: tokens.input + tokens.output, ...(tokens.cached ? { prompt_tokens_details: { cached_tokens: tokens.cached } } : {}) };
  const called = body['tools'] ? { tool_calls: [{ id: 't1', type: 'function', function: { name: 'report', arguments: '{"ready":true}' } }] } : {};
  const chunk = (delta: object, finishReason: string | null) => event({ id: 'c1', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta, finish_reason: finishReason }] });
  return {
    whole: { id: 'c1', object: 'chat.completion', created: 1, model, choices: [{ index: 0, finish_reason: finish, message: { role: 'assistant', content: refusal === null ? content : null, refusal, ...called } }], ...(usage ? { usage } : {}) },
    begun: [chunk({ role: 'assistant', content: '' }, null), chunk(refusal === null ? { content: inTwo(content)[0] } : { refusal }, null)],
    end: [chunk(refusal === null ? { content: inTwo(content)[1] } : {}, null), chunk({}, finish), ...(usage ? [event({ id: 'c1', object: 'chat.completion.chunk', created: 1, model, choices: [], usage })] : []), event('[DONE]')],
  };
}

function responsePieces({ model, body }: ModelRequest, content: string, tokens: Tokens, said: { finish?: string; refusal?: string } | object): Pieces {
  const { finish, refusal } = said as { finish?: string; refusal?: string };
  const cut = finish === 'length';
  const output = body['tools'] ? [{ type: 'function_call', id: 'f1', call_id: 'c1', name: 'report', arguments: '{"ready":true}' }] : [{ type: 'message', id: 'm1', role: 'assistant', status: 'completed', content: [refusal === undefined ? { type: 'output_text', text: content, annotations: [] } : { type: 'refusal', refusal }] }];
  const response = { id: 'r1', object: 'response', created_at: 1, model, status: cut ? 'incomplete' : 'completed', incomplete_details: cut ? { reason: 'max_output_tokens' } : null, error: null, output, usage: { input_tokens: tokens.input, output_tokens: tokens.output, total_tokens: tokens.input + tokens.output, input_tokens_details: { cached_tokens: tokens.cached ?? 0 } } };
  const typed = (type: string, more: object) => `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: 1, ...more })}\n\n`;
  const delta = (piece: string | undefined) => typed('response.output_text.delta', { item_id: 'm1', output_index: 0, content_index: 0, delta: piece });
  return {
    whole: response,
    begun: [typed('response.created', { response: { ...response, status: 'in_progress', output: [] } }), ...(refusal === undefined ? [delta(inTwo(content)[0])] : [])],
    end: [...(refusal === undefined ? [delta(inTwo(content)[1])] : []), typed(`response.${cut ? 'incomplete' : 'completed'}`, { response })],
  };
}

function sendJson(reply: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  reply.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function cutOff(reply: ServerResponse, type: string, begun: string, ends: 'silence' | 'end' | 'tear', length?: number): void {
  reply.writeHead(200, { 'content-type': type, ...(length === undefined || ends === 'end' ? {} : { 'content-length': String(length) }) });
  reply.write(begun, () => {
    if (ends === 'end') reply.end();
    else if (ends === 'tear') reply.destroy();
  });
}

/** So many bytes of an answer that never says anything new. */
function flood(reply: ServerResponse, { stream, model }: ModelRequest, bytes: number): void {
  const words = 'x'.repeat(16 * 1024);
  const chunk = stream ? event({ id: 'c1', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta: { content: words }, finish_reason: null }] }) : words;
  let left = bytes;
  reply.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
  if (!stream) reply.write('{"choices":[{"index":0,"finish_reason":"stop","message":{"content":"');
  const write = () => {
    while (left > 0 && !reply.destroyed) {
      left -= chunk.length;
      if (!reply.write(chunk)) return;
    }
    reply.end(stream ? event('[DONE]') : '"}}]}');
  };
  reply.on('drain', write).on('error', () => undefined);
  write();
}

/** The same for the same text, of unit length; texts with words in common lie closer. */
function vectorOf(words: string): number[] {
  const vector = Array.from({ length: 16 }, () => 0);
  for (const word of words.toLowerCase().match(/\p{L}+/gu) ?? ['']) vector[Buffer.from(word).reduce((sum, byte) => (sum * 31 + byte) % 16, 7)]! += 1;
  const length = Math.hypot(...vector) || 1;
  return vector.map((one) => one / length);
}
