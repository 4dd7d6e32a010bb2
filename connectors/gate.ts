// The order of checks for every side effect, on one screen.
//   operation.check      before anyone is asked: readable payload → plan → labels → policy → hash of all that a yes is bound to
//   operation.prepare    after the yes: same hash, same connector, same rule, in time, effects on, not in the sandbox, within the caps → first phase
//   operation.commit     the same again, right before the call leaves → once
//   operation.settle     the call may be lost: the provider's key, or a look → done, certainly not, or nobody can tell
//   operation.abort      lets go of the first phase
// The approval itself is a state of machines/agents/operation.ts; agents cannot take it.
import type { Clock } from '#actors/clock.ts';
import { hashJson } from '#actors/hash.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import type { Verdict } from '#machines/agents/activities.ts';
import { capWindowMs, whyOverCap, type Cap } from '#machines/caps.ts';
import type { Found, Mode, Money, Performed, Plan, Reservation } from '#machines/effects.ts';
import { KeelsonError, reasonOf } from '#machines/errors.ts';
import type { Json } from '#machines/predicates.ts';
import type { Action, Call, Connector } from './connector.ts';
import type { Documents } from './documents.ts';
import { findAction, hashOf, judge, readPayload, type Judged, type Judging, type Proposed } from './gate-judge.ts';
import type { Policies } from './policy.ts';
import type { Throttle } from './throttle.ts';

export interface GateOptions {
  connectors: readonly Connector[];
  policies(): Promise<Policies>;
  store: StorePort;
  clock: Clock;
  documents: Documents;
  supervised(agent: string): string | null;
  caps: readonly Cap[];
  throttle: Throttle;
}

interface Check extends Proposed { operation: string; expireAfterMs: number; notAfterMs: number | null }
interface Held { payload: unknown; payloadHash: string; bound: Verdict['bound']; approvalId: string | null; proposal: Proposed['proposal'] }
interface Afterwards extends Held { reservation: Reservation | null; sinceMs: number }
type Ready = Judged & { operationId: string };

const moneyExpiresMs = 3_600_000;

/** The address of the operation, from the generation of its job: `operation/mail.m-1.reply~3#4.0`. */
const addressOf = (generation: string) => generation.slice(0, generation.lastIndexOf('#'));

