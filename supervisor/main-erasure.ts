// Erasing a person everywhere this system keeps bytes. Each step can be repeated; the database remembers what was begun, so that a
// crash at any point goes on at the next start. The order: rows, bus, files, copies, receipt; last the old bytes of the database.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createNeedles } from '#store/needles.ts';
import { eraseFromFile } from '#store/erase-copy.ts';
import { busFolder } from '#store/incoming.ts';
import { erasedFile, mergeErased, rememberErased } from '#store/erased.ts';
import { sha256 } from '#actors/hash.ts';
import { forgetCopy, readCopies } from '#store/copies.ts';
import type { Config } from './config.ts';
import { readModels } from './main-model-settings.ts';
import type { EraseCounts, ErasurePlan } from '#store/erase.ts';

export interface Outside { what: string; todo: string }
export interface Receipt {
  /** Path of the receipt inside the data folder; it names nobody. */
  receipt: string;
  erased: EraseCounts & { files: number; copies: number };
  /** What lies where this system cannot reach. */
  outside: Outside[];
}

export interface ErasureParts {
  dataDir: string;
  now(): number;
  /** Erasures that were begun and are not finished. */
  openErasures(): Promise<ErasurePlan[]>;
  /** Rows of the database; asked again with the same id it answers what was done. */
  eraseRows(erasure: { id: string; subject: string }): Promise<ErasurePlan>;
  /** Drops what the bus keeps, and publishes again what is still promised. */
  purgeBus(): Promise<void>;
  /** Forgets the plan and rewrites the file without the old bytes. */
  finishRows(id: string): Promise<void>;
  /** Where a copy of the list of erased people is kept, or null. */
  erasedCopy?: string | null;
  /** Mail servers and models that this company uses, in words. */
  outside: Outside[];
  /** For tests: called after each step. */
  onStep?(step: string): void;
}

/** What this company uses that keeps copies of its own. */
export function outsideOf(config: Pick<Config, 'dataDir' | 'smtpUrl' | 'imapUrl' | 'model'>): Outside[] {
  const { smtpUrl, imapUrl } = config;
  return [
    ...(imapUrl ? [{ what: `the mailbox at ${new URL(imapUrl).hostname}`, todo: 'Delete their mails there, also in the sent and archive folders.' }] : []),
    ...(smtpUrl ? [{ what: `the mail server ${new URL(smtpUrl).hostname}`, todo: 'Ask its provider how long it keeps logs and copies of sent mail.' }] : []),
    ...modelHosts(config).map((host) => ({ what: `the model provider ${host}`, todo: 'Ask it to delete the requests that held their mails.' })),
    { what: 'mail programs, phones and copies of this folder that the operator made', todo: 'Delete them or erase from them too.' },
  ];
}

/** Also of a dry server: it may have been a live one before. A models.json that cannot be read must hold up no erasure. */
function modelHosts(config: Pick<Config, 'dataDir' | 'model'>): string[] {
  try {
    const { providers } = readModels({ ...config, dryRun: false }).settings;
    return [...new Set(Object.values(providers).map(({ baseUrl }) => (baseUrl === undefined ? 'OpenAI' : `at ${new URL(baseUrl).hostname}`)))];
  } catch {
    return ['that models.json names (it cannot be read)'];
  }
}

/** Erases; throws NOT_FOUND when nobody is known by that name. Asked again with the same id it answers with the same receipt. */
export async function erasePerson(parts: ErasureParts, { id: given, subject }: { id: string; subject: string }): Promise<Receipt> {
  const id = sha256(given).slice(0, 16); // a file is called so
  const begun = (await parts.openErasures()).find((plan) => plan.id === id || isAbout(plan, subject));
  if (begun) return finishErasure(parts, begun);
  return readReceipt(parts.dataDir, receiptOf(id)) ?? finishErasure(parts, await parts.eraseRows({ id, subject }));
}

const receiptOf = (id: string) => join('receipts', `erase-${id}.json`);
const isAbout = ({ entity, addresses }: ErasurePlan, subject: string) => entity === subject || addresses.includes(subject.toLowerCase());

function readReceipt(dataDir: string, file: string): Receipt | null {
  return existsSync(join(dataDir, file)) ? (JSON.parse(readFileSync(join(dataDir, file), 'utf8')) as Receipt) : null;
}

