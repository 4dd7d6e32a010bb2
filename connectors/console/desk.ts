// The operator's desk: how a person's yes, no or answer reaches the actor that waits for it. Every answer is bound to what was
// shown, by hash, and refused when that has changed.
import type { Bus } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import { hashJson } from '#actors/hash.ts';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Item } from '#machines/inbox.ts';
import { outgoingMailSchema } from '#machines/mail.ts';

export interface Desk {
  /** `hash`: the payload hash that was shown, when the caller has it. `edit`: a new text, or JSON with `text` and `subject`. */
  approve(id: string, options: { hash?: string; edit?: string; commandId?: string }): Promise<Outcome>;
  reject(id: string, options: { reason: string; commandId?: string }): Promise<Outcome>;
  respond(id: string, options: { text: string; commandId?: string }): Promise<Outcome>;
  reconcile(operationId: string, options: { outcome: 'sent' | 'not-sent'; note?: string; commandId?: string }): Promise<Outcome>;
}
export interface Outcome { id: string; state: string; actor: string; value: unknown }

interface Stored { id: string; kind: string; state: string; actor: string; data: Item }
type Answer = { type: 'APPROVE'; payloadHash: string; edit?: unknown } | { type: 'REJECT'; reason: string } | { type: 'RESPOND'; text: string } | { type: 'RECONCILE'; outcome: string; note: string };

const operator = 'operator/desk';
const answerMs = 15_000;