export function createGate({ connectors, policies, store, clock, documents, supervised, caps, throttle }: GateOptions): Record<string, Activity> {
  const judging: Judging = { connectors, store, policies, documents, supervised, now: clock.now };

  /** `dryRun`: the server that owns the store was started so that nothing leaves. `sandbox`: connectors whose operations the operator wants dry. */
  const effects = () => store.query('effects', {}) as Promise<{ state: string; reason: string; dryRun: boolean; sandbox: { connector: string }[] }>;
  /** Why this connector must not be reached at all, or null. */
  const whyDry = ({ dryRun, sandbox }: Awaited<ReturnType<typeof effects>>, name: string) => (dryRun ? 'this server runs dry' : sandbox.some(({ connector }) => connector === name) ? `the connector ${name} is in the sandbox` : null);
  /** Throws EFFECTS_STOPPED. Asked once more right before each call: what was looked at before may have taken its time. */
  const assertMayLeave = async ({ bound }: Held) => {
    const now = await effects();
    const { state, reason } = now;
    const dry = whyDry(now, bound.connector);
    if (state === 'stopped') throw new KeelsonError('EFFECTS_STOPPED', `effects are stopped${reason ? `: ${reason}` : ''}`);
    if (dry !== null && bound.mode === 'live') throw new KeelsonError('EFFECTS_STOPPED', `${dry}: what was meant in earnest waits until that is over`);
  };
  const dispatch = <T>(held: Held, { connector }: Ready, work: () => Promise<T>) => throttle.run(connector, async () => {
    await assertMayLeave(held);
    return work();
  });

  const check: Activity = async (call): Promise<Verdict> => {
    const given = call.input as Check;
    const isDry = whyDry(await effects(), findAction(connectors, given.action)?.connector.name ?? '') !== null;
    const mode: Mode = isDry ? 'dry-run' : given.mode;
    const judged = await judge(judging, { ...given, mode }, addressOf(call.operationId));
    const expiresAfterMs = Math.min(judged?.policy.expiresAfterMs ?? given.expireAfterMs, judged?.action.money && judged.policy.expiresAfterMs === null ? moneyExpiresMs : Infinity);
    const bound = (connector: string, connectorVersion: string, policy: Verdict['policy'], enclosures: string[]): Verdict['bound'] => ({ operation: given.operation, action: given.action, connector, connectorVersion, mode, enclosures, policy, expiresAtMs: Math.min(clock.now() + expiresAfterMs, given.notAfterMs ?? Infinity) });
    if (!judged) {
      const policy = { id: 'none', version: '0', rule: 'unknown-action' };
      const nothing = bound(given.action.split('.')[0]!, '0', policy, []);
      return { answer: 'deny', policy, risk: 'high', reasons: [`no connector of this company does '${given.action}'`], plan: null, bound: nothing, payload: given.payload as Json, payloadHash: hashOf(nothing, given.payload), contentHash: hashJson(given.payload), expiresAfterMs, effect: 'write', reversible: false, settledBy: 'none', request: null };
    }
    const { connector, action, payload, plan, answer, policy: { policy }, risk, reasons, request } = judged;
    const all = bound(connector.name, connector.version, policy, plan.enclosures.map(({ hash }) => hash));
    return {
      answer, policy, risk, reasons, plan, bound: all, payload: payload as Json, payloadHash: hashOf(all, payload), contentHash: hashJson(given.payload), expiresAfterMs, effect: action.effect, reversible: action.reversible,
      settledBy: action.effect === 'read' ? 'native' : action.idempotency.kind, request: request as unknown as Verdict['request'],
    };
  };

  /** Nothing has changed since the yes, and it is still wanted. Throws REFUSED, EXPIRED or EFFECTS_STOPPED; nothing has left then. */
  const authorize = async (held: Held, operationId: string): Promise<Ready> => {
    const { payload, payloadHash, bound, approvalId, proposal } = held;
    await assertMayLeave(held);
    const judged = await judge(judging, { action: bound.action, payload, mode: bound.mode, proposal }, operationId);
    if (!judged || judged.connector.name !== bound.connector) throw new KeelsonError('REFUSED', `no connector of this company does '${bound.action}' any more`);
    if (hashOf(bound, judged.payload) !== payloadHash) throw new KeelsonError('REFUSED', 'the payload is not the one that was approved');
    const changed = (what: string, was: string, is: string) => new KeelsonError('REFUSED', `${what} has changed since the approval: it was ${was} and is ${is}`);
    if (judged.connector.version !== bound.connectorVersion) throw changed(`the connector ${bound.connector}`, bound.connectorVersion, judged.connector.version);
    const enclosures = judged.plan.enclosures.map(({ hash }) => hash).join(' ');
    if (enclosures !== bound.enclosures.join(' ')) throw changed('what is enclosed', bound.enclosures.join(' ') || 'nothing', enclosures || 'nothing');
    // Asked again, not looked up: another rule may speak now.
    const { policy } = judged.policy;
    if (judged.answer === 'deny') throw new KeelsonError('REFUSED', `policy rule ${policy.rule} denies it`);
    if (policy.id !== bound.policy.id || policy.version !== bound.policy.version || policy.rule !== bound.policy.rule) throw new KeelsonError('REFUSED', `policy ${bound.policy.id} has changed since the approval (it was version ${bound.policy.version})`);
    if (clock.now() > bound.expiresAtMs) throw new KeelsonError('EXPIRED', `the yes to it lapsed at ${new Date(bound.expiresAtMs).toISOString()}`);
    if (judged.answer === 'ask') await assertApproved(approvalId, operationId);
    return { ...judged, operationId };
  };

  const assertApproved = async (approvalId: string | null, operationId: string) => {
    const approval = approvalId === null ? null : ((await store.query('intent', { id: approvalId })) as { kind: string; state: string; actor: string } | null);
    if (approval?.kind !== 'approval' || approval.state !== 'completed' || approval.actor !== operationId) throw new KeelsonError('REFUSED', 'nobody has approved it');
  };

  const assertWithinCaps = async (money: Plan['money'], operationId: string) => {
    if (!money?.moves) return;
    const onTheirWay = (await store.query('payments', { sinceMs: clock.now() - capWindowMs })) as (Money & { actor: string })[];
    const reason = whyOverCap(caps, onTheirWay.filter(({ actor }) => actor !== operationId), money);
    if (reason !== null) throw new KeelsonError('REFUSED', `${reason}. If it is meant, raise \`caps\` in company.json, start the server again, and propose it anew`);
  };

  const callOf = ({ operationId }: Ready, signal: AbortSignal): Call => ({ operationId, documents, signal, nowMs: clock.now });

  const prepare: Activity = async (call) => {
    const held = call.input as Held;
    const ready = await authorize(held, addressOf(call.operationId));
    if (held.bound.mode === 'live') await assertWithinCaps(ready.plan.money, ready.operationId);
    const { action, payload } = ready;
    const reservation = held.bound.mode === 'live' && action.prepare ? await dispatch(held, ready, () => reserve(action, payload, callOf(ready, call.signal))) : null;
    return { reservation, atMs: clock.now() };
  };

  /** It is safe to repeat, and what it may have held lapses by itself: a lost reply is no riddle here. */
  const reserve = async (action: Action<unknown>, payload: unknown, call: Call) => {
    try {
      return await action.prepare!(payload, call);
    } catch (error) {
      if (!(error instanceof KeelsonError) || error.code !== 'SEND_UNKNOWN') throw error;
      throw new KeelsonError('SEND_DEFERRED', `what ${action.name} holds first is not known: ${error.message}`, { cause: error });
    }
  };

  const commit: Activity = async (call): Promise<Performed> => {
    const held = call.input as Afterwards;
    const ready = await authorize(held, addressOf(call.operationId));
    const { action, payload, plan } = ready;
    if (held.bound.mode === 'dry-run') return { done: false, providerRef: '', note: `dry run: ${plan.summary}`, result: null, facts: [] };
    return dispatch(held, ready, () => perform(action, payload, { ...callOf(ready, call.signal), reservation: held.reservation, sinceMs: held.sinceMs }));
  };

  /** A read that failed may simply be made again. */
  const perform = async (action: Action<unknown>, payload: unknown, call: Parameters<Action<unknown>['commit']>[1]) => {
    try {
      return await action.commit(payload, call);
    } catch (error) {
      if (action.effect === 'write' || (error instanceof KeelsonError && error.code !== 'SEND_UNKNOWN')) throw error;
      throw new KeelsonError('SEND_DEFERRED', `${action.name} failed: ${reasonOf(error)}`, { cause: error });
    }
  };

  const settle: Activity = async (call): Promise<Found> => {
    const held = call.input as Afterwards;
    const operationId = addressOf(call.operationId);
    const found = findAction(connectors, held.bound.action);
    if (!found) return { found: 'unclear', note: `no connector of this company does '${held.bound.action}' any more` };
    const dry = whyDry(await effects(), held.bound.connector);
    if (dry !== null) return { found: 'unclear', note: `${dry}, so nobody is asked` };
    const { action, connector } = found;
    const lifetimeMs = action.effect === 'read' ? Infinity : action.idempotency.kind === 'native' ? action.idempotency.keyLifetimeMs : 0;
    if (clock.now() - held.sinceMs < lifetimeMs) {
      const again = await repeat(held, operationId, call.signal);
      if (again.found !== 'unclear' || !action.lookup) return again;
      const seen = await look(connector, action, held, operationId, call.signal);
      // The first call or this one may still be under way there: not to be found yet says nothing.
      if (seen.found === 'absent') throw new KeelsonError('SEND_DEFERRED', `${again.note}; it is not there yet`);
      return seen;
    }
    if (!action.lookup) return { found: 'unclear', note: 'the provider does not know the key of the call any more' };
    return look(connector, action, held, operationId, call.signal);
  };

  const look = (connector: Connector, action: Action<unknown>, { payload, reservation, sinceMs }: Afterwards, operationId: string, signal: AbortSignal) =>
    throttle.run(connector, () => action.lookup!(readPayload(action, payload), { operationId, documents, signal, nowMs: clock.now, reservation, sinceMs }));

  /** The same call under the same key: the provider answers what it answered, or does it now. */
  const repeat = async (held: Afterwards, operationId: string, signal: AbortSignal): Promise<Found> => {
    try {
      const ready = await authorize(held, operationId);
      return { found: 'done', performed: await dispatch(held, ready, () => perform(ready.action, ready.payload, { ...callOf(ready, signal), reservation: held.reservation, sinceMs: held.sinceMs })) };
    } catch (error) {
      const { code, message } = error as KeelsonError;
      if (code === 'SEND_DEFERRED') throw error;
      return { found: code === 'SEND_REFUSED' ? 'absent' : 'unclear', note: message };
    }
  };

  const abort: Activity = async (call) => {
    const { payload: given, bound, reservation } = call.input as Afterwards;
    const found = findAction(connectors, bound.action);
    if (!found?.action.abort || reservation === null) return {};
    // A stop holds back what begins; to let go begins nothing.
    const dry = whyDry(await effects(), bound.connector);
    if (dry !== null) throw new KeelsonError('EFFECTS_STOPPED', `${dry}: what is held lapses by itself`);
    const payload = readPayload(found.action, given);
    await throttle.run(found.connector, () => found.action.abort!(payload, { operationId: addressOf(call.operationId), documents, signal: call.signal, nowMs: clock.now, reservation }));
    return {};
  };

  return { 'operation.check': check, 'operation.prepare': prepare, 'operation.commit': commit, 'operation.settle': settle, 'operation.abort': abort };
}
