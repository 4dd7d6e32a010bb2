// The only file that imports `openai`. The Responses API for OpenAI itself, Chat Completions elsewhere, because other servers ignore the
// schema there. No retries in here: they are the ladder's and the supervisor's. Whatever happens is a reply with a name, never a throw.
import type { Clock } from '#actors/clock.ts';
import type OpenAI from 'openai';
import { hiderOf } from '../keep-secrets.ts';
import { oneLine, toFailedCall, type FailedCall } from './failed-call.ts';
import { collectChat, collectResponse, type ChatChunk, type Collected, type ResponseEvent } from './collect.ts';
import type { Endpoint } from './settings.ts';
import { watchCall, type WatchedCall } from './watched-call.ts';

export interface Turn { role: 'user' | 'assistant'; content: string }
export interface Asked {
  model: string;
  system: string;
  turns: Turn[];
  /** As JSON Schema; null: the schema is only said in words. */
  schema: { name: string; schema: Record<string, unknown> } | null;
  outputTokensMax: number;
  effort: string | null;
  latency: 'now' | 'batch';
  /** Piece by piece; else nothing comes before all of it does. */
  stream: boolean;
}

export interface Lifeline { signal: AbortSignal; onBytes?(): void; onText?(piece: string): void }
export interface Usage { inputTokens: number; cachedInputTokens: number; outputTokens: number }
/** `text`: all of it, ended by itself. Any other outcome has a reason; `usage` is there when the provider told it all the same. */
export type Reply =
  | { outcome: 'text'; text: string; usage: Usage | null }
  | (FailedCall & { usage: Usage | null });

export interface Provider {
  endpoint: Endpoint;
  ask(asked: Asked, lifeline: Lifeline): Promise<Reply>;
  /** Which models it lists. Costs nothing. */
  models(signal: AbortSignal): Promise<{ models: string[] } | FailedCall>;
  embed(model: string, texts: string[], signal: AbortSignal): Promise<{ vectors: number[][]; usage: Usage | null } | FailedCall>;
  /** Whether it takes batches: its list is asked for. Costs nothing. */
  takesBatches(signal: AbortSignal): Promise<boolean | null>;
  /** Whether it calls a tool when it is told to. */
  callsTools(model: string, outputTokensMax: number, signal: AbortSignal): Promise<{ answer: boolean; usage: Usage | null } | FailedCall>;
}

/** Of one answer, as it comes over the wire: what a task may answer is a small part of it. */
export const answerBytesMax = 2_000_000;
const listTimeoutMs = 10_000;

