// The order of checks for every side effect, on one screen.
//   before anyone is asked:  readable payload → policy → dry run → hash      (activity `gate.check`)
//   after the approval:      same hash → same policy and rule → perform once  (the action's own activity)
// The approval itself is a state of machines/agents/operation.ts; agents cannot take it.
import type { Activity } from '#actors/worker.ts';
import { hashJson } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Connector } from './connector.ts';
import { evaluate, type Policy } from './policy.ts';

export interface GateOptions {
  connectors: Connector<never>[];
  /** The policies in force now. */
  policies(): Promise<Policy[]>;
  recipientDomain(payload: unknown): string;
  /** When a backup was put back: nobody knows what left between the two times. */
  restored(): Promise<{ backupAtMs: number | null; restoredAtMs: number } | null>;
  now(): number;
}

interface Check { operationId: string; action: string; payload: unknown; trusted: string[] }
interface Perform { operationId: string; payload: unknown; payloadHash: string; policy: { id: string; version: string; rule: string } }

/** Mail that was fetched before the restore is fetched again soon after it. */
const doubtMs = 7 * 86_400_000;

const riskOrder = ['low', 'medium', 'high'] as const;

/** Activities for the worker: `gate.check`, and one per connector under its action's name. */
export function createGate({ connectors, policies, recipientDomain, restored, now }: GateOptions): Record<string, Activity> {
  const find = (action: string) => {
    const connector = connectors.find((c) => c.action === action) as Connector<unknown> | undefined;
    if (!connector) throw new KeelsonError('BAD_CONFIG', `no connector performs '${action}'`);
    return connector;
  };

  const doubtAfterRestore = async (): Promise<string | null> => {
    const gap = await restored();
    if (gap === null || now() - gap.restoredAtMs > doubtMs) return null;
    return `a backup ${gap.backupAtMs === null ? '' : `of ${new Date(gap.backupAtMs).toISOString()} `}was put back at ${new Date(gap.restoredAtMs).toISOString()}: look whether this was sent in between`;
  };

  const check: Activity = async (call) => {
    const { operationId, action, payload, trusted } = call.input as Check;
    const connector = find(action);
    const parsed = connector.parse(payload);
    const { answer, policy, why } = evaluate(await policies(), { action, recipientDomain: recipientDomain(parsed) });
    const dryRun = await connector.dryRun(parsed, { operationId, trusted });
    const doubt = await doubtAfterRestore();
    // It may have been done before, in the time that the backup does not know: then a standing yes is not enough.
    const asked = doubt !== null && answer === 'allow' ? 'ask' : answer;
    return { answer: asked, policy, risk: answer === 'deny' || doubt !== null ? riskOrder[2] : dryRun.risk, reasons: [...(doubt === null ? [] : [doubt]), why, ...dryRun.reasons], payloadHash: hashJson(parsed) };
  };

  const perform = (connector: Connector<unknown>): Activity => async (call) => {
    const { operationId, payload, payloadHash, policy } = call.input as Perform;
    const parsed = connector.parse(payload);
    if (hashJson(parsed) !== payloadHash) throw new KeelsonError('REFUSED', 'the payload is not the one that was approved');
    // Asked again, not looked up: a new policy may speak before the one that was shown.
    const { answer, policy: speaks } = evaluate(await policies(), { action: connector.action, recipientDomain: recipientDomain(parsed) });
    if (speaks.id !== policy.id || speaks.version !== policy.version || speaks.rule !== policy.rule) throw new KeelsonError('REFUSED', `policy ${policy.id} has changed since the approval (it was version ${policy.version})`);
    if (answer === 'deny') throw new KeelsonError('REFUSED', `policy rule ${speaks.rule} denies it`);
    return connector.perform(parsed, { operationId, signal: call.signal });
  };

  return { 'gate.check': check, ...Object.fromEntries(connectors.map((c) => [c.action, perform(c as Connector<unknown>)])) };
}