/** Whole or not at all. */
function writeReceipt(dataDir: string, receipt: Receipt, nowMs: number): void {
  mkdirSync(join(dataDir, 'receipts'), { recursive: true, mode: 0o700 });
  const file = join(dataDir, receipt.receipt);
  writeFileSync(`${file}.tmp`, `${JSON.stringify({ ...receipt, at: new Date(nowMs).toISOString() }, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}

/** So that the list outlives this folder. Answers what the operator must do when it cannot be written there. */
export function copyErased({ dataDir, erasedCopy = null }: Pick<ErasureParts, 'dataDir' | 'erasedCopy'>): Outside[] {
  if (erasedCopy === null || !existsSync(erasedFile(dataDir))) return [];
  try {
    mergeErased(erasedFile(dataDir), erasedCopy);
    return [];
  } catch (error) {
    return [{ what: `the list of erased people could not be copied to ${erasedCopy}: ${(error as Error).message}`, todo: 'Copy erased.jsonl there: without it an old backup that is restored elsewhere brings them back.' }];
  }
}

/** Everything after the rows. */
export async function finishErasure(parts: ErasureParts, plan: ErasurePlan): Promise<Receipt> {
  const { dataDir, onStep = () => {} } = parts;
  onStep('rows');
  await parts.purgeBus();
  onStep('bus');
  const files = eraseFiles(dataDir, plan);
  onStep('files');
  const { erased: copies, outside } = await eraseCopies(dataDir, plan, parts.now());
  onStep('copies');
  rememberErased(dataDir, plan, parts.now());
  const notCopied = copyErased(parts);
  onStep('tombstone');
  const file = receiptOf(plan.id);
  const before = readReceipt(dataDir, file)?.erased ?? { files: 0, copies: 0 };
  const receipt: Receipt = {
    receipt: file,
    erased: { ...plan.counts, files: before.files + files, copies: before.copies + copies },
    outside: [...parts.outside, ...outside, ...notCopied],
  };
  writeReceipt(dataDir, receipt, parts.now());
  onStep('receipt');
  await parts.finishRows(plan.id);
  onStep('bytes');
  return receipt;
}

/** Lines of logs and files of the outbox folder that name the person. */
function eraseFiles(dataDir: string, plan: ErasurePlan): number {
  const needles = createNeedles(plan.entity, plan.addresses);
  let count = clearLeftovers(dataDir);
  for (const name of readdirSync(dataDir).filter((file) => file.endsWith('.log') || file.startsWith('run.json'))) {
    const file = join(dataDir, name);
    const text = readFileSync(file, 'utf8');
    if (!needles.isIn(text)) continue;
    // In place: whoever writes this log goes on at its end.
    writeFileSync(file, text.split('\n').filter((line) => !needles.isIn(line)).join('\n'));
    count++;
  }
  const outbox = join(dataDir, 'outbox');
  for (const name of existsSync(outbox) ? readdirSync(outbox) : []) {
    if (!needles.isIn(readFileSync(join(outbox, name), 'latin1'))) continue;
    rmSync(join(outbox, name));
    count++;
  }
  return count;
}

/** What an export or a backup writes into before it gets its name. */
const unfinishedName = /^\..+-[A-Za-z0-9]{6}$/;
const unfinishedParts = /^(keelson\.db(-\w+)?|manifest\.json|blobs|schemas|[a-z_]+\.jsonl)$/;
const notOurs = [busFolder, 'outbox', 'receipts'];

function foldersIn(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => join(dir, name)) : [];
}
const foldersBelow = (dir: string): string[] => foldersIn(dir).filter((folder) => !notOurs.includes(basename(folder))).flatMap((folder) => [folder, ...foldersBelow(folder)]);

/** Removes what killed exports, backups, imports and restores left behind. One that still runs fails: it has read what goes now. */
function clearLeftovers(dataDir: string): number {
  const beside = readCopies(dataDir).flatMap(({ path }) => foldersIn(dirname(path)).filter((dir) => basename(dir).startsWith(`.${basename(path)}-`)));
  const unfinished = [...foldersBelow(dataDir), ...beside].filter((dir) => unfinishedName.test(basename(dir)) && readdirSync(dir).every((name) => unfinishedParts.test(name)));
  const left = [...new Set([...unfinished, ...foldersIn(dataDir).filter((dir) => basename(dir) === 'incoming.tmp')])];
  for (const dir of left) rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  return left.length;
}

function eraseExport(dataDir: string, dir: string, plan: ErasurePlan): boolean {
  const needles = createNeedles(plan.entity, plan.addresses);
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  if (!files.some((entry) => needles.isIn(readFileSync(join(entry.parentPath, entry.name), 'latin1')))) return false;
  rmSync(dir, { recursive: true });
  forgetCopy(dataDir, dir);
  return true;
}

/** Backups that this system made are erased too; exports are deleted, because a part of one would be none. */
async function eraseCopies(dataDir: string, plan: ErasurePlan, nowMs: number): Promise<{ erased: number; outside: Outside[] }> {
  const outside: Outside[] = [];
  let erased = 0;
  for (const { kind, path, at } of readCopies(dataDir)) {
    if (!existsSync(path)) {
      outside.push({ what: `the ${kind} made at ${at} that is no longer at ${path}`, todo: 'If you moved it, delete it or erase from it too.' });
      continue;
    }
    try {
      if (kind === 'export' ? eraseExport(dataDir, path, plan) : await eraseFromFile(path, plan, nowMs)) erased++;
    } catch (error) {
      outside.push({ what: `the ${kind} at ${path} could not be changed: ${(error as Error).message}`, todo: 'Delete it.' });
    }
  }
  return { erased, outside };
}
