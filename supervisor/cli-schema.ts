// Commands about the shapes of everything that is stored or travels. `docs/schemas.json` is what was accepted last; a change that
// breaks a reader needs a new version, and this is where that is noticed.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { toAsyncApi } from '#connectors/console/asyncapi.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { compareCatalogs, schemaCatalog, type SchemaEntry, type SchemaProblem } from '#machines/schemas.ts';
import { queries } from '#store/queries.ts';
import { table } from './cli-output.ts';
import type { Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';
import { createMachines } from './agents.ts';

export const snapshotFile = fileURLToPath(new URL('../docs/schemas.json', import.meta.url));
const update = 'npm run keelson -- schema check --update';

export interface SchemaCheck {
  /** What breaks under the same version. */
  problems: SchemaProblem[];
  /** Names of entries that the snapshot lacks, has otherwise, or has too many. */
  outdated: string[];
}

export function buildCatalog(): SchemaEntry[] {
  const registry = createMachines();
  return schemaCatalog(registry.list().map(({ machine }) => machine), registry.activities());
}

export const renderCatalog = (catalog: readonly SchemaEntry[]) => `${JSON.stringify(catalog, null, 2)}\n`;

/** Without a file everything is new. Throws BAD_CONFIG when it is no catalog. */
export function readSnapshot(file: string): SchemaEntry[] {
  if (!existsSync(file)) return [];
  try {
    const catalog = JSON.parse(readFileSync(file, 'utf8')) as SchemaEntry[];
    if (!Array.isArray(catalog) || !catalog.every((entry) => typeof entry?.name === 'string' && typeof entry.schema === 'object')) throw new Error('it is no list of schemas');
    return catalog;
  } catch (error) {
    throw new KeelsonError('BAD_CONFIG', `${file} cannot be read: ${plainError(error).message}`, { hint: `Restore it from version control, then run \`${update}\`.` });
  }
}

export function checkSnapshot(snapshot: readonly SchemaEntry[], now: readonly SchemaEntry[]): SchemaCheck {
  const textsOf = (catalog: readonly SchemaEntry[]) => new Map(catalog.map((entry) => [`${entry.name} ${entry.version}`, JSON.stringify(entry)]));
  const [before, after] = [textsOf(snapshot), textsOf(now)];
  const outdated = [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key)).toSorted();
  return { problems: compareCatalogs(snapshot, now), outdated };
}

/** Rewrites the snapshot. Throws REFUSED when that would hide a change that breaks. */
export function updateSnapshot(file: string, now: readonly SchemaEntry[]): SchemaCheck {
  const check = checkSnapshot(readSnapshot(file), now);
  if (check.problems.length > 0) throw new KeelsonError('REFUSED', `${file} was not changed, because readers would break:\n${listProblems(check)}`, { hint: newVersion });
  writeFileSync(file, renderCatalog(now));
  return check;
}

const newVersion = 'Declare a new version: with an upcaster for a predicate (machines/predicates.ts), of the machine, or in the table of machines/schemas.ts.';
const listProblems = ({ problems }: SchemaCheck) => problems.map(({ name, problem }) => `${name} ${problem}`).join('\n');

export function describeCheck(check: SchemaCheck): string {
  if (check.problems.length > 0) return `${listProblems(check)}\n${newVersion}`;
  if (check.outdated.length > 0) return `docs/schemas.json is out of date: ${check.outdated.join(', ')}\nTake the changes over: ${update}`;
  return 'docs/schemas.json says what this build does';
}

export function addSchemaCommands(program: Command, define: Define): void {
  const schema = program.command('schema').description('the shapes of facts, records, messages and activities, with their versions');
  define(schema.command('list', { isDefault: true }).description('all schemas; --json prints them as JSON Schema'), async ({ out }) => {
    out.result(buildCatalog(), (all) => table(['NAME', 'VERSION'], all.map(({ name, version }) => [name, version])));
  });

  define(schema.command('check').description('compare with docs/schemas.json; exit 1 when they differ').option('--update', 'write docs/schemas.json, unless a change would break a reader'), async ({ out }, options: { update?: boolean }) => {
    if (options.update) {
      const { outdated } = updateSnapshot(snapshotFile, buildCatalog());
      out.result({ ok: true, updated: outdated }, ({ updated }) => (updated.length > 0 ? `docs/schemas.json was written: ${updated.join(', ')}` : 'docs/schemas.json says what this build does'));
      return;
    }
    const check = checkSnapshot(readSnapshot(snapshotFile), buildCatalog());
    const ok = check.problems.length === 0 && check.outdated.length === 0;
    out.result({ ok, ...check }, describeCheck);
    if (!ok) process.exitCode = 1;
  });

  const asText = (document: object) => JSON.stringify(document, null, 2);
  define(schema.command('asyncapi').description('what travels on the bus, as an AsyncAPI document'), async ({ out }) => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
    out.result(toAsyncApi({ version, queries: Object.keys(queries) }), asText);
  });
  define(schema.command('openapi').description('the routes of the running server, as an OpenAPI document'), async ({ dataDir, out }) => {
    out.result(await (await connectToServer(dataDir)).get<object>('/openapi.json'), asText);
  });
}
