// The only reader of the environment and of company.json. Everything else is handed what it needs. All faults at once.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { KeelsonError } from '#machines/errors.ts';
import { budgetsSchema } from './budget-settings.ts';
import { qualitySchema, reportSchema } from './quality-settings.ts';

const companySchema = z.object({
  name: z.string().min(1),
  operator: z.string().min(1),
  email: z.email(),
  signature: z.string(),
  domain: z.string().regex(/^[a-z0-9.-]+$/i),
  /** Below these the operator is asked. */
  thresholds: z.object({ triage: z.number().min(0).max(1), draft: z.number().min(0).max(1) }),
  approvals: z.object({ reminderAfterHours: z.number().positive(), expiresAfterHours: z.number().positive() }),
  /** File to which the head of the audit chain is written each hour; default `heads.jsonl` in the folder. */
  auditHeads: z.string().min(1).optional(),
  /** After how many days the steps of finished work are forgotten; facts, documents and decisions stay. Default 365. */
  retentionDays: z.number().min(1).optional(),
  /** Money that may leave within 24 hours, in minor units; without an entry for a currency none of it may. */
  caps: z.array(z.strictObject({ currency: z.string().regex(/^[A-Z]{3}$/), perDayMinor: z.int().nonnegative(), perPayeePerDayMinor: z.int().nonnegative() })).default([]),
  /** What models may cost. */
  budgets: budgetsSchema,
  /** What share of answers must be right. */
  quality: qualitySchema,
  /** When the day is reported, and what work by hand would have cost. */
  report: reportSchema,
  /** Under which address this server is reached from elsewhere; links in notifications lead there. */
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** Set in the folder that `keelson demo` made. */
  demo: z.boolean().optional(),
});
export type CompanyConfig = z.output<typeof companySchema>;

const environmentSchema = z.object({
  KEELSON_SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  KEELSON_IMAP_URL: z.url({ protocol: /^imaps?$/ }).optional(),
  OPENAI_API_KEY: z.string().min(1).optional(),
  KEELSON_OPENAI_BASE_URL: z.url({ protocol: /^https?$/ }).optional(),
  KEELSON_OPENAI_MODEL: z.string().min(1).optional(),
  KEELSON_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});
export type Environment = z.output<typeof environmentSchema>;

export interface ModelConfig { apiKey: string; baseUrl: string | null; model: string | null }
export interface Config {
  dataDir: string;
  company: CompanyConfig;
  smtpUrl: string | null;
  imapUrl: string | null;
  model: ModelConfig | null;
  logLevel: string;
  /** Nothing leaves: every operation is a dry run, no mail is fetched and no model asked. */
  dryRun: boolean;
  /** A secret from the environment, by name. */
  secretOf(name: string): string | undefined;
}

const defaultModel = 'gpt-6-luna';

/** Settings from the environment. Empty values count as absent. Throws BAD_CONFIG naming every wrong one, never its value. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new KeelsonError('BAD_CONFIG', parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
}

export function readConfig(dataDir: string, env = readEnvironment(), { dryRun = false }: { dryRun?: boolean } = {}): Config {
  const hosted = env.OPENAI_API_KEY !== undefined;
  const model = hosted || env.KEELSON_OPENAI_BASE_URL !== undefined
    ? { apiKey: env.OPENAI_API_KEY ?? 'none', baseUrl: env.KEELSON_OPENAI_BASE_URL ?? null, model: env.KEELSON_OPENAI_MODEL ?? (env.KEELSON_OPENAI_BASE_URL ? null : defaultModel) }
    : null;
  return { dataDir, company: readCompany(dataDir), smtpUrl: env.KEELSON_SMTP_URL ?? null, imapUrl: env.KEELSON_IMAP_URL ?? null, model: dryRun ? null : model, logLevel: env.KEELSON_LOG_LEVEL, dryRun, secretOf: (name) => process.env[name] };
}

function readCompany(dataDir: string): CompanyConfig {
  const file = join(dataDir, 'company.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new KeelsonError('NO_COMPANY', `there is no company in ${dataDir}`, { cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new KeelsonError('BAD_CONFIG', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  return checkCompany(json, file);
}

/** Throws BAD_CONFIG naming every fault. `file`: how it is called in errors. */
export function checkCompany(json: unknown, file: string): CompanyConfig {
  const parsed = companySchema.safeParse(json);
  if (!parsed.success) throw new KeelsonError('BAD_CONFIG', `${file}: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`);
  return parsed.data;
}

/** One bus token for a company's name in subjects: what the bus sees of it. */
export function companyToken(company: CompanyConfig): string {
  return company.name.toLowerCase().normalize('NFKD').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 32) || 'company';
}
