// Parked messages, handed in again or thrown away by the operator: one write takes the row away and promises the message, or keeps why it is
// not wanted, so that it happens once whatever dies. The message keeps its id; what was applied meanwhile is not applied again.
import { z } from 'zod';
import type { Clock } from '#actors/clock.ts';
import type { MakeId } from '#actors/ids.ts';
import { parkedIntent } from '#actors/park.ts';
import { readMessage } from '#actors/read-message.ts';
import type { ActorRecord } from '#actors/record.ts';
import type { StorePort } from '#actors/store-port.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import type { Message } from '#machines/message.ts';
import { commandIdSchema as commandId, createCommands, operator } from './desk-commands.ts';

const named = { id: z.string().min(1).optional(), actor: z.string().min(1).optional(), commandId };
const isOne = ({ id, actor }: { id?: string | undefined; actor?: string | undefined }) => (id === undefined) !== (actor === undefined);
export const parkedRequest = z.object(named).refine(isOne, 'give either an id or an actor');
export const parkedDiscard = z.object({ ...named, reason: z.string().trim().min(1).max(2_000) }).refine(isOne, 'give either an id or an actor');

/** `kept`: what stays parked, and why. `more`: there is more than one command can hand in. */
export interface Retried { retried: string[]; kept: { id: string; reason: string }[]; more: boolean }

export interface Discarded { discarded: string[]; more: boolean }

export interface ParkedDesk {
  /** All of one actor in the order they came, or those with one id. Throws NOT_FOUND, or REFUSED when none can be delivered. */
  retry(request: z.output<typeof parkedRequest>): Promise<Retried>;
  /** The same without handing them in: their bytes are gone, the reason stays as a decision. Throws NOT_FOUND. */
  discard(request: z.output<typeof parkedDiscard>): Promise<Discarded>;
}

interface Row { parkId: string; seq: number; subject: string; bytes: Uint8Array; actor: string; message: { id: string; from: string | null; cause: string | null } | null }

/** A commit takes twice as many promises. */
const perCommand = 500;

export function createParkedDesk({ store, clock, makeId }: { store: StorePort; clock: Clock; makeId: MakeId }): ParkedDesk {
  const commands = createCommands({ store, clock, makeId });

  const readAgain = ({ actor, subject, bytes, message }: Row): Message => {
    if (!message) throw new KeelsonError('REFUSED', 'what is known of it was erased');
    return readMessage({ id: message.id, to: actor, from: message.from ?? '', cause: message.cause ?? undefined, subject, bytes });
  };

  return {
    retry: ({ id, actor, commandId: given }) => commands.inTurn(() => commands.once(given, { type: 'RETRY_PARKED', about: id ?? actor! }, {
      again: async () => ({ retried: [], kept: [], more: false }),
      async first(command) {
        const rows = (await store.query('parkedMessages', { id, actor })) as Row[];
        const wake = actor === undefined ? [] : await wakeFor(actor, command);
        if (rows.length === 0 && wake.length === 0) throw nothingParked({ id, actor });
        const retried = new Map<Row, Message>();
        const kept: Retried['kept'] = [];
        for (const row of rows.slice(0, perCommand)) {
          try {
            retried.set(row, readAgain(row));
          } catch (error) {
            kept.push({ id: idOf(row), reason: plainError(error).message });
          }
        }
        if (retried.size === 0 && wake.length === 0) throw new KeelsonError('REFUSED', `it cannot be delivered again: ${kept[0]!.reason}`, { hint: 'Its bytes stay parked; `keelson find parked --json` shows them.' });
        await commands.write(command, { type: 'RETRY_PARKED', about: id ?? actor! }, {
          sends: [...retried.values(), ...wake],
          unparks: [...retried.keys()].map(({ seq }) => seq),
          intents: await openItems([...retried.keys()]),
        });
        return { retried: [...retried.values()].map((message) => message.id), kept, more: rows.length > perCommand };
      },
    })),

    discard: ({ id, actor, reason, commandId: given }) => commands.inTurn(() => commands.once(given, { type: 'DISCARD_PARKED', about: id ?? actor!, reason }, {
      again: async () => ({ discarded: [], more: false }),
      async first(command) {
        const rows = (await store.query('parkedMessages', { id, actor })) as Row[];
        const taken = rows.slice(0, perCommand);
        if (taken.length === 0) throw nothingParked({ id, actor });
        await commands.write(command, { type: 'DISCARD_PARKED', about: id ?? actor!, reason }, {
          unparks: taken.map(({ seq }) => seq),
          intents: await openItems(taken),
          decisions: [{ what: 'parked', outcome: 'discarded', confidence: null, reasons: [reason], evidence: [], policy: null, model: null, costMicros: null }],
        });
        return { discarded: taken.map(idOf), more: rows.length > taken.length };
      },
    })),
  };

  /** A quarantined actor looks at its version again with whatever comes. */
  async function wakeFor(to: string, command: string): Promise<Message[]> {
    const stored = await store.load(to);
    const held = stored === null ? undefined : (JSON.parse(stored) as ActorRecord).held;
    return held?.by === 'version' ? [{ id: `${command}.wake`, to, from: operator, body: { kind: 'next' } }] : [];
  }

  async function openItems(rows: Row[]) {
    const found = await Promise.all(rows.map((row) => store.query('intent', { id: parkedIntent(idOf(row), row.subject, afterOf(row.parkId)) })));
    return (found as ({ id: string; state: string } | null)[]).flatMap((item) => (item?.state === 'input-required' ? [{ id: item.id, kind: 'escalation' as const, state: 'completed' as const }] : []));
  }
}

const nothingParked = ({ id, actor }: { id?: string | undefined; actor?: string | undefined }) => new KeelsonError('NOT_FOUND', `nothing is parked ${id === undefined ? `for ${actor}` : `under the id '${id}'`}`);
/** Of what was erased only the id under which it was parked is known. */
const idOf = ({ parkId, message }: Row) => message?.id ?? parkId;

/** Parked once more it has the number of the first time behind its id. */
function afterOf(parkId: string): number | null {
  const after = /!parked~(\d+)$/.exec(parkId)?.[1];
  return after === undefined ? null : Number(after);
}
