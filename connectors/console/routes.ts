// What CLI and console may ask for: reads by name, and the operator's commands.
import { randomId } from '#actors/ids.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Item } from '#machines/inbox.ts';
import { z } from 'zod';
import type { Actors } from './desk-actors.ts';
import { actorRequests } from './desk-actors.ts';
import { assertConfirmed } from './confirm.ts';
import type { Desk } from './desk.ts';
import { commandIdSchema as commandId } from './desk-commands.ts';
import { effectsRequest, type Effects } from './desk-effects.ts';
import { factRequestSchema, remarkRequestSchema } from './desk-facts.ts';
import type { Looked } from './desk-inbox.ts';
import { parkedRequest, type ParkedDesk } from './desk-parked.ts';
import { publishRequest, type PolicyDesk } from './desk-policy.ts';
import { parseJson } from './json-guard.ts';
import { get, post, type Route } from './route.ts';

export interface Ports {
  desk: Desk;
  actors: Actors;
  /** Stops all work of the company, and lets it go on. */
  pausing: { pause(reason: string): Promise<object>; resume(): Promise<object>; paused(): string | null };
  parked: ParkedDesk;
  effects: Effects;
  policies: PolicyDesk;
  /** Hears how long an item was open in the console before it was decided. */
  looked?(look: Looked): Promise<void>;
  /** Starts a dry run of its own from what an actor was; `id` names the request, so that it may be repeated. */
  fork(request: { id: string; address: string; at?: number }): Promise<object>;
  /** Erases a person; `id` names the request, so that it may be repeated. */
  erase(subject: string, id: string): Promise<unknown>;
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
}

const reason = z.string().max(2_000).optional();
/** How long the card was open, as the page measured it. */
const shownFor = z.number().min(0).max(31_536_000_000).optional();
const outcome = z.object({ id: z.string(), state: z.string(), actor: z.string(), value: z.unknown() });
const told = z.object({ address: z.string(), outcome: z.string(), note: z.string().nullable(), rev: z.number().nullable(), value: z.unknown(), status: z.string().nullable() });
const argsSchema = z.record(z.string(), z.unknown());

