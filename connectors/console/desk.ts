// The operator's desk: how a person's yes, no or answer reaches the actor that waits for it. Every answer is bound to what was
// shown, by hash, and refused when that has changed.
import type { Bus } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import { hashJson } from '#actors/hash.ts';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Verdict } from '#machines/agents/activities.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Item } from '#machines/inbox.ts';
import { clockKeeper, decideClock } from './desk-clock.ts';
import { answerMs, createCommands, messageOf, operator, type Before, type Content } from './desk-commands.ts';
import { decideContradiction, type Decided } from './desk-contradictions.ts';
import { createKnowledge, type Knowledge } from './desk-facts.ts';
import { isPublication, publishLearnt, type WriteFile } from './desk-publish.ts';
import { parseJson } from './json-guard.ts';

/** With `commandId` a command may be given again; see desk-commands.ts. */
export interface Desk extends Knowledge {
  /** `hash`: the payload hash that was shown, when the caller has it. `edit`: a new text, or JSON with `text` and `subject`. `reason`: why it was edited. */
  approve(id: string, options: { hash?: string; edit?: string; reason?: string; commandId?: string }): Promise<Outcome>;
  reject(id: string, options: { reason: string; commandId?: string }): Promise<Outcome>;
  respond(id: string, options: { text: string; reason?: string; commandId?: string }): Promise<Outcome>;
  /** What became of an unknown operation: the operator says, or has the provider asked once more (`look`). */
  reconcile(operationId: string, options: { outcome: 'done' | 'not-done' | 'look'; note?: string; commandId?: string }): Promise<Outcome>;
}
export interface Outcome { id: string; state: string; actor: string; value: unknown }

interface OperationContext { payload?: unknown; payloadHash?: string; verdict?: Verdict | null }
interface Stored { id: string; kind: string; state: string; actor: string; data: Item }
type Edit = { payload: unknown; payloadHash: string };
type Answer = Content & ({ type: 'APPROVE'; payloadHash: string; edit?: Edit } | { type: 'REJECT'; reason: string } | { type: 'RESPOND'; text: string } | { type: 'RECONCILE'; outcome: string; note: string });

