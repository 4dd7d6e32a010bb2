// Outgoing mails as files, for when no mail server is configured: the operator opens or sends them by hand.
import { mkdir, mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';

/**
 * Writes `bytes` as one .eml named after the operation and returns its path; the file is either absent or whole, also after a
 * power cut. Writing the same operation again is a no-op. Throws REFUSED if other bytes were written under this operation before,
 * SEND_DEFERRED if the file cannot be written.
 */
export async function writeEml(outboxDir: string, operationId: string, bytes: Uint8Array): Promise<string> {
  const path = join(outboxDir, fileNameFor(operationId));
  let workshop: string | null = null;
  try {
    await mkdir(outboxDir, { recursive: true });
    const existing = await readFile(path).catch(ignoreMissing);
    if (existing?.equals(bytes)) return path;
    if (existing) throw new KeelsonError('REFUSED', `The outbox already has another mail for operation "${operationId}": ${path}.`);
    // In the outbox itself, because only there a rename is sure to stay within one file system.
    workshop = await mkdtemp(join(outboxDir, '.writing-'));
    const temporary = join(workshop, 'mail');
    await writeDurably(temporary, bytes);
    await rename(temporary, path);
    await syncFolder(outboxDir);
    return path;
  } catch (error) {
    if (error instanceof KeelsonError) throw error;
    throw new KeelsonError('SEND_DEFERRED', `The mail was not written to the outbox: ${error instanceof Error ? error.message : String(error)}.`, { cause: error });
  } finally {
    if (workshop !== null) await rm(workshop, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** The date of the mail that was written for this operation; null when there is none, or none that can be read. */
export async function readEmlDate(outboxDir: string, operationId: string): Promise<Date | null> {
  const existing = await readFile(join(outboxDir, fileNameFor(operationId)), 'latin1').catch(() => '');
  const date = new Date(/^Date: ([^\r\n]+)\r\n/m.exec(existing.split('\r\n\r\n', 1)[0] ?? '')?.[1] ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}

// Readable for people, unique by the hash, and never a path: operation ids contain '/' and '#'.
function fileNameFor(operationId: string): string {
  const readable = operationId.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60);
  return `${readable || 'mail'}-${sha256(operationId).slice(0, 12)}.eml`;
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

// Without this the rename itself may be lost by a power cut.
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  throw error;
}
