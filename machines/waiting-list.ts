// Who waits for a model, what each of them needs, and who may go on after a look. Pure and bounded: `models/main` keeps it.
import { z } from 'zod';
import type { Look } from './agents/activities.ts';
import { needSchema, type Need } from './ladder.ts';

/** Beyond these nobody is listed: they look for themselves within a day. */
export const waitersMax = 2_000;
const batchMax = 50;
const saidMax = 20;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const pauseMaxMs = 15 * minuteMs;

const saidSchema = z.object({ name: z.string(), reason: z.string(), againAtMs: z.number().nullable() });
type Said = z.output<typeof saidSchema>;

export const waitingSchema = z.object({
  /** By address, in the order in which they came. */
  waiters: z.record(z.string(), z.object({ task: z.string(), needs: z.array(needSchema) })),
  /** Who came when the list was full. */
  unlisted: z.number().int(),
  /** The last word about each need, as those who wait told it. */
  reasons: z.partialRecord(needSchema, z.string()),
  /** As the last look found it. */
  down: z.array(saidSchema),
  gone: z.array(saidSchema),
  /** Nothing stands in the way of these any more. */
  clear: z.array(needSchema),
  /** How many times some went on since the look. */
  batches: z.number().int(),
  /** They go on with what there is, as the operator said. */
  without: z.boolean(),
  /** Looks in a row after which somebody still waited. */
  looks: z.number().int(),
  /** Until the next look. */
  pauseMs: z.number(),
  /** The operator changed a limit, or wants it looked at now: who waits for money may try, whatever the look says. */
  pressed: z.boolean(),
});
export type WaitingList = z.output<typeof waitingSchema>;

export const nobody: WaitingList = { waiters: {}, unlisted: 0, reasons: {}, down: [], gone: [], clear: [], batches: 0, without: false, looks: 0, pauseMs: 0, pressed: false };

export function join(list: WaitingList, { from, task, needs, reason }: { from: string; task: string; needs: Need[]; reason: string }): WaitingList {
  const reasons = { ...list.reasons, ...Object.fromEntries(needs.map((need) => [need, reason])) };
  // The last look was about others: how long they had to wait does not count.
  if (!isAnyoneLeft(list)) return { ...list, reasons: Object.fromEntries(needs.map((need) => [need, reason])), pauseMs: Math.min(list.pauseMs, backoffMs(list)), waiters: { [from]: { task, needs } } };
  if (!Object.hasOwn(list.waiters, from) && Object.keys(list.waiters).length >= waitersMax) return { ...list, reasons, unlisted: list.unlisted + 1 };
  return { ...list, reasons, waiters: { ...list.waiters, [from]: { task, needs } } };
}

export function leave(list: WaitingList, addresses: readonly string[]): WaitingList {
  const left = new Set(addresses);
  return { ...list, waiters: Object.fromEntries(Object.entries(list.waiters).filter(([address]) => !left.has(address))) };
}

/** Whether it can go on: one of its needs is enough. */
export const isClear = ({ clear }: Pick<WaitingList, 'clear'>, needs: readonly Need[]): boolean => needs.some((need) => clear.includes(need));

/** Whether this one needs what nobody has waited for, and the next look is far away: then one may be worth it now. */
export const isNewNeed = ({ waiters, pauseMs }: WaitingList, needs: readonly Need[]): boolean => pauseMs > pauseMaxMs && needs.some((need) => need !== 'operator' && Object.values(waiters).every((waiter) => !waiter.needs.includes(need)));

/**
 * Those whose turn it is. Of those who can go on first one, then two, then four: whoever comes back at once stops the rest. After
 * each look one of the others tries too, since a look does not see everything; who waits for the operator alone does not.
 */
export function nextBatch(list: WaitingList): string[] {
  const all = Object.entries(list.waiters);
  const ready = all.filter(([, { needs }]) => isClear(list, needs)).slice(0, Math.min(batchMax, 2 ** Math.min(list.batches, 10)));
  const trying = list.batches > 0 ? undefined : all.find(([, { needs }]) => !isClear(list, needs) && needs.some((need) => need !== 'operator'));
  return [...ready, ...(trying ? [trying] : [])].map(([address]) => address);
}

export const withoutBatch = (list: WaitingList): WaitingList => ({ ...leave(list, nextBatch(list)), batches: list.batches + 1 });

export const isAnyoneLeft = ({ waiters }: WaitingList): boolean => Object.keys(waiters).length > 0;

/** What a look found, who may go on because of it, and when the next one is due. */
export function withLook(list: WaitingList, { down, gone, atMs }: Look): WaitingList {
  const clear: Need[] = [
    ...(down.length === 0 ? ['provider' as const] : []),
    ...(gone.length === 0 || list.pressed ? ['money' as const] : []),
    ...(list.pressed ? ['operator' as const] : []),
  ];
  const now = {
    down: down.slice(0, saidMax).map(({ provider: name, reason }): Said => ({ name, reason, againAtMs: null })),
    gone: gone.slice(0, saidMax).map(({ scope, period, againAtMs, reason }): Said => ({ name: `${scope} ${period}`, reason, againAtMs })),
  };
  return { ...list, ...now, clear, batches: 0, pressed: false, looks: list.looks + 1, pauseMs: pauseOf(list, now.gone, atMs) };
}

/** A look that failed says nothing: one tries. */
export function withoutLook(list: WaitingList, reason: string): WaitingList {
  return { ...withLook(list, { down: [{ provider: 'the look at the providers', reason }], gone: [] }), clear: list.pressed ? ['money', 'operator'] : [] };
}

/** The operator said no: all go on with what there is. */
export const releaseAll = (list: WaitingList): WaitingList => ({ ...list, clear: [...needSchema.options], batches: 0, without: true });

const backoffMs = ({ looks }: Pick<WaitingList, 'looks'>) => Math.min(pauseMaxMs, minuteMs * 2 ** Math.min(looks, 10));

/** Doubles up to a quarter of an hour; while nobody waits for a provider, until there is money again, and at most an hour. */
function pauseOf({ waiters, looks }: WaitingList, gone: Said[], atMs: number | undefined): number {
  const needs = Object.values(waiters).flatMap((waiter) => waiter.needs);
  if (needs.every((need) => need === 'operator')) return hourMs;
  const times = gone.flatMap(({ againAtMs }) => (againAtMs === null ? [] : [againAtMs]));
  if (needs.includes('provider') || atMs === undefined || times.length === 0) return backoffMs({ looks });
  return Math.max(minuteMs, Math.min(Math.min(...times) - atMs + 1_000, hourMs));
}
