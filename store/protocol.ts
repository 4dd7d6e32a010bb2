// What crosses between the store's thread and the rest of its process.
import type { Commit } from '#machines/commit.ts';
import type { PlainError } from '#machines/errors.ts';
import type { Budgets } from '#machines/budget.ts';
import type { Cap } from '#machines/caps.ts';
import type { Permissions } from '#machines/permissions.ts';
import type { Trigger } from '#machines/triggers.ts';
import type { Watch } from './release.ts';
import type { Remembered } from './vectors.ts';

export interface StoreOptions {
  dataDir: string;
  bus: { url: string; token: string; company: string };
  logFile: string;
  logLevel: string;
  /** What each type of actor may do; null checks nothing, for tests of other things. */
  permissions: Record<string, Permissions> | null;
  /** How much money may leave; null or absent allows any. */
  caps?: readonly Cap[] | null;
  /** What models may cost; null or absent allows any. */
  budgets?: Budgets | null;
  /** The server runs so that nothing leaves: whoever asks the store hears it. */
  dryRun?: boolean;
  /** Those in force from now on; all others end. */
  triggers?: Trigger[];
}

export type Request = { n: number } & (
  | { op: 'commit'; commit: Commit }
  | { op: 'query'; name: string; args: Record<string, unknown> }
  | { op: 'release'; nowMs: number; watch?: Watch | undefined }
  | { op: 'republish'; beforeMs: number }
  | { op: 'erase'; erasure: { id: string; subject: string }; nowMs: number }
  | { op: 'finishErasure'; id: string; tries?: number | undefined }
  | { op: 'emptyLog' }
  | { op: 'openErasures' }
  | { op: 'remember'; vectors: Remembered }
  | { op: 'dropModels'; keep: readonly string[] }
  | { op: 'retain'; beforeMs: number; nowMs: number }
  | { op: 'close' }
);

/** `dueMs`: no answer but a deadline that was committed by another process. */
export interface Answer { n: number; result?: unknown; error?: PlainError & { hint?: string }; dueMs?: number }
