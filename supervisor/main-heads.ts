// The head of the hash chain, written down outside the database: who cuts the journal's tail must also get at this file. Point
// `auditHeads` in company.json at a place that the server can only append to (another disk, a mounted log).
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#actors/clock.ts';
import type { Log } from '#actors/log.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import type { KnownHead } from '#store/verify.ts';

const everyMs = 3_600_000;

export const headsFile = (dataDir: string, configured: string | undefined) => configured ?? join(dataDir, 'heads.jsonl');

export function readHeads(file: string): KnownHead[] {
  if (!existsSync(file)) return [];
  let heads: KnownHead[] = [];
  for (const [i, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (line === '') continue;
    const { seq, hash, restored = false } = JSON.parse(line) as Partial<KnownHead> & { restored?: boolean };
    if (typeof seq !== 'number' || typeof hash !== 'string') throw new KeelsonError('BAD_CONFIG', `line ${i + 1} of ${file} is no head of an audit chain`);
    // What came after the backup that the operator went back to is not in the chain any more.
    if (restored) heads = heads.filter((head) => head.seq <= seq);
    heads.push({ seq, hash });
  }
  return heads;
}

/** A restore has gone back to this head. */
export function noteRestore(file: string, head: KnownHead, nowMs: number): void {
  appendFileSync(file, `${JSON.stringify({ ...head, restored: true, at: new Date(nowMs).toISOString() })}\n`, { mode: 0o600 });
}

/** Writes the head down each hour and at the end. Answers what ends it. */
export function writeHeads({ file, head, clock, log }: { file: string; head(): Promise<KnownHead | null>; clock: Clock; log: Log }): () => Promise<void> {
  let last = readHeads(file).at(-1)?.seq ?? 0;
  const write = async () => {
    try {
      const now = await head();
      if (now === null || now.seq <= last) return;
      appendFileSync(file, `${JSON.stringify({ ...now, at: new Date(clock.now()).toISOString() })}\n`, { mode: 0o600 });
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
