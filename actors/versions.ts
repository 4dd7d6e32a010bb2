// What happens when a stored actor meets a build whose machine is not the one it was stored by. Never guessed: it goes on when the
// machine is the same, or when what is stored fits the new one and the new one may have it; else it is held until a build can.
// Pure. Taking over is a step of its own with its own revision, so that a replay folds it.
import { typeOf } from '#machines/address.ts';
import { splitKey } from '#machines/define.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { orderType, type Held } from '#machines/hold.ts';
import type { Body, Message } from '#machines/message.ts';
import { collectEffects } from './effects.ts';
import { giveUp } from './give-up.ts';
import { sha256 } from './hash.ts';
import { keep, release } from './hold.ts';
import { migrate } from './migration.ts';
import type { ActorRecord } from './record.ts';
import type { Definition, Registry } from './registry.ts';
import type { Step } from './step.ts';
import { whyUnfit } from './structure.ts';

/** `first`: the step to commit before anything else is applied. `unfit`: why this build must not touch it. */
export type Meeting = { definition: Definition; first?: Step } | { unfit: string };

/** For an active actor. */
export function meet(registry: Registry, record: ActorRecord, nowMs: number): Meeting {
  const found = findDefinition(registry, record);
  if ('unfit' in found) return found;
  const { definition } = found;
  const same = record.machine === definition.key && record.structure === definition.hash;
  if (same && record.held?.by !== 'version') return { definition };
  try {
    return { definition, first: takeOver(definition, record, nowMs) };
  } catch (error) {
    const reason = plainError(error).message;
    return { unfit: record.machine === definition.key ? `${definition.key} was changed under its version and what is stored does not fit it: ${reason}` : `${definition.key} cannot take over from ${record.machine}: ${reason}` };
  }
}

function findDefinition(registry: Registry, { machine }: ActorRecord): { definition: Definition } | { unfit: string } {
  const exact = registry.get(machine);
  if (exact) return { definition: exact };
  const [id, version] = splitKey(machine);
  const others = registry.list().filter((definition) => definition.id === id);
  const heirs = others.filter(({ protocol }) => protocol.takesOver?.includes(version) || Object.hasOwn(protocol.migrate ?? {}, version));
  if (heirs.length === 1) return { definition: heirs[0]! };
  const names = (definitions: Definition[]) => definitions.map(({ key }) => key).join(' and ');
  if (heirs.length > 1) return { unfit: `this build has no machine '${machine}', and ${names(heirs)} both take over from it` };
  return { unfit: `this build has no machine '${machine}'${others.length > 0 ? `, and ${names(others)} does not take over from it` : ''}` };
}

/** The step by which this build's definition becomes the actor's own. Throws the reason when it does not fit. */
export function takeOver(definition: Definition, previous: ActorRecord, nowMs: number): Step {
  const version = splitKey(previous.machine)[1];
  const taken: ActorRecord = { ...previous, machine: definition.key, structure: definition.hash, rev: previous.rev + 1 };
  const declared = previous.machine === definition.key || previous.snapshot.value === null ? undefined : definition.protocol.migrate?.[version];
  const { record, effects } = declared ? migrate(definition, taken, declared, nowMs) : { record: taken, effects: collectEffects.none() };
  const reason = previous.machine === definition.key && previous.structure === definition.hash ? null : whyUnfit(definition, record);
  if (reason !== null) throw new KeelsonError('UNKNOWN_MACHINE', reason);
  const how = declared ? 'migrated' : 'goes on';
  const { held } = record;
  const step = held?.by === 'version' ? release(record, held.waiting, held, effects) : { outcome: 'applied' as const, note: null, record, effects, taken: [] };
  return { ...step, note: previous.machine === definition.key ? `${how} as ${definition.key}` : `${how} from ${previous.machine} to ${definition.key}` };
}

/** What comes for an actor that this build must not touch: it waits inside the record, in order. The first asks the operator, who may end it. */
export function meetUnfit(record: ActorRecord, message: Message<Body>, reason: string, nowMs: number): Step {
  const { id, from, body } = message;
  const { held, address } = record;
  const unchanged = (outcome: 'ignored' | 'refused', note: string): Step => ({ outcome, note, record, effects: collectEffects.none(), taken: [] });
  if (body.kind === 'event' && body.event.type === orderType) {
    const stop = typeOf(from) === 'operator' && body.event['do'] === 'stop';
    return stop ? giveUp(record, `stopped by ${from} in quarantine: ${reason}`) : unchanged('refused', `it is quarantined: ${reason}`);
  }
  const isTurn = held?.by === 'release' && id === `${address}#${held.rev}.next`;
  if (body.kind === 'next' && !isTurn) return unchanged('ignored', `it is quarantined: ${reason}`);
  if (held && held.by !== 'release') return keep(record, message);
  const rev = record.rev + 1;
  const waiting: Held['waiting'] = [...(held?.waiting ?? []), ...(isTurn ? [] : [{ id, from, body }])];
  const quarantined: ActorRecord = { ...record, rev, held: { by: 'version', reason, rev, sinceMs: nowMs, failed: null, waiting } };
  const escalation = {
    id: escalationOf(quarantined), kind: 'escalation' as const, state: 'input-required' as const,
    summary: `${address} is quarantined: ${reason}. What comes for it is kept, in order, and delivered when a build can take it.`,
    data: { reasons: [reason], payload: { actor: address } },
  };
  return { outcome: 'applied', note: `quarantined: ${reason}`, record: quarantined, effects: { ...collectEffects.none(), intents: [escalation] }, taken: [] };
}

/** The item in the inbox that speaks of this quarantine. */
export function escalationOf({ address, held }: ActorRecord): string {
  return `held-${sha256(`${address}#${held!.rev}`).slice(0, 12)}`;
}
