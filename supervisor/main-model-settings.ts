// Which minds a company has: models.json, or the environment, or none.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelsSchema, noModels, settingsFromEnvironment, type ModelSettings } from '#connectors/model/settings.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Config } from './config.ts';

const file = 'models.json';

/** Throws BAD_CONFIG naming every fault. Dry, no model is asked. */
export function readModels(config: Pick<Config, 'dataDir' | 'dryRun' | 'model'>): { settings: ModelSettings; from: 'models.json' | 'environment' | 'none' } {
  const path = join(config.dataDir, file);
  if (config.dryRun) return { settings: noModels, from: 'none' };
  if (existsSync(path)) return { settings: parseModels(readFileSync(path, 'utf8')), from: 'models.json' };
  if (!config.model) return { settings: noModels, from: 'none' };
  const { baseUrl, model, apiKey } = config.model;
  const parsed = settingsFromEnvironment({ baseUrl, model, hasKey: apiKey !== 'none' });
  if (!parsed.success) throw new KeelsonError('BAD_CONFIG', `KEELSON_OPENAI_BASE_URL: ${parsed.error.issues.map(({ message }) => message).join('; ')}`);
  return { settings: parsed.data, from: 'environment' };
}

export function parseModels(text: string): ModelSettings {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new KeelsonError('BAD_CONFIG', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = modelsSchema.safeParse(json);
  if (!parsed.success) throw new KeelsonError('BAD_CONFIG', `${file}: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`);
  return parsed.data;
}
