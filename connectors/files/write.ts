// A file appears whole under its name or not at all, and nothing that was there is lost: a new file never takes a name that is in
// use, and what is replaced was kept before.
import type { BigIntStats } from 'node:fs';
import { link, lstat, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Enclosure } from '#machines/effects.ts';
import { deferred, demandFolder, fromSystem, isSame, makeFolder, readInside, refused, syncFolder } from './inside.ts';

export interface Writing {
  root: string;
  path: string;
  bytes: Uint8Array;
  operationId: string;
  replace: boolean;
  signal: AbortSignal;
  /** Keeps what is there before anything is changed; null when nothing is. */
  keep(before: Buffer | null): Promise<Enclosure>;
}

/** Hidden, so that no path of ours can name it; the same at each try, so that what a crash left behind is found. */
const partName = (operationId: string) => `.keelson-${sha256(operationId).slice(0, 24)}.part`;

/**
 * Gives what was there before. The same bytes being there already is success. Throws SEND_REFUSED when the name is in use and
 * `replace` is false; SEND_DEFERRED when it certainly was not written (disk full, or somebody else is writing that file).
 */
export async function writeInside(writing: Writing): Promise<Enclosure> {
  const { root, path, bytes, operationId, replace, signal, keep } = writing;
  let begun = false;
  try {
    if (signal.aborted) throw deferred(`${path}: the time was up before it was written`);
    const folder = await makeFolder(root, path);
    const part = join(folder, partName(operationId));
    await rm(part, { force: true });
    const old = await readInside(root, path);
    const isThere = old?.bytes.equals(bytes) ?? false;
    if (old && !isThere && !replace) throw refused(`${path}: there is another file by that name; say "replace": true to replace it`);
    const kept = await keep(old?.bytes ?? null).catch(notKept);
    if (isThere) return kept;
    try {
      await writePart(part, bytes, old ? Number(old.info.mode) & 0o666 : 0o644);
      if (signal.aborted) throw deferred(`${path}: the time was up before it was written`);
      await demandFolder(root, folder, path);
      if (old) await demandUnchanged(join(root, path), old.info, path);
      begun = true;
      if (old) await rename(part, join(root, path));
      else await link(part, join(root, path)); // unlike a rename, this fails when the name was taken meanwhile
    } finally {
      await rm(part, { force: true });
    }
    await syncFolder(folder);
    return kept;
  } catch (error) {
    const isCertain = !begun || ['EEXIST', 'ENOENT', 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EXDEV', 'EMLINK'].includes(String((error as { code?: unknown }).code));
    if (!isCertain) throw new KeelsonError('SEND_UNKNOWN', `${path}: ${(error as Error).message} while it was put in its place`, { cause: error });
    throw fromSystem(error, path);
  }
}

/** Takes away what a try that died left behind: a file that has the part as its second name would not be read. */
export async function dropPart(root: string, path: string, operationId: string): Promise<void> {
  await rm(join(root, path, '..', partName(operationId)), { force: true });
}

async function writePart(part: string, bytes: Uint8Array, mode: number): Promise<void> {
  const handle = await open(part, 'wx', mode);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function demandUnchanged(full: string, info: BigIntStats, path: string): Promise<void> {
  if (!isSame(await lstat(full, { bigint: true }), info)) throw deferred(`${path}: somebody else wrote it meanwhile`);
}

function notKept(cause: unknown): never {
  throw deferred(`what is there could not be kept: ${(cause as Error).message}`, cause);
}
