// What travels between actors. A message is a CloudEvent: id, source (`from`), type, time, and a JSON body of one of the kinds
// below. Only the host makes the kinds other than `start` and `event`; each of those carries a generation (`gen`), which is
// `<address>#<rev>.<n>` of the step that asked for it, so that a late or second answer is recognised as stale.
import { z } from 'zod';
import { isAddress } from './address.ts';

export const limits = { bodyBytes: 1_000_000, idChars: 500, typeChars: 100 } as const;

const gen = z.string().max(limits.idChars);
const addressSchema = z.string().refine(isAddress, 'not an address');
export const ownerSchema = z.object({ address: addressSchema, child: z.string(), gen });
export type Owner = z.output<typeof ownerSchema>;

/** Anything, also nothing: JSON leaves `undefined` out. */
const anything = z.unknown().optional();
const eventSchema = z.looseObject({ type: z.string().min(1).max(limits.typeChars) });

export const bodySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('start'), machine: z.string(), input: anything, parent: ownerSchema.optional() }),
  z.object({ kind: z.literal('event'), event: eventSchema }),
  z.object({ kind: z.literal('timer'), timer: z.string(), gen }),
  z.object({ kind: z.literal('done'), child: z.string(), gen, output: anything }),
  z.object({ kind: z.literal('error'), child: z.string(), gen, error: z.unknown() }),
  z.object({ kind: z.literal('stop'), gen: gen.optional() }),
  /** To itself: take the first of what waits in your record. */
  z.object({ kind: z.literal('next') }),
]);
export type Body = z.output<typeof bodySchema>;

/** A job asks a worker to run an activity. It is at-least-once unless the activity says `once`. */
export const jobSchema = z.object({
  kind: z.literal('job'),
  activity: z.string(),
  input: anything,
  owner: ownerSchema,
  /** 1 for the first try. */
  attempt: z.number().int().positive(),
  /** When the first try began; absent in that one. */
  sinceMs: z.number().int().optional(),
});
export type Job = z.output<typeof jobSchema>;

/** Names one try of a job. The job itself, whichever try is next, waits in the outbox under its generation. */
export function attemptId({ owner, attempt }: Pick<Job, 'owner' | 'attempt'>): string {
  return attempt === 1 ? owner.gen : `${owner.gen}~${attempt}`;
}

export interface Message<B = Body | Job> {
  id: string;
  to: string;
  from: string;
  /** The id of the message whose step sent this one. */
  cause?: string;
  /** Milliseconds since 1970; absent means now. A message with a due time is a deadline: the supervisor lets it go when due. */
  dueMs?: number;
  body: B;
}

/** The CloudEvents type of a body: an event's own type, else what the host says. */
export function messageType(body: Body | Job): string {
  return body.kind === 'event' ? body.event.type : `keelson.${body.kind}`;
}

/** Types that only the host may make; refused at the boundary so that nobody can forge a timer or a child's result. */
export function isReservedType(type: string): boolean {
  return type.startsWith('xstate.') || type.startsWith('keelson.') || type === '*' || type === '';
}
