// The inbox as the operator's own list: what he put off until later, several decided at once, and how long he looks before he decides. What
// he puts off and how long he looked are decisions in his name; the items themselves stay as they are.
import type { Clock } from '#actors/clock.ts';
import { sha256 } from '#actors/hash.ts';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import type { StoredIntent } from '#machines/inbox.ts';
import type { Decision } from '#machines/records.ts';
import { createCommands, operator } from './desk-commands.ts';
import type { Desk } from './desk.ts';

export interface Looked { id: string; how: 'approved' | 'rejected' | 'answered'; shownMs: number; commandId: string }
/** `alarm`: more than a quarter were decided in less time than reading takes. */
export interface Pace { decisions: number; medianMs: number | null; fastShare: number | null; alarm: boolean }
export interface BatchRequest { items: { id: string; hash: string }[]; decision: 'approve' | 'reject'; reason?: string | undefined; commandId?: string | undefined }
export interface Decided { id: string; ok: boolean; state: string | null; error: { code: string; message: string } | null }

export interface InboxDesk {
  /** Puts an item off until then (milliseconds since 1970); 0 takes it back to the list. Its expiry stays. */
  snooze(id: string, request: { until: number; commandId?: string | undefined }): Promise<{ id: string; snoozedUntil: number | null }>;
  /** Items that are put off now, and until when. */
  snoozed(): Promise<Map<string, number>>;
  /** One answer to several items of one kind, each by the hash that was shown. */
  batch(request: BatchRequest): Promise<{ decided: Decided[] }>;
  /** Keeps how long an item was open before it was decided. */
  looked(look: Looked): Promise<void>;
  pace(): Promise<Pace>;
}

const snoozesMax = 1_000;
const paceOver = 100;
const fastMs = 2_000;
const alarmShare = 0.25;
const lookedFor = /^shown for (\d{1,12}) ms$/;
/** Categories of items that speak of money without moving it. */
const moneyWords: readonly unknown[] = ['invoice', 'payment', 'receipt'];

/** Whether money is moved or spoken of; such items are decided one by one. */
export const isAboutMoney = ({ money, category }: { money?: unknown; category?: unknown }) => (money !== null && money !== undefined) || moneyWords.includes(category);

export function createInboxDesk({ store, clock, makeId, desk }: { store: StorePort; clock: Clock; makeId: MakeId; desk: Pick<Desk, 'approve' | 'reject'> }): InboxDesk {
  const commands = createCommands({ store, clock, makeId });
  const find = async (id: string) => {
    const item = (await store.query('intent', { id })) as StoredIntent | null;
    if (!item) throw new KeelsonError('NOT_FOUND', `there is no inbox item '${id}'`);
    return item;
  };
  const notes = (what: string, limit: number) => store.query('decisions', { actor: operator, what, limit }) as Promise<(Decision & { at_ms: number })[]>;
  const noteOf = (what: string, id: string, outcome: string, reasons: string[]): Decision => ({ what, outcome, confidence: null, reasons, evidence: [{ kind: 'intent', id }], policy: null, model: null, costMicros: null });

  return {
    async snooze(id, { until, commandId }) {
      const item = await find(id);
      const answer = { id, snoozedUntil: until > clock.now() ? until : null };
      const content = { type: 'SNOOZE', about: id, until };
      return commands.once(commandId, content, {
        again: async () => answer,
        async first(command) {
          if (item.state !== 'input-required') throw new KeelsonError('REFUSED', `'${id}' is already ${item.state}`);
          await commands.write(command, content, { decisions: [noteOf('inbox.snooze', id, answer.snoozedUntil === null ? 'back' : 'later', [`until ${new Date(until).toISOString()}`])] });
          return answer;
        },
      });
    },
    async snoozed() {
      const found = new Map<string, number>();
      for (const { reasons: [until = ''], evidence: [link] } of await notes('inbox.snooze', snoozesMax)) {
        if (link && !found.has(link.id)) found.set(link.id, Date.parse(until.replace(/^until /, '')));
      }
      return new Map([...found].filter(([, until]) => until > clock.now()));
    },
    async batch({ items, decision, reason = '', commandId = makeId() }) {
      if (new Set(items.map(({ id }) => id)).size < items.length) throw new KeelsonError('BAD_ARGUMENT', 'an item is named twice');
      const found = await Promise.all(items.map(({ id }) => find(id)));
      assertAlike(found);
      const decided: Decided[] = [];
      for (const [i, item] of found.entries()) {
        const { id, hash } = items[i]!;
        const command = `${commandId}:${sha256(id).slice(0, 16)}`;
        try {
          if (hash !== (item.data?.payloadHash ?? '')) throw new KeelsonError('REFUSED', `'${id}' has changed since it was shown`);
          const { state } = decision === 'approve' ? await desk.approve(id, { ...(hash === '' ? {} : { hash }), commandId: command }) : await desk.reject(id, { reason, commandId: command });
          decided.push({ id, ok: true, state, error: null });
        } catch (error) {
          const { code, message } = plainError(error);
          decided.push({ id, ok: false, state: null, error: { code, message } });
        }
      }
      return { decided };
    },
    async looked({ id, how, shownMs, commandId }) {
      const content = { type: 'LOOKED', about: id };
      await commands.write(`looked:${commandId}`, content, { decisions: [noteOf('inbox.decided', id, how, [`shown for ${Math.round(shownMs)} ms`])] });
    },
    async pace() {
      const times = (await notes('inbox.decided', paceOver)).flatMap(({ reasons: [said = ''] }) => lookedFor.exec(said)?.[1] ?? []).map(Number).toSorted((a, b) => a - b);
      if (times.length === 0) return { decisions: 0, medianMs: null, fastShare: null, alarm: false };
      const half = times.length / 2;
      const fastShare = times.filter((ms) => ms < fastMs).length / times.length;
      return { decisions: times.length, medianMs: Math.round((times[Math.ceil(half) - 1]! + times[Math.floor(half)]!) / 2), fastShare, alarm: fastShare > alarmShare };
    },
  };
}

/** Throws REFUSED for what must be looked at one by one. */
function assertAlike(items: readonly StoredIntent[]): void {
  const kindOf = ({ kind, data }: StoredIntent) => JSON.stringify([kind, data?.bound?.['action'] ?? data?.category ?? null]);
  const alone = { hint: 'Decide it on its own card.' };
  for (const { id, data } of items) {
    if (isAboutMoney(data ?? {})) throw new KeelsonError('REFUSED', `'${id}' is about money, which is never decided together with others`, alone);
    if ((data?.risk ?? 'medium') === 'high') throw new KeelsonError('REFUSED', `the risk of '${id}' is high, which is never decided together with others`, alone);
  }
  if (new Set(items.map(kindOf)).size > 1) throw new KeelsonError('REFUSED', 'these are not of one kind', { hint: 'Choose items of one kind.' });
  if (new Set(items.map(({ data }) => data?.risk ?? 'medium')).size > 1) throw new KeelsonError('REFUSED', 'these are not of one risk', { hint: 'Choose items of one risk.' });
}
