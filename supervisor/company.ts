// A company folder: what the operator may edit (company.json, templates, policies, triggers, settings) and what the server keeps beside it.
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '#actors/hash.ts';
import { parseTemplate } from '#machines/agents/templates.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { parseRule } from '#machines/learning/rule.ts';
import type { Artifact } from '#machines/records.ts';
import { parseTrigger, type Trigger } from '#machines/triggers.ts';

const sampleDir = fileURLToPath(new URL('./sample/', import.meta.url));
export const sampleMailbox = join(sampleDir, 'mailbox');

/** Makes a company folder from the sample. Throws BAD_ARGUMENT when there is one already. */
export function createCompany(dir: string, { demo = false } = {}): void {
  if (existsSync(join(dir, 'company.json'))) throw new KeelsonError('BAD_ARGUMENT', `${dir} already holds a company`, { hint: 'Choose another folder, or start this one with `keelson up --data DIR`.' });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  // Of the connectors examples only: a way out is there when you take `.example` out of the name of its file.
  for (const part of ['agents', 'templates', 'policies', 'triggers', 'scenarios', 'connectors']) cpSync(join(sampleDir, part), join(dir, part), { recursive: true });
  cpSync(join(sampleDir, 'models.example.json'), join(dir, 'models.example.json'));
  const company = JSON.parse(readFileSync(join(sampleDir, 'company.json'), 'utf8')) as object;
  writeFileSync(join(dir, 'company.json'), `${JSON.stringify({ ...company, ...(demo ? { demo: true } : {}) }, null, 2)}\n`);
}

/** The token that opens bus and HTTP, or the one for automation, which decides nothing; made once, readable by its owner only. */
export function readToken(dir: string, name: 'token' | 'automation-token' = 'token'): string {
  const file = join(dir, name);
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  if ((statSync(file).mode & 0o077) !== 0) throw new KeelsonError('BAD_CONFIG', `${file} can be read by others`, { hint: `Run: chmod 600 ${file}` });
  return readFileSync(file, 'utf8').trim();
}

/** `api`: for this computer. `console`: what people open. `certificate`: PEM, when the server speaks TLS. */
export interface RunFile { event: 'ready'; pid: number; data: string; api: string; console: string; certificate?: string; nats: string; company: string; dryRun?: boolean }

/** Where the running server is. Written whole or not at all. */
export function writeRunFile(dir: string, run: RunFile): void {
  const temporary = join(dir, `run.json.${run.pid}`);
  writeFileSync(temporary, `${JSON.stringify(run)}\n`, { mode: 0o600 });
  renameSync(temporary, join(dir, 'run.json'));
}

export function removeRunFile(dir: string): void {
  rmSync(join(dir, 'run.json'), { force: true });
}

type Kind = 'template' | 'trigger' | 'rule';
const library: { kind: Kind; folder: string; extension: string; mediaType: string; check(text: string, name: string): unknown }[] = [
  { kind: 'template', folder: 'templates', extension: '.md', mediaType: 'text/markdown', check: parseTemplate },
  { kind: 'trigger', folder: 'triggers', extension: '.json', mediaType: 'application/json', check: readTrigger },
  { kind: 'rule', folder: 'rules', extension: '.json', mediaType: 'application/json', check: parseRule },
];

/**
 * What the operator changed in templates/, triggers/ and rules/ since the store last saw them, as new artifact versions, so that every version
 * that was ever in force is kept. `current` maps artifact ids to hashes. A removed file becomes an empty version. Policies are published.
 */
export function readLibrary(dir: string, current: Map<string, string>, commitId: string, nowMs: number): Commit | null {
  const artifacts: Artifact[] = [];
  const blobs: Commit['blobs'] = [];
  const gone = new Set(current.keys());
  const put = (id: string, kind: Kind, mediaType: string, text: string) => {
    const hash = sha256(text);
    gone.delete(id);
    if (current.get(id) === hash) return;
    artifacts.push({ id, kind, mediaType, hash, sizeBytes: Buffer.byteLength(text), ...(kind === 'template' && text ? { text } : {}) });
    blobs.push({ hash, bytes: text });
  };
  for (const entry of library) for (const { name, text } of readFolder(dir, entry)) put(`${entry.kind}/${name}`, entry.kind, entry.mediaType, text);
  for (const id of gone) {
    const entry = library.find(({ kind }) => id.startsWith(`${kind}/`));
    if (entry) put(id, entry.kind, 'text/plain', '');
  }
  if (artifacts.length === 0) return null;
  return { ...emptyCommit(commitId, nowMs, 'operator/company', { library: artifacts.map(({ id, hash }) => ({ id, hash })) }), artifacts, blobs };
}

/** What triggers/ holds now. Throws BAD_CONFIG with the file and what is wrong in it. */
export function readTriggers(dir: string): Trigger[] {
  const folder = library.find(({ kind }) => kind === 'trigger')!;
  return readFolder(dir, folder).map(({ name, text }) => readTrigger(text, name));
}

/** What policies/ holds now; only a publication puts it in force. Throws BAD_CONFIG for files that no longer count. */
export function readPolicyFiles(dir: string): { id: string; text: string }[] {
  return readPolicyFolder(join(dir, 'policies'));
}

/** The same of any folder. A folder that is not there holds none. */
export function readPolicyFolder(path: string): { id: string; text: string }[] {
  if (existsSync(path) && !statSync(path).isDirectory()) throw new KeelsonError('BAD_CONFIG', `${path} is a file`, { hint: 'Name the folder that it is in: policies count together.' });
  const files = existsSync(path) ? readdirSync(path).toSorted() : [];
  const old = files.find((file) => file.endsWith('.json'));
  if (old !== undefined) throw new KeelsonError('BAD_CONFIG', `${join(path, old)}: policies are written in Cedar, in files that end in .cedar`, { hint: 'Write its rules anew (docs/policies.md) and take the file away.' });
  return files.filter((file) => file.endsWith('.cedar')).map((file) => {
    try {
      return { id: file.slice(0, -'.cedar'.length), text: readFileSync(join(path, file), 'utf8') };
    } catch (cause) {
      throw new KeelsonError('BAD_CONFIG', `${join(path, file)}: ${(cause as Error).message}`, { cause, hint: 'It must be a file that can be read.' });
    }
  });
}

function readTrigger(text: string, name: string): Trigger {
  const trigger = parseTrigger(JSON.parse(text));
  if (trigger.name !== name) throw new KeelsonError('BAD_CONFIG', `name: expected '${name}', as the file is called, received '${trigger.name}'`);
  return trigger;
}

/** Every file of a folder of the company, by name. Throws BAD_CONFIG with the file and what `check` says about it. */
export function readFolder(dir: string, { folder, extension, check }: Pick<(typeof library)[number], 'folder' | 'extension' | 'check'>): { name: string; text: string }[] {
  const path = join(dir, folder);
  const files = existsSync(path) ? readdirSync(path).filter((file) => file.endsWith(extension)).toSorted() : [];
  return files.map((file) => {
    const name = file.slice(0, -extension.length);
    try {
      const text = readFileSync(join(path, file), 'utf8');
      check(text, name);
      return { name, text };
    } catch (cause) {
      throw new KeelsonError('BAD_CONFIG', `${join(folder, file)}: ${(cause as Error).message}`, { cause, ...(cause instanceof KeelsonError ? { hint: cause.hint } : {}) });
    }
  });
}
