// Connectors at the desk: what each can do and how it stands, and the switch between sandbox and live. In the sandbox every operation
// of a connector is made as a dry run: the real chart, the real questions, and nothing leaves.
import { z } from 'zod';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { connectorEntity, connectorModeSchema, riskSchema } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Connector } from '../connector.ts';
import type { Circuit } from '../throttle.ts';
import { commandIdSchema, type Commands } from './desk-commands.ts';
import type { Effects } from './desk-effects.ts';

/** `confirm`: the connector's name, once more; without it nothing goes live. */
export const modeRequest = z.object({ mode: connectorModeSchema, reason: z.string().max(2_000).default(''), confirm: z.string().max(100).optional(), commandId: commandIdSchema });
type ModeRequest = z.output<typeof modeRequest>;

export const modeStateSchema = z.object({ name: z.string(), mode: connectorModeSchema, reason: z.string(), sinceMs: z.number().nullable() });
export type ModeState = z.output<typeof modeStateSchema>;

const ended = z.object({ atMs: z.number(), actor: z.string(), reason: z.string().nullable() });
export const connectorViewSchema = modeStateSchema.extend({
  isSetUp: z.boolean(),
  /** Where it is set up, relative to the company folder; null for what the environment sets up. */
  settings: z.string().nullable(),
  secrets: z.array(z.object({ name: z.string(), isSet: z.boolean() })),
  note: z.string(),
  version: z.string(),
  hosts: z.array(z.string()),
  perMinute: z.number().nullable(),
  actions: z.array(z.object({ name: z.string(), title: z.string(), effect: z.enum(['read', 'write']), risk: riskSchema, reversible: z.boolean(), money: z.boolean(), idempotency: z.enum(['native', 'lookup', 'none']) })),
  lastDone: ended.nullable(),
  lastFailed: ended.nullable(),
  /** Ended operations by outcome, among the newest decisions. */
  ended: z.record(z.string(), z.int()),
  /** Null when it was not called since the server started. */
  circuit: z.enum(['closed', 'resting', 'trying']).nullable(),
});
export type ConnectorView = z.output<typeof connectorViewSchema>;

/** A way out as it is set up, or could be. */
export type Setup = Pick<ConnectorView, 'name' | 'isSetUp' | 'settings' | 'secrets' | 'note'>;

export interface ConnectorDesk {
  list(): Promise<ConnectorView[]>;
  /** Throws NOT_FOUND, and BAD_ARGUMENT where going live is not confirmed. What was proposed in the sandbox stays dry. */
  setMode(name: string, request: ModeRequest): Promise<ModeState>;
}

export interface ConnectorDeskParts {
  store: Pick<StorePort, 'query'>;
  commands: Commands;
  makeId: MakeId;
  connectors: readonly Connector[];
  setups(): readonly Setup[];
  circuits(): Promise<Circuit[]>;
  /** What waits because its connector was in the sandbox goes on. */
  wake: Effects['wake'];
}

interface Calls { connector: string; outcome: string; times: number; atMs: number; actor: string; reason: string | null }
interface Sandboxed { connector: string; reason: string; sinceMs: number }

export function createConnectorDesk({ store, commands, makeId, connectors, setups, circuits, wake }: ConnectorDeskParts): ConnectorDesk {
  const sandboxed = async () => ((await store.query('effects', {})) as { sandbox: Sandboxed[] }).sandbox;
  const modeOf = (name: string, sandbox: readonly Sandboxed[]): ModeState => {
    const found = sandbox.find(({ connector }) => connector === name);
    return { name, mode: found ? 'sandbox' : 'live', reason: found?.reason ?? '', sinceMs: found?.sinceMs ?? null };
  };

  return {
    async list() {
      const [sandbox, calls, resting] = [await sandboxed(), (await store.query('connectorCalls', {})) as Calls[], await circuits()];
      return setups().map((setup) => {
        const { name } = setup;
        const connector = connectors.find((one) => one.name === name);
        const its = calls.filter((call) => call.connector === name);
        const last = (outcome: string) => {
          const { atMs, actor, reason } = its.find((call) => call.outcome === outcome) ?? {};
          return atMs === undefined ? null : { atMs, actor: actor!, reason: reason ?? null };
        };
        return {
          ...setup, ...modeOf(name, sandbox), version: connector?.version ?? '', hosts: connector?.hosts ?? [], perMinute: connector?.perMinute ?? null,
          actions: (connector?.actions ?? []).map(({ name: action, title, effect, risk, reversible, money, idempotency }) => ({ name: action, title, effect, risk, reversible, money, idempotency: idempotency.kind })),
          lastDone: last('done'), lastFailed: last('failed'), ended: Object.fromEntries(its.map(({ outcome, times }) => [outcome, times])),
          circuit: resting.find((circuit) => circuit.connector === name)?.state ?? null,
        };
      });
    },
    async setMode(name, { mode, reason, confirm, commandId = makeId() }) {
      if (!connectors.some((one) => one.name === name)) throw new KeelsonError('NOT_FOUND', `no connector '${name}' is set up`, { hint: 'See which are: keelson connectors list' });
      if (mode === 'live' && confirm !== name) throw new KeelsonError('BAD_ARGUMENT', `going live must be confirmed with the connector's name, '${name}'`, { hint: 'Say it as `confirm`.' });
      const entity = connectorEntity(name);
      await commands.write(`command:${commandId}`, { type: 'CONNECTOR_MODE', about: entity, mode, reason }, {
        facts: [{ entity, predicate: 'connector.mode', value: { mode, reason }, label: 'operator', confidence: 1 }],
        decisions: [{ what: 'connector', outcome: mode, confidence: null, reasons: [`${name}${reason === '' ? '' : `: ${reason}`}`], evidence: [], policy: null, model: null, costMicros: null }],
      });
      if (mode === 'live') await wake();
      return modeOf(name, await sandboxed());
    },
  };
}
