// The real gate over a connector that writes letters, with a store that answers as it is told. For tests of what may leave.
import { z } from 'zod';
import type { Activity } from '#actors/worker.ts';
import type { Verdict } from '#machines/agents/activities.ts';
import { KeelsonError } from '#machines/errors.ts';
import { action, type Call, type Connector, type Idempotency } from '#connectors/connector.ts';
import { createGate, type GateOptions } from '#connectors/gate.ts';
import type { Policies, PolicyAnswer, PolicyRequest } from '#connectors/policy.ts';
import type { StorePort } from '#actors/store-port.ts';
import { performed } from './verdict.ts';

export const letterSchema = z.strictObject({ to: z.string(), text: z.string(), enclosure: z.string().optional(), amountMinor: z.number().int().positive().optional() });
export type Letter = z.output<typeof letterSchema>;

/** What the store and the world say; tests change it as they go. */
export interface Outside {
  answer: PolicyAnswer['answer'];
  policyVersion: string;
  connectorVersion: string;
  nowMs: number;
  effects: 'running' | 'stopped';
  /** Values somebody vouches for. */
  vouched: string[];
  proposer: string | null;
  supervised: string | null;
  restored: { backupAtMs: number | null; restoredAtMs: number } | null;
  approval: { kind: string; state: string; actor: string } | null;
  payments: { amountMinor: number; currency: string; payee: string; actor: string }[];
  idempotency: Idempotency;
  dryRun: boolean;
  /** Names of connectors. */
  sandbox: string[];
  /** Bytes of documents by id, as their hash. */
  documents: Record<string, string>;
  /** Happens while the gate looks at what would be done. */
  planning(): void;
  /** What the provider does. */
  provider(payload: Letter): Promise<void>;
  lookup: Activity | null;
}

export const operationAddress = 'operation/o-1';
const dayMs = 86_400_000;

export function makeGate(change: Partial<Outside> = {}) {
  const outside: Outside = {
    answer: 'ask', policyVersion: '1+a', connectorVersion: '1', nowMs: 1_900_000_000_000, effects: 'running', vouched: [], proposer: 'mail/m-1', supervised: null, restored: null,
    approval: { kind: 'approval', state: 'completed', actor: operationAddress }, payments: [], idempotency: { kind: 'none' }, dryRun: false, sandbox: [], documents: {}, planning: () => {}, provider: async () => {}, lookup: null, ...change,
  };
  const done: { operationId: string; payload: Letter }[] = [];
  const requests: PolicyRequest[] = [];
  const answers: Record<string, (args: Record<string, unknown>) => unknown> = {
    effects: () => ({ state: outside.effects, reason: 'a test', dryRun: outside.dryRun, sandbox: outside.sandbox.map((connector) => ({ connector })) }),
    proposer: () => outside.proposer,
    vouched: ({ value }) => (outside.vouched.includes(String(value)) ? { fact: 'f-1-0', label: 'operator', predicate: 'person.email' } : null),
    restored: () => outside.restored,
    intent: () => outside.approval,
    payments: () => outside.payments,
  };
  const store = { query: async (name: string, args: Record<string, unknown>) => answers[name]!(args), commit: () => Promise.reject(new Error('not here')), load: () => Promise.resolve(null) } as unknown as StorePort;
  const policies: Policies = {
    version: outside.policyVersion,
    decide(request: PolicyRequest): PolicyAnswer {
      requests.push(request);
      return { answer: outside.answer, policy: { id: 'mail', version: outside.policyVersion, rule: outside.answer }, why: `rule ${outside.answer}`, expiresAfterMs: null };
    },
  } as Policies;
  const plan = async (payload: Letter) => (outside.planning(), {
    summary: `a letter to ${payload.to}`, preview: payload.text, risk: 'medium' as const, reasons: [],
    control: [{ kind: 'recipient' as const, field: 'to', value: payload.to.toLowerCase(), vouchedBy: null }],
    enclosures: payload.enclosure === undefined ? [] : [{ artifact: payload.enclosure, name: 'x', mediaType: 'text/plain', hash: outside.documents[payload.enclosure] ?? 'none', sizeBytes: 1 }],
    money: payload.amountMinor === undefined ? null : { amountMinor: payload.amountMinor, currency: 'EUR', payee: payload.to, moves: true },
  });
  const commit = async (payload: Letter, call: Call) => {
    await outside.provider(payload);
    done.push({ operationId: call.operationId, payload });
    return performed({ providerRef: `<${call.operationId}>` });
  };
  const send = { input: letterSchema, risk: 'medium' as const, reversible: false, money: false, plan, commit };
  const letters = (): Connector => ({
    name: 'letter', version: outside.connectorVersion, hosts: [], secrets: [],
    actions: [
      action<Letter>({ ...send, name: 'letter.send', title: 'Send', effect: 'write', idempotency: outside.idempotency, ...(outside.lookup ? { lookup: outside.lookup as never } : {}) }),
      action<Letter>({ ...send, name: 'letter.pay', title: 'Pay', effect: 'write', money: true, idempotency: outside.idempotency, prepare: async () => ({ ref: 'r-1', expiresAtMs: outside.nowMs + dayMs, note: 'held' }), abort: async () => {} }),
      action<Letter>({ ...send, name: 'letter.read', title: 'Read', effect: 'read', risk: 'low', idempotency: { kind: 'none' } }),
    ],
  });
  const options = (): GateOptions => ({
    connectors: [letters()], policies: async () => policies, store, documents: {} as never,
    clock: { now: () => outside.nowMs } as never, supervised: () => outside.supervised, throttle: { run: (_, work) => work() },
    caps: [{ currency: 'EUR', perDayMinor: 10_000, perPayeePerDayMinor: 5_000 }],
  });
  /** A new gate each time, so that what a test changed counts. */
  const run = (name: string, input: unknown) => createGate(options())[`operation.${name}`]!({ input: input as never, operationId: `${operationAddress}#1.0`, attempt: 1, signal: new AbortController().signal, heartbeat: () => {} });
  const check = (payload: unknown, rest: object = {}) => run('check', { operation: 'o-1', action: 'letter.send', payload, mode: 'live', proposal: { category: null, confidence: 0.8 }, expireAfterMs: dayMs, notAfterMs: null, ...rest }) as Promise<Verdict>;
  const held = (payload: unknown, verdict: Verdict, rest: object = {}) => ({ payload, payloadHash: verdict.payloadHash, bound: verdict.bound, approvalId: 'ap-1', proposal: { category: null, confidence: 0.8 }, reservation: null, sinceMs: outside.nowMs, ...rest });
  return { outside, done, requests, run, check, held, activities: () => createGate(options()) };
}

export const failsWith = (code: string, message: RegExp) => (error: unknown) => error instanceof KeelsonError && error.code === code && message.test(error.message);
