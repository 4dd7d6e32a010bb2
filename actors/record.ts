// An actor at rest: plain JSON with its identity. XState snapshots carry no machine id or version, timers and children only
// names; the record adds what is needed to resume them exactly.
import type { EventObject } from 'xstate';
import type { Held } from '#machines/hold.ts';
import type { Owner } from '#machines/message.ts';
import type { Intent } from '#machines/records.ts';

export type ActorStatus = 'active' | 'done' | 'error' | 'stopped';

export interface ChildRecord {
  kind: 'machine' | 'activity';
  src: string;
  /** Identity of this very start; also the operation id of a job. */
  gen: string;
  address: string;
  /** Set when its result was taken, so that a second result is dropped. */
  settled?: true;
  /** Kept when the machine does not handle its error: the operator may want it once more. */
  input?: unknown;
}

export interface TimerRecord {
  gen: string;
  dueMs: number;
  event: EventObject;
  /** Another actor to send to when due; null means this actor. */
  to: string | null;
}

export interface ActorRecord {
  address: string;
  machine: string;
  /** Hash of the machine's structure when this record was written. */
  structure: string;
  /** Number of steps applied; the first is 0. */
  rev: number;
  status: ActorStatus;
  parent: Owner | null;
  snapshot: { value: unknown; context: unknown; output?: unknown; error?: unknown; [key: string]: unknown };
  children: Record<string, ChildRecord>;
  timers: Record<string, TimerRecord>;
  /** Kept when a restart from the beginning may need it. */
  input?: unknown;
  /** What it asked the operator and has no answer to: kinds of intents by their ids. */
  asks?: Record<string, Intent['kind']>;
  /** A fork: whose, and at which revision. What it asks for is written down and never done; see fork.ts. */
  dryRun?: { of: string; rev: number };
  /** Set while it stays as it is, whatever comes. */
  held?: Held;
}
