// What the named read `trace` answers: one run as rows of the store.
import type { Json } from '#machines/predicates.ts';

export interface PartRow {
  address: string;
  machine: string;
  rev: number;
  status: string;
  value: unknown;
  parent: string | null;
  updatedMs: number;
  title: string | null;
  /** Under which name its parent started it, and by which step. */
  child: string | null;
  gen: string | null;
  held: { by: string; reason?: string } | null;
  dryRun: { of: string; rev: number } | null;
  error: string | null;
  operation: Operation | null;
}

export interface Operation { id: string; action: string; mode: string; providerRef: string | null; done: number | null; outcome: string; reason: string; payload: Json; money: { amountMinor: number; currency: string; payee: string } | null; dispatches: number }

export interface StepRow {
  seq: number;
  id: string;
  actor: string;
  rev: number;
  atMs: number;
  outcome: string;
  gone: number;
  from: string | null;
  kind: string | null;
  type: string | null;
  child: string | null;
  gen: string | null;
  error: string | null;
  note: string | null;
  value: unknown;
  status: string | null;
  sends: { id: string; to: string; dueMs?: number }[] | null;
  intents: { id: string; kind: string; state: string; summary: string }[] | null;
  would: Would | null;
  hasInput: number;
}

/** What a dry run did not do. */
export interface Would { sends: { id: string; to: string; body?: { kind: string; activity?: string; machine?: string } }[]; facts: { entity: string; predicate: string }[]; intents: { id: string; kind: string; state: string; summary: string }[]; artifacts: { id: string; kind: string }[]; decisions: { what: string; outcome: string; confidence: number | null; reasons: string[] }[]; annotations: unknown[] }

export interface TryRow { gen: string; id: string; atMs: number; result: string | null; claimed: number | null; code: string | null; error: string | null; retryAfterMs: number | null }

export interface DecisionRow { id: string; actor: string; atMs: number; what: string; outcome: string; confidence: number | null; machine: string | null; reasons: string[]; policy: { id: string; version: string; rule: string } | null; model: string | null; costMicros: number | null }

export interface DocumentRow { id: string; version: number; kind: string; mediaType: string; name: string | null; hash: string; sizeBytes: number; actor: string; atMs: number }

export interface ForkRow { address: string; rev: number; status: string; value: unknown; at: number; updatedMs: number }

export interface TraceRows { parts: PartRow[]; steps: StepRow[]; tries: TryRow[]; decisions: DecisionRow[]; documents: DocumentRow[]; forks: ForkRow[]; isCut: boolean }
