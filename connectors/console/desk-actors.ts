// The operator's hand on actors: send one an event, start a run, and hold, release or end it.
import { z } from 'zod';
import type { Bus } from '#actors/bus.ts';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { address as makeAddress, isAddress } from '#machines/address.ts';
import type { Applied } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { orderSchema, orderType } from '#machines/hold.ts';
import { isReservedType, limits, type Body } from '#machines/message.ts';
import { answerMs, commandIdSchema as commandId, operator } from './desk-commands.ts';
import type { Principal } from './route.ts';

export const actorRequests = {
  send: z.object({ type: z.string().min(1).max(limits.typeChars), fields: z.record(z.string(), z.json()).default({}), commandId }),
  run: z.object({ machine: z.string().min(1).max(200), input: z.json().default({}), key: z.string().min(1).max(200).optional(), commandId }),
  order: z.object({ order: orderSchema, commandId }),
  cancel: z.object({ commandId }),
};
type Requests = { [K in keyof typeof actorRequests]: z.output<(typeof actorRequests)[K]> };

const automation = 'automation/http';

export interface Told { address: string; outcome: Applied['outcome']; note: string | null; rev: number | null; value: unknown; status: string | null }

/** All throw TIMEOUT when nobody can tell whether it was applied: ask again with the same `commandId`. */
export interface Actors {
  send(address: string, request: Requests['send']): Promise<Told>;
  /** Starts an actor of this machine, by id or `id@version`; without a version the newest. What automation starts is not the operator's word: it vouches for nothing. */
  run(request: Requests['run'], by?: Principal['who']): Promise<Told>;
  order(address: string, request: Requests['order']): Promise<Told>;
  /** Ends a run from outside, with everything it started and asked. `id`: its address, or an item of the inbox. */
  cancel(id: string, request: Requests['cancel']): Promise<Told>;
}

/** `machines`: keys of this build, oldest version first. */
export function createActors({ store, bus, makeId, machines }: { store: StorePort; bus: Bus; makeId: MakeId; machines: readonly { id: string; key: string }[] }): Actors {
  const tell = async (address: string, body: Body, id: string, from = operator): Promise<Told> => {
    const { outcome, note, rev, value, status } = await bus.submit({ id: `command:${id}`, to: address, from, body }, answerMs);
    if (outcome === 'parked' || outcome === 'refused') throw new KeelsonError('REFUSED', note ?? `${address} refused it`, { hint: 'Look at the actor with `keelson show ACTOR`: it lists what it understands.' });
    return { address, outcome, note, rev, value, status };
  };
  const mustExist = async (address: string) => {
    if (!isAddress(address)) throw new KeelsonError('BAD_ARGUMENT', `'${address}' is not an address; it must be type/key`);
    const actor = (await store.query('actor', { address })) as { status: string; record: { parent: { address: string } | null } } | null;
    if (!actor) throw new KeelsonError('NOT_FOUND', `there is no actor '${address}'`);
    return actor;
  };
  /** Whoever started it, and who started that one, up to the first. */
  const runOf = async (address: string): Promise<string> => {
    const { parent } = (await mustExist(address)).record;
    return parent ? runOf(parent.address) : address;
  };
  /** Whoever ends a run must not lose sight of what it has on its way. */
  const assertNothingLeaves = async (address: string) => {
    for (const { address: busy, value } of (await store.query('onTheirWay', {})) as { address: string; value: unknown }[]) {
      for (let at: string | null = busy; at !== null; at = (await mustExist(at)).record.parent?.address ?? null) {
        if (at === address) throw new KeelsonError('REFUSED', `${busy} is ${String(value)}: what it does outside may be happening now`, { hint: 'Wait until `keelson ops` says how it ended; an unknown one is settled with `keelson ops reconcile ID`.' });
      }
    }
  };
  const isKnown = async (id: string | undefined) => id !== undefined && (await store.query('outcome', { id: `command:${id}` })) !== null;

  return {
    async send(address, { type, fields, commandId: id }) {
      if (isReservedType(type)) throw new KeelsonError('BAD_ARGUMENT', `the event type '${type}' is reserved`);
      await mustExist(address);
      const told = await tell(address, { kind: 'event', event: { ...fields, type } }, id ?? makeId());
      if (told.outcome === 'ignored') throw new KeelsonError('REFUSED', `${address} did not take '${type}': ${told.note}`, { hint: 'Look at the actor with `keelson show ACTOR`: it lists what it understands now.' });
      return told;
    },
    async run({ machine, input, key, commandId: id = makeId() }, by = 'operator') {
      const found = machines.findLast((known) => known.key === machine || known.id === machine);
      if (!found) throw new KeelsonError('NOT_FOUND', `this build has no machine '${machine}'`, { hint: '`keelson machines list` shows what can be run.' });
      const told = await tell(makeAddress(found.id, key ?? id), { kind: 'start', machine: found.key, input }, id, by === 'operator' ? operator : automation);
      if (told.outcome === 'ignored') throw new KeelsonError('REFUSED', `${told.address} was started before`, { hint: 'Give the run another --key.' });
      return told;
    },
    async order(address, { order, commandId: id }) {
      await mustExist(address);
      if (order.do === 'stop') await assertNothingLeaves(address);
      const told = await tell(address, { kind: 'event', event: { type: orderType, ...order } }, id ?? makeId());
      if (told.outcome === 'ignored') throw new KeelsonError('REFUSED', `${address}: ${told.note}`, { hint: 'See what it waits for with `keelson ps`.' });
      return told;
    },
    async cancel(given, { commandId: id }) {
      const item = given.includes('/') && isAddress(given) ? null : ((await store.query('intent', { id: given })) as { actor: string } | null);
      if (!item && !isAddress(given)) throw new KeelsonError('NOT_FOUND', `there is no actor and no inbox item '${given}'`);
      // An item belongs to the run that asked; an address is taken at its word.
      const address = item ? await runOf(item.actor) : given;
      const actor = await mustExist(address);
      if (actor.record.parent) throw new KeelsonError('REFUSED', `${address} is a part of ${actor.record.parent.address}`, { hint: `Cancel that: keelson cancel ${actor.record.parent.address}` });
      if (actor.status !== 'active' && !(await isKnown(id))) throw new KeelsonError('REFUSED', `${address} is ${actor.status} already`);
      await assertNothingLeaves(address);
      return tell(address, { kind: 'stop' }, id ?? makeId());
    },
  };
}
