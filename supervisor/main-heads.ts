// The head of the hash chain, written down outside the database: who cuts the journal's tail must also get at this file. Point
// `auditHeads` in company.json at a place that the server can only append to (another disk, a mounted log).
import { existsSync } from 'node:fs';
import { join, parse, resolve } from 'node:path';
import { z } from 'zod';
import type { Clock } from '#actors/clock.ts';
import type { Log } from '#actors/log.ts';
import { plainError } from '#machines/errors.ts';
import { appendLine, readLines } from '#store/jsonl.ts';
import type { KnownHead } from '#store/verify.ts';
import { readConfig } from './config.ts';

const everyMs = 3_600_000;

export const headsFile = (dataDir: string, configured: string | undefined) => resolve(dataDir, configured ?? 'heads.jsonl');

const configuredIn = (dataDir: string) => (existsSync(join(dataDir, 'company.json')) ? readConfig(dataDir).company.auditHeads : undefined);
/** Of a company folder, or of one that holds only a database. */
export const headsFileOf = (dataDir: string) => headsFile(dataDir, configuredIn(dataDir));
export const erasedCopyOf = (dataDir: string) => erasedCopy(dataDir, configuredIn(dataDir));

/** Where a copy of the list of erased people lies: beside heads that are kept elsewhere. Null when they lie in the data folder, as the list does. */
export function erasedCopy(dataDir: string, configured: string | undefined): string | null {
  if (configured === undefined) return null;
  const { dir, name } = parse(headsFile(dataDir, configured));
  return join(dir, `${name}-erased.jsonl`);
}

const headSchema = z.object({ seq: z.int().min(0), hash: z.string(), restored: z.boolean().default(false) });

/** Throws BAD_CONFIG for a line that is no head. */
export function readHeads(file: string): KnownHead[] {
  let heads: KnownHead[] = [];
  for (const { seq, hash, restored } of readLines(file, headSchema, 'Put the file back as it was; it shows whether the end of the journal was cut off.')) {
    // What came after the backup that the operator went back to is not in the chain any more.
    if (restored) heads = heads.filter((head) => head.seq <= seq);
    heads.push({ seq, hash });
  }
  return heads;
}

/** A restore has gone back to this head. */
export function noteRestore(file: string, head: KnownHead, nowMs: number): void {
  appendLine(file, { ...head, restored: true, at: new Date(nowMs).toISOString() });
}

/** Writes the head down each hour and at the end. Answers what ends it. */
export function writeHeads({ file, head, clock, log }: { file: string; head(): Promise<KnownHead | null>; clock: Clock; log: Log }): () => Promise<void> {
  let last = readHeads(file).at(-1)?.seq ?? 0;
  const write = async () => {
    try {
      const now = await head();
      if (now === null || now.seq <= last) return;
      appendLine(file, { ...now, at: new Date(clock.now()).toISOString() });
      last = now.seq;
    } catch (error) {
      log.error(plainError(error), `the head of the audit chain could not be written to ${file}`);
    }
  };
  const stop = clock.every(everyMs, () => void write());
  return async () => {
    stop();
    await write();
  };
}
