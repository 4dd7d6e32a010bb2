// Files of JSON lines that only grow. A crash may leave half a line at the end: whoever reads does without it, whoever writes next
// cuts it off. Any other line that cannot be read is an error: what it said must not be overlooked.
import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import type { z } from 'zod';
import { KeelsonError } from '#machines/errors.ts';

const newline = 10;

/** No file is no lines. Throws BAD_CONFIG with file and line; `hint` says what the line was for. */
export function readLines<S extends z.ZodType>(file: string, schema: S, hint: string): z.output<S>[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, i) => {
    if (line === '') return [];
    const read = schema.safeParse(parse(line));
    if (read.success) return [read.data];
    if (i === lines.length - 1) return [];
    throw new KeelsonError('BAD_CONFIG', `line ${i + 1} of ${file} cannot be read`, { hint });
  });
}

/** On disk when it returns; a file that is made here is its owner's only. */
export function appendLine(file: string, value: object): void {
  const fd = openSync(file, 'a+', 0o600);
  try {
    writeSync(fd, `${endTail(fd)}${JSON.stringify(value)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Cuts half a line off; answers what must be written first. */
function endTail(fd: number): '' | '\n' {
  const { size } = fstatSync(fd);
  const last = Buffer.alloc(1, newline);
  if (size > 0) readSync(fd, last, 0, 1, size - 1);
  if (last[0] === newline) return '';
  const bytes = Buffer.alloc(size);
  readSync(fd, bytes, 0, size, 0);
  const start = bytes.lastIndexOf(newline) + 1;
  if (parse(bytes.toString('utf8', start)) !== undefined) return '\n';
  try {
    ftruncateSync(fd, start);
    return '';
  } catch {
    return '\n'; // a file that can only be appended to
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