export function createProvider(endpoint: Endpoint, { clock, bytesMax = answerBytesMax }: { clock: Clock; bytesMax?: number }): Provider {
  const hide = hiderOf(endpoint.key === null ? [] : [endpoint.key]);

  const within = async <T>(lifeline: Lifeline, { timeoutMs = endpoint.timeoutMs, stallMs = null }: { timeoutMs?: number; stallMs?: number | null }, work: (client: OpenAI, call: WatchedCall) => Promise<T>): Promise<T | FailedCall> => {
    // Before the clock starts: loading it the first time takes longer than some silences.
    const { default: Client } = await import('openai');
    const call = watchCall(clock, { timeoutMs, stallMs, bytesMax, signal: lifeline.signal, ...(lifeline.onBytes ? { onBytes: lifeline.onBytes } : {}) });
    try {
      // Given in full, so that no other variable of the environment is believed.
      const client = new Client({ apiKey: endpoint.key ?? 'none', adminAPIKey: null, organization: null, project: null, webhookSecret: null, baseURL: endpoint.baseUrl, maxRetries: 0, timeout: timeoutMs + listTimeoutMs, fetch: call.fetch, logLevel: 'off' });
      return await work(client, call);
    } catch (error) {
      return toFailedCall(error, { over: call.over(), answered: call.answered(), nowMs: clock.now(), hide });
    } finally {
      call.end();
    }
  };
  /** A stream may end without an error when its call was ended. */
  const closed = (collected: Collected, call: WatchedCall): Reply => {
    const over = call.over();
    if (over !== null) return { ...toFailedCall(null, { over, answered: true, nowMs: clock.now(), hide }), usage: collected.usage };
    return collected.outcome === 'text' ? collected : { ...collected, reason: oneLine(hide(collected.reason)) };
  };
  const withUsage = (reply: Reply | FailedCall): Reply => ('usage' in reply ? reply : { ...reply, usage: null });

  return {
    endpoint,

    async ask(asked, lifeline) {
      return withUsage(await within(lifeline, { stallMs: asked.stream ? endpoint.stallMs : null }, async (client, call) => {
        const options = { signal: call.signal };
        if (endpoint.wire === 'chat') {
          const body = toChat(asked);
          const chunks = asked.stream ? await client.chat.completions.create({ ...body, stream: true, stream_options: { include_usage: true } }, options) : [await client.chat.completions.create(body, options)];
          return closed(await collectChat(chunks as AsyncIterable<ChatChunk> | ChatChunk[], lifeline.onText), call);
        }
        const body = toResponses(asked);
        const events = asked.stream ? await client.responses.create({ ...body, stream: true }, options) : [{ type: 'response.completed', response: await client.responses.create(body, options) }];
        return closed(await collectResponse(events as AsyncIterable<ResponseEvent> | ResponseEvent[], lifeline.onText), call);
      }));
    },

    models: (signal) => within({ signal }, { timeoutMs: listTimeoutMs }, async (client, call) => {
      const page = await client.models.list({ signal: call.signal });
      const listed = Array.isArray(page.data) ? page.data : [];
      return { models: listed.flatMap(({ id }) => (typeof id === 'string' ? [id.slice(0, 200)] : [])) };
    }),

    embed: (model, texts, signal) => within({ signal }, {}, async (client, call) => {
      const reply = await client.embeddings.create({ model, input: texts, encoding_format: 'float' }, { signal: call.signal });
      const vectors = (reply.data ?? []).toSorted((a, b) => a.index - b.index).map(({ embedding }) => embedding);
      const [first] = vectors;
      if (!first || vectors.length !== texts.length || vectors.some((one) => !Array.isArray(one) || one.length !== first.length || one.length === 0 || !one.every(Number.isFinite))) {
        return { outcome: 'unreadable', reason: 'its answer holds no vector for each text', charged: 'unknown', againAtMs: null } satisfies FailedCall;
      }
      const inputTokens = reply.usage?.prompt_tokens;
      return { vectors, usage: Number.isInteger(inputTokens) && inputTokens > 0 ? { inputTokens, cachedInputTokens: 0, outputTokens: 0 } : null };
    }),

    async takesBatches(signal) {
      const answer = await within({ signal }, { timeoutMs: listTimeoutMs }, async (client, call) => Array.isArray((await client.batches.list({ limit: 1 }, { signal: call.signal })).data));
      return typeof answer === 'boolean' ? answer : answer.outcome === 'unsupported' ? false : null;
    },

    callsTools: (model, outputTokensMax, signal) => within({ signal }, {}, async (client, call) => {
      const parameters = { type: 'object', properties: { ready: { type: 'boolean' } }, required: ['ready'], additionalProperties: false };
      if (endpoint.wire === 'responses') {
        const reply = await client.responses.create({ model, input: 'Call the tool.', tools: [{ type: 'function', name: 'report', parameters, strict: true }], tool_choice: 'required', max_output_tokens: outputTokensMax, store: false }, { signal: call.signal });
        const { usage } = await collectResponse([{ type: 'response.completed', response: reply }]);
        return { answer: reply.output?.some(({ type }) => type === 'function_call') ?? false, usage };
      }
      const reply = await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Call the tool.' }], tools: [{ type: 'function', function: { name: 'report', parameters } }], tool_choice: 'required', max_tokens: outputTokensMax }, { signal: call.signal });
      const { usage } = await collectChat([reply]);
      return { answer: (reply.choices?.[0]?.message?.tool_calls?.length ?? 0) > 0, usage };
    }),
  };
}

function toChat({ model, system, turns, schema, outputTokensMax, effort }: Asked): OpenAI.ChatCompletionCreateParamsNonStreaming {
  return {
    model, messages: [{ role: 'system', content: system }, ...turns], max_tokens: outputTokensMax, temperature: 0,
    ...(schema === null ? {} : { response_format: { type: 'json_schema', json_schema: { ...schema, strict: true } } }),
    ...(effort === null ? {} : { reasoning_effort: effort as OpenAI.ReasoningEffort }),
  };
}

function toResponses({ model, system, turns, schema, outputTokensMax, effort, latency }: Asked): OpenAI.Responses.ResponseCreateParamsNonStreaming {
  return {
    model, instructions: system, input: turns, max_output_tokens: outputTokensMax, store: false,
    // Named, because a project may be set to a dearer one.
    service_tier: latency === 'batch' ? 'flex' : 'default',
    ...(schema === null ? {} : { text: { format: { type: 'json_schema', ...schema, strict: true } } }),
    ...(effort === null ? {} : { reasoning: { effort: effort as OpenAI.ReasoningEffort } }),
  };
}
