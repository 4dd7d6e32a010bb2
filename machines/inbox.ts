// How the operator answers anything in the inbox. An actor that waits for the operator records an intent in state
// `input-required` and understands these three events; nobody else may send them.
import { z } from 'zod';
import type { Control, Enclosure, Plan, Risk } from './effects.ts';
import type { Json } from './predicates.ts';
import type { Link } from './records.ts';

export const operatorEvents = {
  /** Yes to exactly what was shown: `payloadHash` names it. With `edit`, yes to the edited payload, made from the one shown; `reason` says why. */
  APPROVE: z.object({ payloadHash: z.string(), edit: z.object({ payload: z.json(), payloadHash: z.string() }).optional(), reason: z.string().max(2_000).optional() }),
  REJECT: z.object({ reason: z.string().max(2_000) }),
  RESPOND: z.object({ text: z.string().min(1).max(100_000), reason: z.string().max(2_000).optional() }),
};
export const operatorOnly = ['APPROVE', 'REJECT', 'RESPOND', 'RECONCILE', 'RESTORED'] as const;

export type { Risk };

/** The data of an inbox item: everything needed to decide. Becomes the JSON of `keelson inbox`. */
export interface Item {
  category: string | null;
  confidence: number | null;
  risk: Risk;
  reasons: string[];
  payload: unknown;
  payloadHash: string;
  evidence: Link[];
  policy: { id: string; version: string; rule: string } | null;
  /** Milliseconds from when it was asked until it lapses; null when it waits for ever. */
  expiresAfterMs: number | null;
  /** What the operator can do, in words. */
  answers: string;
  /** Of an operation: what the yes is bound to besides the payload, and what it would do. */
  bound?: Record<string, Json>;
  /** What will happen, in one sentence; `preview` is all of it, as it leaves. */
  does?: string;
  preview?: string;
  control?: Control[];
  enclosures?: Enclosure[];
  money?: Plan['money'];
  reversible?: boolean;
}

export const toItemData = (item: Item) => item as unknown as Record<string, z.core.util.JSONType>;

export interface StoredIntent { id: string; kind: string; state: string; actor: string; summary: string; data: Partial<Item> | null; created_ms: number }

/** What `keelson inbox --json` shows of one item. */
export function toInboxItem({ id, kind, actor, summary, data, created_ms: createdMs }: StoredIntent) {
  const { bound, does, preview, control, enclosures, money, reversible } = data ?? {};
  const { category = null, confidence = null, risk = 'medium', reasons = [], payload = null, payloadHash = '', evidence = [], policy = null, expiresAfterMs = null, answers = 'approve or reject = seen' } = data ?? {};
  return {
    id, kind, summary, category, confidence, risk, reasons, payload, payloadHash, evidence, policy, actor, answers,
    createdAt: new Date(createdMs).toISOString(),
    ...(bound ? { bound, does, preview, control, enclosures, money, reversible } : {}),
    expiresAt: expiresAfterMs === null ? null : new Date(createdMs + expiresAfterMs).toISOString(),
  };
}

/** What RESPOND says, where JSON is expected; undefined when it is none. */
export function answerAsJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