/** `whyNotPayload`: why an edited payload is none of its action. `onClockAnswered`: what was held because the clock jumped may go now. */
export function createDesk({ store, bus, clock, makeId, whyNotPayload = () => null, onClockAnswered = () => {}, writeFile }: { writeFile?: WriteFile; store: StorePort; bus: Bus; clock: Clock; makeId: MakeId; whyNotPayload?: (action: string, payload: unknown) => string | null; onClockAnswered?: () => void }): Desk {
  const find = (id: string) => store.query('intent', { id }) as Promise<Stored | null>;
  const commands = createCommands({ store, clock, makeId });

  const mustWait = (item: Stored) => {
    if (item.state !== 'input-required') throw new KeelsonError('REFUSED', `'${item.id}' is already ${item.state}`);
  };
  const doesNotTake = (item: Stored) => new KeelsonError('REFUSED', `'${item.id}' does not take this answer. Possible: ${item.data.answers}`);

  /** What came of it when it was first asked; how the actor stands is told as it is today. */
  const again = async (item: Stored, { first, note }: Before): Promise<Outcome> => {
    if (first !== 'applied') throw first === 'ignored' ? doesNotTake(item) : new KeelsonError('REFUSED', note ?? 'the answer was refused');
    return { id: item.id, state: item.state, actor: item.actor, value: JSON.parse((await stateOf(item.actor))?.value ?? 'null') as unknown };
  };

  const tell = async (id: string, actor: string, event: Content) => {
    const applied = await bus.submit({ id, to: actor, from: operator, body: messageOf(event) }, answerMs);
    if (applied.outcome === 'parked' || applied.outcome === 'refused') throw new KeelsonError('REFUSED', applied.note ?? 'the answer was refused');
    return applied;
  };

  /** `makeAnswer` is bound to the item as it is stored, so that the same command makes the same answer later. */
  const answer = async (id: string, commandId: string | undefined, makeAnswer: (item: Stored) => Answer): Promise<Outcome> => {
    const item = await find(id);
    if (!item) throw new KeelsonError('NOT_FOUND', `there is no inbox item '${id}'`);
    const event = makeAnswer(item);
    return commands.once(commandId, event, {
      again: (before) => again(item, before),
      async first(command) {
        mustWait(item);
        if (event.type === 'APPROVE') await checkPayload(item, event.payloadHash);
        if ((item.actor === 'store/questions' && item.kind === 'task') || item.actor === clockKeeper) return decide(item, event, command);
        // Escalations about an actor that cannot hear any more are settled here: seen is all there is to say.
        const before = await stateOf(item.actor);
        if (item.kind === 'escalation' && (/^(?:failed|held|parked|stuck)-/.test(item.id) || before?.status !== 'active')) return settle(item, event, command);
        if (before?.held) throw new KeelsonError('REFUSED', `${item.actor} is held: ${before.held.reason || before.held.by}`, { hint: `Let it go on first: keelson resume ${item.actor}` });
        if (event.type === 'APPROVE' && isPublication(item)) {
          if (event.edit || !writeFile) throw doesNotTake(item);
          await publishLearnt({ commands, writeFile }, item);
        }
        const applied = await tell(command, item.actor, event);
        const now = await find(item.id);
        // The actor heard it and stayed where it was: it did not take the answer.
        if (applied.outcome === 'ignored') {
          // Another answer was faster: one that was still on its way when the server died, say.
          mustWait(now ?? item);
          throw doesNotTake(item);
        }
        if (now?.state === 'input-required' && JSON.stringify(applied.value) === before?.value) throw new KeelsonError('REFUSED', `'${item.id}' has changed since it was shown`);
        return { id: item.id, state: now?.state === 'input-required' ? 'working' : (now?.state ?? 'completed'), actor: item.actor, value: applied.value };
      },
    });
  };

  const stateOf = async (address: string) => {
    const actor = (await store.query('actor', { address })) as { status: string; record: { held?: { by: string; reason: string }; snapshot: { value: unknown; context: OperationContext } } } | null;
    return actor && { status: actor.status, held: actor.record.held, value: JSON.stringify(actor.record.snapshot.value), context: actor.record.snapshot.context };
  };

  const settle = async (item: Stored, content: Answer, id: string): Promise<Outcome> => {
    const state = content.type === 'REJECT' ? 'rejected' : 'completed';
    await commands.write(id, content, { intents: [{ id: item.id, kind: 'escalation', state }] });
    return { id: item.id, state, actor: item.actor, value: null };
  };

  const decide = (item: Stored, content: Answer, id: string): Promise<Outcome> => commands.inTurn(async () => {
    mustWait((await find(item.id)) ?? item); // somebody may have been faster
    if (item.actor === clockKeeper) {
      const state = await decideClock(commands, item, { id, content });
      if (state === null) throw doesNotTake(item);
      onClockAnswered();
      return { id: item.id, state, actor: item.actor, value: null };
    }
    const decided = whatHolds(content);
    if (item.data.category !== 'contradiction' || !decided) throw doesNotTake(item);
    const state = await decideContradiction({ store, clock, commands }, item, decided, { id, content });
    return { id: item.id, state, actor: item.actor, value: null };
  });

  /** What waits must be what its hash says, and what the caller saw. */
  const checkPayload = async (item: Stored, shown: string | undefined) => {
    const { payload, payloadHash, bound } = item.data;
    const held = item.kind === 'approval' ? (await stateOf(item.actor))?.context : undefined;
    const changed = held && (hashJson({ ...bound, payload: payload }) !== payloadHash || hashJson({ ...held.verdict?.bound, payload: held.payload }) !== held.payloadHash);
    if (changed) throw new KeelsonError('REFUSED', `the payload of '${item.id}' is not what its hash ${payloadHash.slice(0, 12)} says; it was changed`);
    if (shown !== payloadHash) throw new KeelsonError('REFUSED', `'${item.id}' has changed since it was shown: its hash is ${payloadHash.slice(0, 12)} now`);
  };

  const checked = (item: Stored, made: Edit): Edit => {
    const action = item.data.bound?.['action'];
    const reason = typeof action === 'string' ? whyNotPayload(action, made.payload) : null;
    if (reason !== null) throw new KeelsonError('BAD_ARGUMENT', `what was edited cannot be done: ${reason}`);
    return made;
  };

  const because = (reason: string | undefined) => (reason === undefined ? {} : { reason });
  return {
    ...createKnowledge({ store, clock, commands }),
    approve: (id, { hash, edit, reason, commandId }) => answer(id, commandId, (item) => {
      const { payloadHash } = item.data;
      const edited = edit === undefined ? undefined : checked(item, applyEdit(item, edit));
      // An edit that changes nothing is a plain yes.
      return { type: 'APPROVE', about: id, payloadHash: hash ?? payloadHash, ...(edited === undefined || hashJson(edited.payload) === hashJson(item.data.payload) ? {} : { edit: edited, ...because(reason) }) };
    }),
    reject: (id, { reason, commandId }) => answer(id, commandId, () => ({ type: 'REJECT', about: id, reason })),
    respond: (id, { text, reason, commandId }) => answer(id, commandId, () => ({ type: 'RESPOND', about: id, text, ...because(reason) })),
    async reconcile(operationId, { outcome, note = '', commandId }) {
      const [found, ...others] = (await store.query('operation', { id: operationId })) as { address: string; id: string | null; value: unknown }[];
      if (!found) throw new KeelsonError('NOT_FOUND', `there is no operation '${operationId}'`);
      if (others.length > 0) throw new KeelsonError('REFUSED', `several operations are called '${operationId}': ${[found, ...others].map(({ address }) => address).join(', ')}`, { hint: 'Name the one you mean by its address.' });
      const event: Answer = { type: 'RECONCILE', about: found.id ?? found.address, outcome, note };
      const reconciled = (value: unknown): Outcome => ({ id: operationId, state: 'reconciled', actor: found.address, value });
      return commands.once(commandId, event, {
        async again({ first, note: why }) {
          if (first !== 'applied') throw new KeelsonError('REFUSED', why ?? 'the answer was refused');
          return reconciled(found.value);
        },
        async first(command) {
          if (found.value !== 'unknown') throw new KeelsonError('REFUSED', `operation '${operationId}' is ${JSON.stringify(found.value)}, not unknown; there is nothing to reconcile`);
          return reconciled((await tell(command, found.address, event)).value);
        },
      });
    },
  };
}

