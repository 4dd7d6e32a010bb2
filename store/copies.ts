// Where copies of the database were put, so that whoever erases a person can say which copies still hold them.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { appendLine, readLines } from './jsonl.ts';

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
export const rememberCopy = (dataDir: string, { kind, path, at }: Copy) => appendLine(join(dataDir, fileName), { kind, path, at });

/** It was deleted: nobody needs to look for it. */
export function forgetCopy(dataDir: string, path: string): void {
  const kept = readCopies(dataDir).filter((copy) => copy.path !== path);
  const temporary = join(dataDir, `${fileName}.tmp`);
  writeFileSync(temporary, kept.map((copy) => `${JSON.stringify(copy)}\n`).join(''), { mode: 0o600 });
  renameSync(temporary, join(dataDir, fileName));
}

/** In the order in which they were made. Throws BAD_CONFIG for a line that cannot be read: a copy must not be overlooked. */
export const readCopies = (dataDir: string): Copy[] => readLines(join(dataDir, fileName), copySchema, 'Correct or remove that line; it named a place where a copy of the database was put.');
