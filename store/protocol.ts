// What crosses between the store's thread and the rest of its process.
import type { Commit } from '#machines/commit.ts';
import type { PlainError } from '#machines/errors.ts';
import type { Permissions } from '#machines/permissions.ts';

export interface StoreOptions {
  dataDir: string;
  bus: { url: string; token: string; company: string };
  logFile: string;
  logLevel: string;
  /** What each type of actor may do; null checks nothing, for tests of other things. */
  permissions: Record<string, Permissions> | null;
}

export type Request = { n: number } & (
  | { op: 'commit'; commit: Commit }
  | { op: 'query'; name: string; args: Record<string, unknown> }
  | { op: 'release'; nowMs: number }
  | { op: 'republish'; beforeMs: number }
  | { op: 'close' }
);

export interface Answer { n: number; result?: unknown; error?: PlainError & { hint?: string } }