export function createDesk({ store, bus, clock, makeId }: { store: StorePort; bus: Bus; clock: Clock; makeId: MakeId }): Desk {
  const find = (id: string) => store.query('intent', { id }) as Promise<Stored | null>;

  const open = async (id: string): Promise<Stored> => {
    const item = await find(id);
    if (!item) throw new KeelsonError('NOT_FOUND', `there is no inbox item '${id}'`);
    if (item.state !== 'input-required') throw new KeelsonError('REFUSED', `'${id}' is already ${item.state}`);
    return item;
  };

  /** Who asks again with the same command id hears how it stands; the command is not given twice. */
  const once = async (id: string, commandId: string | undefined, command: () => Promise<Outcome>): Promise<Outcome> => {
    const item = commandId === undefined || (await store.query('outcome', { id: `command:${commandId}` })) === null ? null : await find(id);
    if (!item) return command();
    return { id, state: item.state, actor: item.actor, value: JSON.parse((await stateOf(item.actor))?.value ?? 'null') as unknown };
  };

  const tell = async (actor: string, event: Answer, commandId = makeId()) => {
    const applied = await bus.submit({ id: `command:${commandId}`, to: actor, from: operator, body: { kind: 'event', event: { ...event } } }, answerMs);
    if (applied.outcome === 'parked' || applied.outcome === 'refused') throw new KeelsonError('REFUSED', applied.note ?? 'the answer was refused');
    return applied;
  };

  const answer = async (item: Stored, event: Answer, commandId?: string): Promise<Outcome> => {
    // Escalations about an actor that cannot hear any more are settled here: seen is all there is to say.
    const before = await stateOf(item.actor);
    if (item.kind === 'escalation' && (/^(?:failed|parked)-/.test(item.id) || before?.status !== 'active')) return settle(item, event);
    const applied = await tell(item.actor, event, commandId);
    const now = await find(item.id);
    // The actor heard it and stayed where it was: it did not take the answer.
    if (applied.outcome === 'ignored' || (now?.state === 'input-required' && JSON.stringify(applied.value) === before?.value)) {
      throw new KeelsonError('REFUSED', applied.outcome === 'ignored' ? `'${item.id}' does not take this answer. Possible: ${item.data.answers}` : `'${item.id}' has changed since it was shown`);
    }
    return { id: item.id, state: now?.state === 'input-required' ? 'working' : (now?.state ?? 'completed'), actor: item.actor, value: applied.value };
  };

  const stateOf = async (address: string) => {
    const actor = (await store.query('actor', { address })) as { status: string; record: { snapshot: { value: unknown; context: { payload?: unknown; payloadHash?: string } } } } | null;
    return actor && { status: actor.status, value: JSON.stringify(actor.record.snapshot.value), context: actor.record.snapshot.context };
  };

  const settle = async (item: Stored, event: Answer): Promise<Outcome> => {
    const state = event.type === 'REJECT' ? 'rejected' : 'completed';
    await store.commit({ ...emptyCommit(`command:${makeId()}`, clock.now(), operator, { settled: item.id, event }), intents: [{ id: item.id, kind: 'escalation', state }] });
    return { id: item.id, state, actor: item.actor, value: null };
  };

  /** What waits must be what its hash says, and what the caller saw. */
  const checkHash = async (item: Stored, shown: string | undefined) => {
    const { payload, payloadHash } = item.data;
    const held = item.kind === 'approval' ? (await stateOf(item.actor))?.context : undefined;
    const changed = held && (hashJson(payload) !== payloadHash || hashJson(held.payload) !== held.payloadHash);
    if (changed) throw new KeelsonError('REFUSED', `the payload of '${item.id}' is not what its hash ${payloadHash.slice(0, 12)} says; it was changed`);
    if (shown !== undefined && shown !== payloadHash) throw new KeelsonError('REFUSED', `'${item.id}' has changed since it was shown: its hash is ${payloadHash.slice(0, 12)} now`);
  };

  return {
    approve: (id, { hash, edit, commandId }) => once(id, commandId, async () => {
      const item = await open(id);
      await checkHash(item, hash);
      return answer(item, { type: 'APPROVE', payloadHash: item.data.payloadHash, ...(edit === undefined ? {} : { edit: applyEdit(item, edit) }) }, commandId);
    }),
    reject: (id, { reason, commandId }) => once(id, commandId, async () => answer(await open(id), { type: 'REJECT', reason }, commandId)),
    respond: (id, { text, commandId }) => once(id, commandId, async () => answer(await open(id), { type: 'RESPOND', text }, commandId)),
    async reconcile(operationId, { outcome, note = '', commandId }) {
      const operations = (await store.query('operations', {})) as { address: string; context: { id: string }; value: unknown }[];
      const found = operations.find((o) => o.context.id === operationId || o.address === operationId);
      if (!found) throw new KeelsonError('NOT_FOUND', `there is no operation '${operationId}'`);
      if (found.value !== 'unknown') throw new KeelsonError('REFUSED', `operation '${operationId}' is ${JSON.stringify(found.value)}, not unknown; there is nothing to reconcile`);
      const applied = await tell(found.address, { type: 'RECONCILE', outcome, note }, commandId);
      return { id: operationId, state: 'reconciled', actor: found.address, value: applied.value };
    },
  };
}

/** An edit replaces the text, or the named fields when the file is JSON; who it goes to stays. */
function applyEdit(item: Stored, edit: string): { payload: unknown; payloadHash: string } {
  if (item.kind !== 'approval') return { payload: { text: edit }, payloadHash: '' };
  const fields = edit.trimStart().startsWith('{') ? (parseJson(edit) as { text?: unknown; subject?: unknown }) : { text: edit };
  const payload = outgoingMailSchema.safeParse({ ...(item.data.payload as object), ...(fields.text === undefined ? {} : { text: fields.text }), ...(fields.subject === undefined ? {} : { subject: fields.subject }) });
  if (!payload.success) throw new KeelsonError('BAD_ARGUMENT', `the edited mail is not valid: ${payload.error.issues[0]?.path.join('.')} ${payload.error.issues[0]?.message}`);
  return { payload: payload.data, payloadHash: hashJson(payload.data) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KeelsonError('BAD_ARGUMENT', 'the edit looks like JSON but is not readable', { cause });
  }
}
