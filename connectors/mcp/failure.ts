// What is known after a call of a tool went wrong. A server's words are cut and cleaned: they are shown to the operator.
import { KeelsonError } from '#machines/errors.ts';
import type { Incident } from './session.ts';

/** JSON-RPC: the request was not understood, there is no such method, the arguments do not fit. Nothing ran. */
const neverRan = [-32_600, -32_601, -32_602];

/** The tool answered, and its answer is that something went wrong. */
export class ToolError extends Error {}

export interface Circumstances { server: string; called: boolean; effect: 'read' | 'write'; incident: Incident; hide(text: string): string }

export function toFailure(error: unknown, { server, called, effect, incident, hide }: Circumstances): KeelsonError {
  if (error instanceof KeelsonError) return error;
  const { code, data, message } = error as { code?: unknown; data?: { status?: unknown }; message?: unknown };
  const status = typeof data?.status === 'number' ? data.status : null;
  const reason = incident.tooLarge ? 'its answer is too large' : status === null ? oneLine(hide(code === 'UNSUPPORTED_RESULT_TYPE' ? 'it asks for input, which it never gets' : String(message ?? error)), 300) : `HTTP ${status}`;
  // The cause is left out: it may hold headers and what the server wrote.
  const fail = (kind: 'SEND_REFUSED' | 'SEND_DEFERRED' | 'SEND_UNKNOWN') =>
    new KeelsonError(kind, `the MCP server '${server}': ${reason}`, kind === 'SEND_DEFERRED' ? { retryAfterMs: waitOf(incident) } : {});
  if (status === 429) return fail('SEND_DEFERRED');
  if (status !== null && status >= 400 && status < 500 && status !== 408) return fail('SEND_REFUSED');
  if (incident.tooLarge && (effect === 'read' || !called)) return fail('SEND_REFUSED');
  if (!called) return fail('SEND_DEFERRED');
  if (typeof code === 'number' && neverRan.includes(code)) return fail('SEND_REFUSED');
  // A tool that reports an error ran, and nobody says how far.
  if (effect === 'write') return fail('SEND_UNKNOWN');
  return fail(error instanceof ToolError || typeof code === 'number' || code === 'UNSUPPORTED_RESULT_TYPE' ? 'SEND_REFUSED' : 'SEND_DEFERRED');
}

/** Retry-After in seconds, up to a day; a date is not taken, as it would need our clock to agree with the server's. */
function waitOf({ retryAfter }: Incident): number | undefined {
  return retryAfter !== null && /^\d{1,5}$/.test(retryAfter) ? Math.min(Number(retryAfter), 86_400) * 1_000 : undefined;
}

/** Without line ends, control characters and marks that turn or hide text. */
export const oneLine = (text: string, chars: number) => text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ').trim().slice(0, chars).toWellFormed();
