// What is to be thought of an operation: what it would do, who vouches for where it goes, what policy says, and what no policy can
// allow. Asked before anyone is asked, and again right before it leaves: the second answer must be the first.
import { hashJson } from '#actors/hash.ts';
import type { StorePort } from '#actors/store-port.ts';
import { typeOf } from '#machines/address.ts';
import type { Verdict } from '#machines/agents/activities.ts';
import { planSchema, type Control, type Mode, type Plan } from '#machines/effects.ts';
import { firstIssue, KeelsonError } from '#machines/errors.ts';
import type { Action, Connector } from './connector.ts';
import type { Documents } from './documents.ts';
import type { Policies, PolicyAnswer, PolicyRequest } from './policy.ts';

export interface Judging {
  connectors: readonly Connector[];
  store: Pick<StorePort, 'query'>;
  policies(): Promise<Policies>;
  documents: Documents;
  /** Why what this type of agent proposes is always asked about, or null. */
  supervised(agent: string): string | null;
  now(): number;
}
export interface Proposed { action: string; payload: unknown; mode: Mode; proposal: { category: string | null; confidence: number | null } }
export interface Judged {
  connector: Connector;
  action: Action<unknown>;
  payload: unknown;
  plan: Plan;
  request: PolicyRequest;
  answer: PolicyAnswer['answer'];
  policy: PolicyAnswer;
  risk: Verdict['risk'];
  reasons: string[];
}

/** Mail that was fetched before the restore is fetched again soon after it. */
const doubtMs = 7 * 86_400_000;

export function findAction(connectors: readonly Connector[], name: string): { connector: Connector; action: Action<unknown> } | null {
  for (const connector of connectors) {
    const action = connector.actions.find((one) => one.name === name);
    if (action) return { connector, action: action as unknown as Action<unknown> };
  }
  return null;
}

/** The payload in the shape its action takes. Throws REFUSED. */
export function readPayload(action: Action<unknown>, payload: unknown): unknown {
  const parsed = action.input.safeParse(payload);
  if (!parsed.success) throw new KeelsonError('REFUSED', `not a payload of ${action.name}: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

/** Why this is nothing that the action could do, or null. */
export function whyNotPayload(connectors: readonly Connector[], name: string, payload: unknown): string | null {
  const found = findAction(connectors, name);
  const issue = found?.action.input.safeParse(payload).error;
  return found ? issue ? firstIssue(issue, ': ') : null : `no connector of this company does '${name}'`;
}

/** `operationId` is the address of the operation's actor: nobody can choose it, and no two operations share it. */
export async function judge({ connectors, store, policies, documents, supervised, now }: Judging, { action: name, payload: given, mode, proposal }: Proposed, operationId: string): Promise<Judged | null> {
  const found = findAction(connectors, name);
  if (!found) return null;
  const { connector, action } = found;
  const payload = readPayload(action, given);
  const proposer = ((await store.query('proposer', { address: operationId })) as string | null) ?? 'unknown/unknown';
  const agent = typeOf(proposer);
  const planned = planSchema.parse(await action.plan(payload, { operationId, documents }));
  const control = await Promise.all(planned.control.map((one) => vouch(one, agent)));
  const plan = { ...planned, control };
  const tainted = control.filter(({ vouchedBy }) => vouchedBy === null);

  const whySupervised = supervised(agent);
  const request = toRequest({ agent, connector, action, plan, tainted, mode, proposal, supervised: whySupervised !== null });
  const policy = (await policies()).decide(request);
  const doubt = await doubtAfterRestore();
  // What stands against a standing yes, whatever the rule says.
  const against = [
    ...(doubt === null ? [] : [doubt]),
    ...tainted.map(({ kind, field, value }) => `${kind} ${readable(value)} (${field}) is known only from what was handed in; nobody the company trusts vouches for it`),
    ...(action.effect === 'write' && agent !== 'operator' ? [whySupervised].filter((why) => why !== null) : []),
  ];
  const answer = policy.answer === 'allow' && against.length > 0 ? 'ask' : policy.answer;
  const risk = answer === 'deny' || doubt !== null ? 'high' : plan.risk;
  return { connector, action, payload, plan, request, answer, policy, risk, reasons: [policy.why, ...plan.reasons, ...against] };

  async function vouch(one: Control, by: string): Promise<Control> {
    if (one.vouchedBy !== null) return one;
    if (by === 'operator') return { ...one, vouchedBy: 'you proposed it' };
    const fact = (await store.query('vouched', { kind: one.kind, value: JSON.stringify(one.value), nowMs: now() })) as { fact: string; label: string; predicate: string } | null;
    return fact ? { ...one, vouchedBy: `fact ${fact.fact}: ${fact.predicate}, ${fact.label}` } : one;
  }

  /** It may have been done before, in the time that the backup does not know: then a standing yes is not enough. */
  async function doubtAfterRestore(): Promise<string | null> {
    const gap = (await store.query('restored', {})) as { backupAtMs: number | null; restoredAtMs: number } | null;
    if (gap === null || action.effect === 'read' || now() - gap.restoredAtMs > doubtMs) return null;
    return `a backup ${gap.backupAtMs === null ? '' : `of ${new Date(gap.backupAtMs).toISOString()} `}was put back at ${new Date(gap.restoredAtMs).toISOString()}: look whether this was done in between`;
  }
}

function toRequest({ agent, connector, action, plan, tainted, mode, proposal, supervised }: { agent: string; connector: Connector; action: Action<unknown>; plan: Plan; tainted: Control[]; mode: Mode; proposal: Proposed['proposal']; supervised: boolean }): PolicyRequest {
  const valuesOf = (kind: Control['kind']) => plan.control.filter((one) => one.kind === kind).map(({ value }) => (typeof value === 'string' ? value : JSON.stringify(value)));
  const recipients = valuesOf('recipient');
  return {
    agent, action: action.name, connector: connector.name,
    context: {
      effect: action.effect, risk: plan.risk, reversible: action.reversible, isMoney: action.money, mode, supervised,
      tainted: [...new Set(tainted.map(({ kind }) => kind))].toSorted(),
      recipients, recipientDomains: [...new Set(recipients.map((address) => address.split('@').at(-1)!))],
      hosts: valuesOf('host'), paths: valuesOf('path'), payees: valuesOf('payee'),
      amountMinor: plan.money?.amountMinor ?? 0, currency: plan.money?.currency ?? '',
      confidence: proposal.confidence === null ? -1 : Math.round(proposal.confidence * 100), category: proposal.category ?? '',
    },
  };
}

const readable = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

/** The hash that a yes names: the payload with all that the yes is bound to. */
export const hashOf = (bound: Verdict['bound'], payload: unknown): string => hashJson({ ...bound, payload });
