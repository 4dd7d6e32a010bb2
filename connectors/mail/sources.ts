// Where raw mails come from on disk: one .eml, an mbox, a Maildir, or a folder of such things. One unreadable file never stops
// the others; it becomes a `problem` with its name.
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KeelsonError } from '#machines/errors.ts';
import { splitMbox } from './mbox.ts';
import { maxRawBytes } from './parse.ts';

/** `source` is the file, with `#3` for the third mail of an mbox. Either `raw` or `problem` (why it cannot be read) is set. */
export interface MailSource { source: string; raw?: Uint8Array; problem?: string }

/**
 * Yields every mail at `path`, in name order, one at a time, so that memory is bounded by the largest mail. Hidden files and
 * folders are skipped, links are followed once. Throws BAD_ARGUMENT if `path` does not exist or is neither file nor folder.
 */
export async function* readMails(path: string): AsyncGenerator<MailSource> {
  const info = await stat(path).catch((error: unknown) => {
    throw new KeelsonError('BAD_ARGUMENT', `Cannot read mails from "${path}": ${reasonOf(error)}.`, { cause: error });
  });
  if (info.isDirectory()) yield* readFolder(path, new Set());
  else if (info.isFile()) yield* readFileAt(path);
  else throw new KeelsonError('BAD_ARGUMENT', `"${path}" is neither a file nor a folder; name a .eml, an mbox, a Maildir or a folder.`);
}

async function* readFolder(folder: string, seen: Set<string>): AsyncGenerator<MailSource> {
  let entries: string[];
  try {
    const real = await realpath(folder);
    if (seen.has(real)) return;
    seen.add(real);
    entries = (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
  } catch (error) {
    yield { source: folder, problem: `The folder cannot be read: ${reasonOf(error)}.` };
    return;
  }
  const isMaildir = entries.includes('cur') && entries.includes('new');
  for (const name of entries) {
    const path = join(folder, name);
    const info = await stat(path).catch(reasonOf);
    if (typeof info === 'string') yield { source: path, problem: `The file cannot be read: ${info}.` };
    else if (info.isDirectory() && isMaildir && ['cur', 'new', 'tmp'].includes(name)) {
      // "tmp" holds mails still being delivered.
      if (name !== 'tmp') yield* readMaildirPart(path);
    } else if (info.isDirectory()) yield* readFolder(path, seen);
    else if (info.isFile() && /\.(eml|mbox|mbx)$/i.test(name)) yield* readFileAt(path);
  }
}

async function* readMaildirPart(folder: string): AsyncGenerator<MailSource> {
  const names = await readdir(folder).catch(reasonOf);
  if (typeof names === 'string') {
    yield { source: folder, problem: `The folder cannot be read: ${names}.` };
    return;
  }
  for (const name of names.filter((entry) => !entry.startsWith('.')).toSorted()) yield await readOne(join(folder, name));
}

async function* readFileAt(path: string): AsyncGenerator<MailSource> {
  const kind = /\.eml$/i.test(path) ? 'eml' : /\.(mbox|mbx)$/i.test(path) ? 'mbox' : await sniff(path);
  if (kind === 'eml') yield await readOne(path);
  else yield* readMbox(path);
}

// A file of another name, given by the user: an mbox begins with its first separator.
async function sniff(path: string): Promise<'eml' | 'mbox'> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(5), 0, 5, 0);
      return buffer.toString('latin1', 0, bytesRead) === 'From ' ? 'mbox' : 'eml';
    } finally {
      await file.close();
    }
  } catch {
    return 'eml';
  }
}

async function readOne(path: string): Promise<MailSource> {
  try {
    const info = await stat(path);
    if (!info.isFile()) return { source: path, problem: 'This is not a file.' };
    if (info.size > maxRawBytes) return { source: path, problem: `The mail has ${info.size} bytes; at most ${maxRawBytes} are read.` };
    return { source: path, raw: await readFile(path) };
  } catch (error) {
    return { source: path, problem: `The file cannot be read: ${reasonOf(error)}.` };
  }
}

async function* readMbox(path: string): AsyncGenerator<MailSource> {
  let number = 0;
  try {
    const stream: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: 256 * 1024 });
    for await (const entry of splitMbox(stream, maxRawBytes)) {
      number += 1;
      const source = `${path}#${number}`;
      // Before the first separator: a mail if it has a header (an mbox cut at its front, or an .eml by another name).
      const noMail = entry.raw !== undefined && !/^\s*[!-9;-~]+[ \t]*:/.test(entry.raw.toString('latin1', 0, 1000));
      if (noMail) yield { source, problem: 'There is no mail header here; the bytes up to the next "From " line were skipped.' };
      else yield { source, ...entry };
    }
  } catch (error) {
    yield { source: `${path}#${number + 1}`, problem: `The file cannot be read further: ${reasonOf(error)}.` };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return 'it does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'ELOOP') return 'its links form a loop';
  return error.message;
}