export function commandRoutes({ desk, actors, pausing, parked, effects, policies, looked = async () => {}, fork, erase, query }: Ports): Route[] {
  /** What the page measured is kept when the answer was taken; without it the answer stands all the same. */
  const keep = async (id: string, how: Looked['how'], { shownMs, commandId: given }: { shownMs?: number | undefined; commandId?: string | undefined }) => {
    if (shownMs !== undefined && given !== undefined) await looked({ id, how, shownMs, commandId: given }).catch(() => {});
  };
  return [
    post('/api/query', { summary: 'A named read of the store.', who: 'all', body: z.object({ name: z.string(), args: argsSchema.default({}) }), handle: ({ body: { name, args } }) => query(name, args) }),
    get('/api/query/:name', {
      summary: 'The same, with the arguments as JSON text: it can be opened and linked.', query: z.object({ args: z.string().max(10_000).optional() }),
      handle: ({ params: { name }, query: { args } }) => query(name, readArgs(args)),
    }),
    post('/api/inbox/:id/approve', {
      summary: 'Yes to exactly what was shown, or to it with edited words. In a browser a high risk needs the words of the card, as `confirm`.', moves: true, answer: outcome,
      body: z.object({ hash: z.string().optional(), edit: z.string().optional(), reason, confirm: z.string().max(200).optional(), shownMs: shownFor, commandId }),
      async handle({ params: { id }, body: { confirm, shownMs: shown, ...body }, by }) {
        if (by.via === 'session') assertConfirmed(((await query('intent', { id })) as { data: Partial<Item> | null } | null)?.data ?? {}, confirm);
        const answer = await desk.approve(id, body);
        await keep(id, 'approved', { shownMs: shown, commandId: body.commandId });
        return answer;
      },
    }),
    post('/api/inbox/:id/reject', {
      summary: 'No, and why.', moves: true, answer: outcome, body: z.object({ reason: z.string().min(1), shownMs: shownFor, commandId }),
      async handle({ params: { id }, body: { shownMs: shown, ...body } }) {
        const answer = await desk.reject(id, body);
        await keep(id, 'rejected', { shownMs: shown, commandId: body.commandId });
        return answer;
      },
    }),
    post('/api/inbox/:id/respond', {
      summary: 'An answer in words.', moves: true, answer: outcome, body: z.object({ text: z.string().min(1), reason, shownMs: shownFor, commandId }),
      async handle({ params: { id }, body: { shownMs: shown, ...body } }) {
        const answer = await desk.respond(id, body);
        await keep(id, 'answered', { shownMs: shown, commandId: body.commandId });
        return answer;
      },
    }),
    post('/api/operations/:id/reconcile', { summary: 'What became of an unknown operation.', moves: true, answer: outcome, body: z.object({ outcome: z.enum(['done', 'not-done', 'look']), note: z.string().optional(), commandId }), handle: ({ params: { id }, body }) => desk.reconcile(id, body) }),
    post('/api/runs', { summary: 'Start a run.', who: 'all', moves: true, answer: told, body: actorRequests.run, handle: ({ body, by }) => actors.run(body, by.who) }),
    post('/api/actors/:address/send', { summary: 'Hand an actor an event.', who: 'operator', moves: true, answer: told, body: actorRequests.send, handle: async ({ params: { address }, body, by }) => {
      // In a browser a yes is given on the card: there it is asked for once more where the risk is high.
      if (by.via === 'session' && body.type === 'APPROVE') throw new KeelsonError('REFUSED', 'in the console an approval is given on its card', { hint: 'Open its item in the inbox.' });
      return actors.send(address, body);
    } }),
    post('/api/actors/:address/order', { summary: 'Pause, resume, retry, skip, replace or stop an actor.', moves: true, answer: told, body: actorRequests.order, handle: ({ params: { address }, body }) => actors.order(address, body) }),
    post('/api/actors/:address/cancel', { summary: 'End a run with everything it started and asked.', moves: true, answer: told, body: actorRequests.cancel, handle: ({ params: { address }, body }) => actors.cancel(address, body) }),
    post('/api/pause', { summary: 'The company stands still; what comes waits.', body: z.object({ reason: z.string().max(2_000).default('') }), handle: ({ body }) => pausing.pause(body.reason) }),
    post('/api/resume', { summary: 'The company goes on.', body: z.object({}), handle: () => pausing.resume() }),
    post('/api/effects/stop', { summary: 'The kill switch: nothing leaves.', body: effectsRequest, handle: ({ body }) => effects.stop(body) }),
    post('/api/effects/resume', { summary: 'Effects may leave again.', body: effectsRequest, handle: ({ body }) => effects.resume(body) }),
    post('/api/policies/publish', { summary: 'Puts policies into force.', body: publishRequest, handle: ({ body }) => policies.publish(body) }),
    post('/api/parked/retry', { summary: 'Hands parked messages in again.', body: parkedRequest, handle: ({ body }) => parked.retry(body) }),
    post('/api/fork', {
      summary: 'A dry run of its own from what an actor was.', body: z.object({ actor: z.string().min(1).max(400), at: z.int().min(0).optional(), commandId }),
      handle: ({ body: { actor, at, commandId: id = randomId() } }) => fork({ id: `fork:${id}`, address: actor, ...(at === undefined ? {} : { at }) }),
    }),
    post('/api/facts', { summary: 'A fact in the operator\'s own word.', body: factRequestSchema.extend({ commandId }), handle: ({ body }) => desk.addFact(body) }),
    post('/api/annotations', { summary: 'A remark or correction.', body: remarkRequestSchema.extend({ commandId }), handle: ({ body }) => desk.annotate(body) }),
    post('/api/erase', { summary: 'Erases a person everywhere.', body: z.object({ subject: z.string().min(3).max(400), commandId }), handle: ({ body: { subject, commandId: id = randomId() } }) => erase(subject, id) }),
  ];
}

function readArgs(text = '{}'): Record<string, unknown> {
  const { success, data } = argsSchema.safeParse(parseJson(text, '`args`'));
  if (!success) throw new KeelsonError('BAD_ARGUMENT', '`args` must be a JSON object');
  return data;
}
