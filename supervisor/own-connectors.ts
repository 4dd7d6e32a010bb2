// The company's own connectors: each file in `connectors/` of its folder gives one. It is code of the operator's and runs with all
// rights of the server; of the secrets it gets those that it names. What is wrong with one is said at the start, with its file.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { firstIssue, KeelsonError } from '#machines/errors.ts';

/** As far as it is looked at here; the whole contract is in connectors/connector.ts, and `connectorContract` of `keelson/testing` proves it. */
const run = z.custom((value) => typeof value === 'function', 'expected a function');
const actionSchema = z.looseObject({
  name: z.string(), title: z.string().min(1),
  input: z.custom((value) => typeof (value as { safeParse?: unknown } | null)?.safeParse === 'function', 'expected a schema of zod'),
  effect: z.enum(['read', 'write']), risk: z.enum(['low', 'medium', 'high']), reversible: z.boolean(), money: z.boolean(),
  idempotency: z.discriminatedUnion('kind', [z.object({ kind: z.literal('native'), keyLifetimeMs: z.number().positive() }), z.object({ kind: z.literal('lookup') }), z.object({ kind: z.literal('none') })]),
  plan: run, commit: run, prepare: run.optional(), abort: run.optional(), lookup: run.optional(),
}).refine(({ idempotency, lookup }) => idempotency.kind !== 'lookup' || lookup !== undefined, "idempotency 'lookup' needs the function lookup")
  .refine(({ prepare, abort }) => (prepare === undefined) === (abort === undefined), 'prepare and abort belong together');
const connectorSchema = z.looseObject({
  name: z.string(), version: z.string().min(1), hosts: z.array(z.string()), secrets: z.array(z.string()), perMinute: z.number().positive().optional(),
  actions: z.array(actionSchema).min(1),
});

/** A connector whose shape was looked at: the one who joins the parts knows it as `Connector`. */
export type OwnConnector = Pick<z.output<typeof connectorSchema>, 'name' | 'version' | 'hosts' | 'secrets' | 'perMinute'> & { actions: object[] };

export interface OwnConnectorParts {
  /** The values of these secrets; one that is not set is missing in the answer. */
  secrets(names: readonly string[]): Record<string, string>;
  /** Names of connectors that are there already. */
  taken: readonly string[];
}

/** Files of `connectors/` that are code, in the order of their names. */
export function connectorFiles(dataDir: string, end = /(?<!\.test)\.(?:ts|mts|js|mjs)$/): string[] {
  const folder = join(dataDir, 'connectors');
  return existsSync(folder) ? readdirSync(folder).filter((name) => end.test(name)).toSorted().map((name) => join(folder, name)) : [];
}

/** Throws BAD_CONFIG with the file and what is wrong in it. */
export async function loadOwnConnectors(dataDir: string, { secrets, taken }: OwnConnectorParts): Promise<OwnConnector[]> {
  const found = new Map<string, OwnConnector>();
  const files = connectorFiles(dataDir);
  if (files.length > 0) await import('./agent-imports.ts');
  for (const file of files) {
    const place = file.slice(dataDir.length + 1);
    const bad = (message: string, cause?: unknown) => new KeelsonError('BAD_CONFIG', `${place}: ${message}`, { cause, hint: 'See docs/connectors/own.md for a whole connector.' });
    const connector = await loadOne(file, secrets, bad);
    if (taken.includes(connector.name) || found.has(connector.name)) throw bad(`there is another connector '${connector.name}'`);
    found.set(connector.name, connector);
  }
  return [...found.values()];
}

type Bad = (message: string, cause?: unknown) => KeelsonError;

async function loadOne(file: string, secretsOf: OwnConnectorParts['secrets'], bad: Bad): Promise<OwnConnector> {
  const module = await attempt(() => import(pathToFileURL(file).href) as Promise<{ default?: unknown; secrets?: unknown; settingsSchema?: unknown }>, bad);
  if (typeof module.default !== 'function') throw bad('its default export must be a function (settings, secrets) that gives a connector');
  const names = z.array(z.string().regex(/^[A-Z][A-Z0-9_]*$/)).safeParse(module.secrets ?? []);
  if (!names.success) throw bad('`secrets` must be a list of names such as PARCELS_KEY');
  const values = secretsOf(names.data);
  const missing = names.data.find((name) => values[name] === undefined);
  if (missing !== undefined) throw bad(`the secret ${missing} is not set`);

  const factory = module.default as (settings: unknown, secrets: Record<string, string>) => unknown;
  const settings = readSettings(file, module.settingsSchema, bad);
  const made = await attempt(async () => factory(settings, values), bad);
  const parsed = connectorSchema.safeParse(made);
  if (!parsed.success) throw bad(`what it gives is no connector: ${firstIssue(parsed.error, ': ')}`);
  const { name, actions, secrets } = parsed.data;
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(name)) throw bad(`its name '${name}' must be of a to z, 0 to 9 and dashes`);
  const stranger = actions.find((one) => !one.name.startsWith(`${name}.`) || !/^[a-z0-9-]+$/.test(one.name.slice(name.length + 1)));
  if (stranger) throw bad(`the action '${stranger.name}' must be called ${name}.verb`);
  if (new Set(actions.map((one) => one.name)).size !== actions.length) throw bad('two of its actions have one name');
  const unnamed = secrets.find((secret) => !names.data.includes(secret));
  if (unnamed !== undefined) throw bad(`it uses the secret ${unnamed}, which the file does not export in \`secrets\``);
  // As it was made, not as it was read: a schema would leave out what stands on a prototype.
  return made as OwnConnector;
}

/** `parcels.json` beside `parcels.ts`, as `settingsSchema` of the file has it; without a schema there are no settings. */
function readSettings(file: string, schema: unknown, bad: Bad): unknown {
  const settingsFile = file.replace(/\.\w+$/, '.json');
  const isThere = existsSync(settingsFile);
  if (schema === undefined) {
    if (isThere) throw bad('there is a .json beside it, and it exports no settingsSchema to read that by');
    return {};
  }
  if (!(schema instanceof z.ZodType)) throw bad('`settingsSchema` must be a schema of zod');
  let json: unknown = {};
  try {
    if (isThere) json = JSON.parse(readFileSync(settingsFile, 'utf8'));
  } catch (cause) {
    throw bad(`the .json beside it cannot be read: ${(cause as Error).message}`, cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw bad(`the .json beside it: ${firstIssue(parsed.error, ': ')}`);
  return parsed.data;
}

async function attempt<T>(work: () => Promise<T>, bad: Bad): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw bad((cause as Error).message, cause);
  }
}
