// An actor at rest: plain JSON with its identity. XState snapshots carry no machine id or version, timers and children only
// names; the record adds what is needed to resume them exactly.
import type { EventObject } from 'xstate';
import type { Owner } from '#machines/message.ts';

export type ActorStatus = 'active' | 'done' | 'error' | 'stopped';

export interface ChildRecord {
  kind: 'machine' | 'activity';
  src: string;
  /** Identity of this very start; also the operation id of a job. */
  gen: string;
  address: string;
  /** Set when its result was taken, so that a second result is dropped. */
  settled?: true;
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
}
