// An actor that is held stays as it is: what comes for it waits inside its record, in order, until somebody says how it goes on.
// Held are actors that the operator paused, and actors whose last step failed.
import { z } from 'zod';
import { ownerSchema, type Body } from './message.ts';

/** Reserved: only the operator, the supervisor and, for a restart, the parent may send it. */
export const orderType = 'keelson.order';

export const supervisorAddress = 'supervisor/main';

/** What somebody above an actor tells it. `rev`: only if it is still held since this revision. */
export const orderSchema = z.discriminatedUnion('do', [
  z.object({ do: z.literal('pause'), reason: z.string().max(2_000).default('') }),
  z.object({ do: z.literal('resume') }),
  /** Once more what failed: the message, or the child that gave an error. */
  z.object({ do: z.literal('retry'), rev: z.int().optional() }),
  /** On without it. */
  z.object({ do: z.literal('skip'), rev: z.int().optional() }),
  /** On with this instead: an event for an event, an output for a child's result, an input for a start. */
  z.object({ do: z.literal('replace'), rev: z.int().optional(), with: z.json() }),
  /** From the beginning, with the input it had. */
  z.object({ do: z.literal('restart'), rev: z.int().optional() }),
  /** All children that are machines start from the beginning. */
  z.object({ do: z.literal('restart-children') }),
  /** It ends as failed, and whoever started it hears so. */
  z.object({ do: z.literal('stop'), rev: z.int().optional(), reason: z.string().max(2_000).default('') }),
]);
export type Order = z.output<typeof orderSchema>;

/** How failures of a machine are met. Without one: an actor with a parent ends and the parent hears the error; any other is held and the operator is asked. */
export interface Supervision {
  /** Restarts allowed within `withinMs`; one more and it is given up. */
  restarts: number;
  withinMs: number;
  /** Wait before the first restart; doubles each time, at most `maxMs`. */
  firstMs: number;
  maxMs: number;
  /** `retry` (default): go on from the last good state with what failed. `fresh`: from the beginning, with the input it had. */
  how?: 'retry' | 'fresh';
  /** `siblings`: all machine children of its parent start from the beginning with it. Default `one`. */
  scope?: 'one' | 'siblings';
  /** When given up: ask the operator (default), or end it, so that its parent hears the error. */
  otherwise?: 'escalate' | 'stop';
}

export const supervisionSchema = z.object({
  restarts: z.int().min(0), withinMs: z.number().positive(), firstMs: z.number().min(0), maxMs: z.number().min(0),
  how: z.enum(['retry', 'fresh']).default('retry'), scope: z.enum(['one', 'siblings']).default('one'), otherwise: z.enum(['escalate', 'stop']).default('escalate'),
});

/** A message as it came, kept until its turn. */
export interface Waiting { id: string; from: string; body: Body }

export interface Held {
  /** `release`: what waited is taken one by one, before anything that is new. `version`: this build's machine does not fit it. */
  by: 'operator' | 'failure' | 'release' | 'version';
  reason: string;
  /** The revision that began it. */
  rev: number;
  sinceMs: number;
  /** The message whose step failed. */
  failed: (Waiting & { error: { code: string; message: string } }) | null;
  waiting: Waiting[];
}

/** More is parked. */
export const waitingMax = 500;

/** What the supervisor hears. The host states `from`. */
export const failedSchema = z.object({
  from: z.string(), machine: z.string(), rev: z.int(), atMs: z.number(), what: z.string(),
  error: z.object({ code: z.string(), message: z.string() }),
  supervision: supervisionSchema.nullable(),
  parent: ownerSchema.nullable(),
});
export const releasedSchema = z.object({ from: z.string(), rev: z.int(), how: z.string(), by: z.string() });
