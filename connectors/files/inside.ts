// The disk as it is when it is touched. A path is followed only if it leads through no link at any step; what was opened is looked at
// again by its descriptor, so that a folder which is swapped meanwhile gains nothing. Only plain files with one name are opened: no
// device or pipe (it could hang or act) and no second name of a file that lies elsewhere.
import type { BigIntStats } from 'node:fs';
import { constants, lstat, mkdir, open, opendir, realpath, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KeelsonError } from '#machines/errors.ts';
import { whyNotName } from './path-name.ts';

export const readLimits = { fileBytes: 25_000_000, entries: 1_000, entriesLookedAt: 20_000 } as const;

export const refused = (message: string, cause?: unknown) => new KeelsonError('SEND_REFUSED', message, { cause });
export const deferred = (message: string, cause?: unknown) => new KeelsonError('SEND_DEFERRED', message, { cause });

/** What the system said, as a failure of which it is certain that nothing was changed. */
export function fromSystem(error: unknown, path: string): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (error instanceof KeelsonError || typeof code !== 'string') return error;
  const isLasting = ['EACCES', 'EPERM', 'EROFS', 'ELOOP', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'EXDEV', 'ENOTSUP', 'ENXIO', 'EEXIST', 'ENOENT'].includes(code);
  return (isLasting ? refused : deferred)(`${path}: ${(error as Error).message}`, error);
}

const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes(String((error as { code?: unknown }).code));

/** Where a path of a root leads, or null when nothing is there. Throws SEND_REFUSED when a link is on the way. */
async function locate(root: string, path: string): Promise<string | null> {
  const full = join(root, path);
  const real = await realpath(full).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw fromSystem(error, path);
  });
  if (real !== null && real !== full) throw refused(`${path}: a link is on the way; only what really lies in the root is touched`);
  return real;
}

/** A file's bytes with what it was like while they were read; null when nothing is there. At most 25 MB. */
export async function readInside(root: string, path: string): Promise<{ bytes: Buffer; info: BigIntStats } | null> {
  try {
    const full = await locate(root, path);
    if (full === null) return null;
    demandPlain(await lstat(full, { bigint: true }), path);
    // Neither follows a link nor waits for the other end of a pipe, should it have become one just now.
    const handle = await open(full, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const info = await handle.stat({ bigint: true });
      demandPlain(info, path);
      if ((await locate(root, path)) === null || !isSame(await lstat(full, { bigint: true }), info)) throw deferred(`${path}: it is being moved`);
      const bytes = await readBytes(handle, path);
      if (!isSame(await handle.stat({ bigint: true }), info)) throw deferred(`${path}: it is being written`);
      return { bytes, info };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    throw fromSystem(error, path);
  }
}

function demandPlain(info: BigIntStats, path: string): void {
  if (info.isDirectory()) throw refused(`${path}: it is a folder`);
  if (!info.isFile()) throw refused(`${path}: it is no plain file`);
  if (info.nlink !== 1n) throw refused(`${path}: the file has ${info.nlink} names (hard links); it may belong to somebody else`);
}

/** The same file, and nobody has written to it. */
export const isSame = (a: BigIntStats, b: BigIntStats) => a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeNs === b.mtimeNs;

// Not by the size that the file claims: it may grow, or lie.
async function readBytes(handle: FileHandle, path: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let size = 0; ; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(256 * 1024), 0, 256 * 1024, size);
    if (bytesRead === 0) return Buffer.concat(parts);
    parts.push(buffer.subarray(0, bytesRead));
    if ((size += bytesRead) > readLimits.fileBytes) throw refused(`${path}: it has more than ${readLimits.fileBytes} bytes`);
  }
}

export interface Entry { name: string; kind: 'file' | 'folder'; sizeBytes: number | null }

/** What could be read there, by name; `leftOut` counts hidden names, links, devices and what came after the first 1,000. */
export async function listInside(root: string, path: string): Promise<{ entries: Entry[]; leftOut: number }> {
  try {
    const full = await locate(root, path);
    if (full === null) throw refused(`${path || 'the root'}: there is no such folder`);
    if (!(await lstat(full)).isDirectory()) throw refused(`${path}: it is no folder`);
    const names: { name: string; isFolder: boolean }[] = [];
    let leftOut = 0;
    for await (const found of await opendir(full)) {
      if (whyNotName(found.name) === null && (found.isFile() || found.isDirectory())) names.push({ name: found.name, isFolder: found.isDirectory() });
      else leftOut += 1;
      if (names.length + leftOut >= readLimits.entriesLookedAt) throw refused(`${path || 'the root'}: it holds more than ${readLimits.entriesLookedAt} names`);
    }
    const shown = names.toSorted((a, b) => (a.name < b.name ? -1 : 1)).slice(0, readLimits.entries);
    const entries: Entry[] = [];
    for (const { name, isFolder } of shown) entries.push({ name, kind: isFolder ? 'folder' : 'file', sizeBytes: isFolder ? null : (await lstat(join(full, name))).size });
    if ((await locate(root, path)) === null) throw deferred(`${path}: it is being moved`);
    return { entries, leftOut: leftOut + names.length - shown.length };
  } catch (error) {
    throw fromSystem(error, path || 'the root');
  }
}

/** The folder that a file goes into, made step by step where it is missing, and never through a link. */
export async function makeFolder(root: string, path: string): Promise<string> {
  let folder = root;
  for (const name of dirname(path).split('/').filter((part) => part !== '.')) {
    folder = join(folder, name);
    const isNew = await mkdir(folder).then(() => true, (error: unknown) => {
      if ((error as { code?: unknown }).code === 'EEXIST') return false;
      throw fromSystem(error, path);
    });
    await demandFolder(root, folder, path);
    if (isNew) await syncFolder(dirname(folder));
  }
  await demandFolder(root, folder, path);
  return folder;
}

/** Throws SEND_REFUSED unless `folder` is a folder and no link leads to it. */
export async function demandFolder(root: string, folder: string, path: string): Promise<void> {
  if ((await locate(root, folder.slice(root.length + 1))) !== folder || !(await lstat(folder)).isDirectory()) throw refused(`${path}: ${folder.slice(root.length + 1) || 'the root'} is no folder`);
}

/** Without it a power cut may take back a new name. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
