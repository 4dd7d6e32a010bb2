// What the operator sets for a connector: a file of `connectors/` in the company folder, and secrets by name, which stand nowhere else.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { z } from 'zod';
import { firstIssue, KeelsonError } from '#machines/errors.ts';
import type { Config } from './config.ts';

const mayRead = 0o077;

/** Names to values: the environment, else `secrets.env` in the company folder, which nobody else may read. */
export function readSecrets({ dataDir, secretOf }: Pick<Config, 'dataDir' | 'secretOf'>, names: readonly string[]): Record<string, string> {
  const file = join(dataDir, 'secrets.env');
  const kept = existsSync(file) ? parseEnv(readSecretFile(file)) : {};
  return Object.fromEntries(names.flatMap((name) => {
    const value = secretOf(name) || kept[name];
    return value ? [[name, value]] : [];
  }));
}

function readSecretFile(file: string): string {
  if ((statSync(file).mode & mayRead) !== 0) throw new KeelsonError('BAD_CONFIG', `${file} can be read by others`, { hint: `Run: chmod 600 ${file}` });
  return readFileSync(file, 'utf8');
}

/** A file of `connectors/`, or null when it is not there. Throws BAD_CONFIG naming file and field. */
export function readSettings<S extends z.ZodType>(dataDir: string, name: string, schema: S): z.output<S> | null {
  const file = join(dataDir, 'connectors', name);
  if (!existsSync(file)) return null;
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new KeelsonError('BAD_CONFIG', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new KeelsonError('BAD_CONFIG', `${file}: ${firstIssue(parsed.error, ': ')}`);
  return parsed.data;
}
