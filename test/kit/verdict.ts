// A gate for tests of what stands before and behind it: it answers as it is told, and hashes as the real one does.
import { hashJson } from '#actors/hash.ts';
import { hashOf } from '#connectors/gate-judge.ts';
import type { Activity } from '#actors/worker.ts';
import type { Verdict } from '#machines/agents/activities.ts';
import type { Mode, Performed } from '#machines/effects.ts';

interface Check { operation: string; action: string; payload: Verdict['bound'] | object; mode: Mode; expireAfterMs: number }

/** What `operation.check` answers for this input. */
export function verdictFor(input: unknown, change: Partial<Verdict> = {}): Verdict {
  const { operation, action, payload, mode, expireAfterMs } = input as Check;
  const { policy = { id: 'mail', version: '1+a', rule: 'ask' } } = change;
  const bound = { operation, action, connector: action.split('.')[0]!, connectorVersion: '1', mode, enclosures: [], policy, expiresAtMs: 9_000_000_000_000 };
  return {
    answer: 'ask', policy, risk: 'medium', reasons: ['always ask'], bound, payload: payload as Verdict['payload'], payloadHash: hashOf(bound, payload), contentHash: hashJson(payload), expiresAfterMs: expireAfterMs, effect: 'write', reversible: false, settledBy: 'none', request: null,
    plan: { summary: `do ${action}`, preview: '', risk: 'medium', reasons: [], control: [], enclosures: [], money: null },
    ...change,
  };
}

export const performed = (change: Partial<Performed> = {}): Performed => ({ done: true, providerRef: '<ref@x>', note: '250 ok', result: null, facts: [], ...change });

/** Every activity of an operation; `commit` is what happens outside. */
export function operationActivities({ verdict = () => ({}), commit = async () => performed() }: { verdict?: (input: never) => Partial<Verdict>; commit?: Activity } = {}): Record<string, Activity> {
  return {
    'operation.check': async ({ input }) => verdictFor(input, verdict(input)),
    'operation.prepare': async () => ({ reservation: null, atMs: 0 }),
    'operation.commit': commit,
    'operation.settle': async () => ({ found: 'unclear', note: 'nobody knows' }),
    'operation.abort': async () => ({}),
  };
}
