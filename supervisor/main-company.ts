// The company as the console shows it: its settings without secrets, what its folder weighs, and where copies of its database lie.
import { existsSync, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { CompanyView } from '#connectors/console/govern-routes.ts';
import { readCopies } from '#store/copies.ts';
import type { Config } from './config.ts';

export async function viewCompany({ dataDir, company, dryRun, model }: Config, version: string): Promise<Omit<CompanyView, 'erasing' | 'paused'>> {
  const { name, operator, email, domain, thresholds, approvals, caps, publicUrl, retentionDays = 365, auditHeads = 'heads.jsonl' } = company;
  return {
    company: { name, operator, email, domain, thresholds, approvals, caps, publicUrl: publicUrl ?? null, retentionDays, auditHeads },
    version, node: process.version, dataDir, dryRun, model: model === null ? null : (model.model ?? model.baseUrl ?? 'set'),
    sizes: await sizesOf(dataDir), copies: copiesOf(dataDir),
  };
}

/** Bytes of each file and folder right in the company folder, the largest first. */
async function sizesOf(dataDir: string): Promise<CompanyView['sizes']> {
  const sizes = new Map<string, number>();
  for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const top = relative(dataDir, path).split(sep)[0]!;
    // A file may go while it is looked at.
    const bytes = await stat(path).then(({ size }) => size, () => 0);
    sizes.set(top, (sizes.get(top) ?? 0) + bytes);
  }
  return [...sizes].map(([name, bytes]) => ({ name, bytes })).toSorted((a, b) => b.bytes - a.bytes);
}

const copiesOf = (dataDir: string): CompanyView['copies'] => readCopies(dataDir).toReversed().map((copy) => ({ ...copy, isThere: existsSync(copy.path), bytes: existsSync(copy.path) && statSync(copy.path).isFile() ? statSync(copy.path).size : null }));
