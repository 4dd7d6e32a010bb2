// An OpenAI-compatible server on this computer that counts what it charges: every request that it has read in full costs the same, whether or
// not its answer arrives. What it counts is what a real provider would bill.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const usage = { prompt_tokens: 200, completion_tokens: 100, total_tokens: 300 };
export const prices = { little: { inputPerMillionUsd: 2.5, outputPerMillionUsd: 5 } };
/** 200 tokens in at 2.50, 100 out at 5 dollars a million. */
export const callMicros = 1_000;


export interface Meter { url: string; chargedMicros(): number; requests(): number; stop(): Promise<void> }

interface Body { messages?: { content: string }[]; stream?: boolean; tools?: unknown; response_format?: { json_schema?: { name: string } } }

/** `onRequest` hears of each request that was charged, before its answer (`half` sends a half of it). */
export async function startMeter({ onRequest = async () => {} }: { onRequest?(half: () => void): Promise<void> } = {}): Promise<Meter> {
  let [charged, requests] = [0, 0];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => void answer(request.url ?? '', Buffer.concat(chunks).toString(), response).catch(() => response.destroy()));
    request.on('error', () => {});
    response.on('error', () => {});
  });
  const answer = async (path: string, text: string, response: ServerResponse) => {
    const json = (value: object, status = 200) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (path.endsWith('/models')) return json({ object: 'list', data: [{ id: 'little', object: 'model' }] });
    if (!path.endsWith('/chat/completions')) return json({ error: { message: 'not here', type: 'invalid_request_error' } }, 404);
    const body = JSON.parse(text) as Body;
    requests++;
    charged += callMicros;
    const said = body.response_format?.json_schema?.name === 'colour' ? { colour: 'red' } : { category: 'inquiry', language: 'en', reason: 'Somebody asks.', confidence: 0.9 };
    const message = body.tools ? { role: 'assistant', content: null, tool_calls: [{ id: 't', type: 'function', function: { name: 'report', arguments: '{"ready":true}' } }] } : { role: 'assistant', content: JSON.stringify(said) };
    const whole = body.stream
      ? [{ delta: message, finish_reason: null }, { delta: {}, finish_reason: 'stop' }].map((choice) => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'little', choices: [{ index: 0, ...choice }] })}\n\n`).join('') + `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'little', choices: [], usage })}\n\ndata: [DONE]\n\n`
      : JSON.stringify({ id: 'c', object: 'chat.completion', model: 'little', choices: [{ index: 0, message, finish_reason: 'stop' }], usage });
    response.writeHead(200, { 'content-type': body.stream ? 'text/event-stream' : 'application/json' });
    let sent = 0;
    await onRequest(() => { response.write(whole.slice(0, sent = Math.floor(whole.length / 2))); });
    response.end(whole.slice(sent));
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, chargedMicros: () => charged, requests: () => requests,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
