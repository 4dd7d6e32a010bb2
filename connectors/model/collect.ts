// An answer put together from its pieces, whichever way it came. Servers differ and lie, so every field may be missing: an answer counts
// as whole only when it says that it ended by itself.
import type { FailedCall } from './failed-call.ts';
import type { Usage } from './provider.ts';

export type Collected = { outcome: 'text'; text: string; usage: Usage | null } | (FailedCall & { usage: Usage | null });

interface Choice { delta?: { content?: string | null; refusal?: string | null }; message?: { content?: string | null; refusal?: string | null }; finish_reason?: string | null }
export interface ChatChunk { choices?: Choice[]; usage?: { prompt_tokens?: number; completion_tokens?: number; prompt_tokens_details?: { cached_tokens?: number } | null } | null }

interface OutputPart { type?: string; text?: string; refusal?: string }
export interface ResponseEvent {
  type: string;
  delta?: string;
  message?: string;
  response?: { status?: string; incomplete_details?: { reason?: string } | null; error?: { message?: string } | null; output?: { type?: string; content?: OutputPart[] }[]; usage?: { input_tokens?: number; output_tokens?: number; input_tokens_details?: { cached_tokens?: number } } | null };
}

/** What was told of a refusal or a cut may still be told to have cost so many tokens. */
const ended = (outcome: FailedCall['outcome'], reason: string, usage: Usage | null): Collected => ({ outcome, reason, charged: 'unknown', againAtMs: null, usage });

export async function collectChat(chunks: AsyncIterable<ChatChunk> | ChatChunk[], onText: (piece: string) => void = () => {}): Promise<Collected> {
  let [text, refusal, finish, usage] = ['', '', null as string | null, null as Usage | null];
  for await (const chunk of chunks) {
    const [choice] = Array.isArray(chunk?.choices) ? chunk.choices : [];
    const said = choice?.delta ?? choice?.message;
    if (typeof said?.content === 'string' && said.content !== '') {
      text += said.content;
      onText(said.content);
    }
    if (typeof said?.refusal === 'string') refusal += said.refusal;
    finish = choice?.finish_reason ?? finish;
    usage = toUsage(chunk?.usage?.prompt_tokens, chunk?.usage?.completion_tokens, chunk?.usage?.prompt_tokens_details?.cached_tokens) ?? usage;
  }
  if (refusal !== '') return ended('refused', `the model refused: ${refusal}`, usage);
  if (finish === 'content_filter') return ended('refused', 'the provider filtered the answer', usage);
  if (finish === 'length') return ended('cut', 'the answer was longer than it may be', usage);
  if (finish === null) return ended(text === '' ? 'unreadable' : 'cut', text === '' ? 'no answer is in it' : 'the answer ended before its end', usage);
  return text.trim() === '' ? ended('unreadable', 'the answer is empty', usage) : { outcome: 'text', text, usage };
}

export async function collectResponse(events: AsyncIterable<ResponseEvent> | ResponseEvent[], onText: (piece: string) => void = () => {}): Promise<Collected> {
  let last: ResponseEvent['response'] = undefined;
  let [status, fault] = ['', ''];
  for await (const event of events) {
    if (event?.type === 'response.output_text.delta' && typeof event.delta === 'string') onText(event.delta);
    if (event?.type === 'error') fault = event.message ?? 'no reason given';
    if (/^response\.(completed|incomplete|failed)$/.test(event?.type ?? '')) [last, status] = [event.response, event.response?.status ?? event.type.slice('response.'.length)];
  }
  const usage = toUsage(last?.usage?.input_tokens, last?.usage?.output_tokens, last?.usage?.input_tokens_details?.cached_tokens);
  const parts = (last?.output ?? []).flatMap(({ type, content }) => (type === 'message' && Array.isArray(content) ? content : []));
  const refusal = parts.find(({ type }) => type === 'refusal')?.refusal;
  if (fault !== '' || status === 'failed') return ended('down', `the provider failed: ${fault || (last?.error?.message ?? 'no reason given')}`, usage);
  if (last === undefined) return ended('cut', 'the answer ended before its end', null);
  if (refusal !== undefined) return ended('refused', `the model refused: ${refusal}`, usage);
  if (status === 'incomplete') return last.incomplete_details?.reason === 'content_filter' ? ended('refused', 'the provider filtered the answer', usage) : ended('cut', 'the answer was longer than it may be', usage);
  const text = parts.map((part) => (part.type === 'output_text' ? part.text ?? '' : '')).join('');
  return text.trim() === '' ? ended('unreadable', 'the answer is empty', usage) : { outcome: 'text', text, usage };
}

/** Nothing was ever asked with no tokens: a server that says so does not count. */
function toUsage(input: number | undefined, output: number | undefined, cached: number | undefined): Usage | null {
  const isCount = (n: unknown): n is number => Number.isInteger(n) && (n as number) >= 0;
  if (!isCount(input) || !isCount(output) || input === 0) return null;
  return { inputTokens: input, outputTokens: output, cachedInputTokens: isCount(cached) ? Math.min(cached, input) : 0 };
}
