// What crosses between the store's thread and the rest of its process.
import type { Commit } from '#machines/commit.ts';
import type { PlainError } from '#machines/errors.ts';

export interface StoreOptions {
  dataDir: string;
  bus: { url: string; token: string; company: string };
  logFile: string;
  logLevel: string;
}

export type Request = { n: number } & (
  | { op: 'commit'; commit: Commit }
  | { op: 'query'; name: string; args: Record<string, unknown> }
  | { op: 'release'; nowMs: number }
  | { op: 'republish'; beforeMs: number }
  | { op: 'close' }
);

export interface Answer { n: number; result?: unknown; error?: PlainError & { hint?: string } }
