// Where copies of the database were put, so that whoever erases a person can say which copies still hold them.
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readLines } from './jsonl.ts';

const copySchema = z.object({
  kind: z.enum(['export', 'backup']),
  /** Absolute. Whether it is still there is not known. */
  path: z.string().min(1),
  /** ISO 8601, UTC. */
  at: z.string(),
});
export type Copy = z.output<typeof copySchema>;

const fileName = 'copies.jsonl';

/** One line more in the data folder; on disk when it returns. */
export function rememberCopy(dataDir: string, { kind, path, at }: Copy): void {
  const fd = openSync(join(dataDir, fileName), 'a+', 0o600);
  try {
    // A crash may have left half a line: it must not take this one with it.
    const last = Buffer.alloc(1, '\n');
    const { size } = fstatSync(fd);
    if (size > 0) readSync(fd, last, 0, 1, size - 1);
    writeSync(fd, `${last.toString() === '\n' ? '' : '\n'}${JSON.stringify({ kind, path, at })}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** In the order in which they were made. Throws BAD_CONFIG for a line that cannot be read: a copy must not be overlooked. */
export const readCopies = (dataDir: string): Copy[] => readLines(join(dataDir, fileName), copySchema, 'Correct or remove that line; it named a place where a copy of the database was put.');