/** Null when the answer is none that a contradiction takes. */
function whatHolds(content: Answer): Decided | null {
  if (content.type === 'APPROVE' && content.edit === undefined) return { says: 'added' };
  if (content.type === 'REJECT') return { says: 'standing' };
  return content.type === 'RESPOND' ? { says: 'neither', text: content.text } : null;
}

/** An edit changes words: the text, or the named fields of text when the file is JSON. Where it goes and how much it moves stays. */
function applyEdit(item: Stored, edit: string): Edit {
  if (item.kind !== 'approval') return { payload: { text: edit }, payloadHash: '' };
  const before = item.data.payload as Record<string, unknown>;
  const fields = edit.trimStart().startsWith('{') ? (parseJson(edit, 'the edit (it begins like JSON)') as Record<string, unknown>) : { text: edit };
  const control = new Set((item.data.control ?? []).map(({ field }) => field.split(/[.[]/)[0]));
  for (const [field, value] of Object.entries(fields)) {
    if (JSON.stringify(value) === JSON.stringify(before[field])) continue;
    if (typeof before[field] !== 'string' || control.has(field)) throw new KeelsonError('BAD_ARGUMENT', `an edit changes words, and '${field}' of '${item.id}' stays as it is`, { hint: 'Reject it, and have it proposed anew.' });
    if (typeof value !== 'string' || value.trim() === '') throw new KeelsonError('BAD_ARGUMENT', `the edited ${field} is no text`);
  }
  return edited({ ...before, ...fields });
}

const edited = (payload: unknown): Edit => ({ payload, payloadHash: hashJson(payload) });
