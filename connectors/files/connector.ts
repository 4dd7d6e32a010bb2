// Files inside of folders that the operator opened: read, list, write. Nothing is deleted, and what is replaced is kept as a document.
import { extname, basename } from 'node:path';
import { z } from 'zod';
import { sha256 } from '#actors/hash.ts';
import type { Control, Enclosure, Performed } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { action, type Call, type Connector, type Idempotency, type PlanCall } from '../connector.ts';
import { deferred, listInside, readInside, refused } from './inside.ts';
import { filePathSchema, folderPathSchema } from './path-name.ts';
import { openRoots, type FilesSettings, type Root } from './roots.ts';
import { dropPart, writeInside } from './write.ts';

export { settingsSchema, type FilesSettings } from './roots.ts';

const textLimit = 200_000;
/** Reading again is as good as reading once. */
const repeatable: Idempotency = { kind: 'native', keyLifetimeMs: Number.MAX_SAFE_INTEGER };
/** What a double click, a web server or a build may run. */
const runnable = /\.(?:sh|bash|zsh|command|desktop|js|mjs|cjs|ts|py|rb|pl|php|exe|bat|cmd|com|msi|ps1|vbs|scr|jar|app|service)$/i;
const mediaTypes: Record<string, string> = {
  '.txt': 'text/plain', '.md': 'text/markdown', '.csv': 'text/csv', '.html': 'text/html', '.json': 'application/json', '.xml': 'application/xml',
  '.pdf': 'application/pdf', '.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.ics': 'text/calendar', '.eml': 'message/rfc822',
};
const mediaTypeOf = (path: string) => mediaTypes[extname(path).toLowerCase()] ?? 'application/octet-stream';

/** Throws BAD_CONFIG when a root is not there, holds the company's data, or lies in another. */
export function createFilesConnector(settings: FilesSettings, { dataDir }: { dataDir: string }): Connector {
  const roots = openRoots(settings, dataDir);
  const names = [...roots.keys()];
  const writable = names.filter((name) => roots.get(name)!.write);
  const rootOf = (name: string): Root => roots.get(name)!;
  const control = (root: string, path: string): Control[] => {
    const vouchedBy = rootOf(root).vouched ? `the root '${root}' is vouched for in connectors/files.json` : null;
    return [{ kind: 'path', field: 'root', value: root, vouchedBy }, { kind: 'path', field: 'path', value: path, vouchedBy }];
  };
  const plan = (summary: string, root: string, path: string) =>
    ({ summary, preview: `${rootOf(root).folder}/${path}`, risk: 'low' as const, reasons: [] as string[], control: control(root, path), enclosures: [] as Enclosure[], money: null });

  const read = action({
    name: 'files.read', title: 'Read a file of a folder that the operator opened, as text or as a document',
    input: z.strictObject({ root: z.enum(names), path: filePathSchema, as: z.enum(['text', 'document']).default('text') }),
    effect: 'read', risk: 'low', reversible: true, money: false, idempotency: repeatable,
    plan: async ({ root, path }) => plan(`Read ${path} in '${root}'`, root, path),
    async commit({ root, path, as }, { documents, signal }) {
      demandTime(signal);
      const found = await readInside(rootOf(root).folder, path);
      if (found === null) throw refused(`${path}: there is no such file in '${root}'`);
      const { bytes } = found;
      const about = { root, path, sizeBytes: bytes.length, hash: sha256(bytes) };
      if (as === 'text') return done(root, path, `read ${bytes.length} bytes`, { ...about, text: decodeText(bytes, path) });
      return done(root, path, `kept ${bytes.length} bytes as a document`, { ...about, document: await documents.keep({ id: `file/${root}/${path}`, kind: 'document', name: basename(path), mediaType: mediaTypeOf(path), bytes }) });
    },
  });

  const list = action({
    name: 'files.list', title: 'List the files and folders of a folder that the operator opened',
    input: z.strictObject({ root: z.enum(names), path: folderPathSchema.default('') }),
    effect: 'read', risk: 'low', reversible: true, money: false, idempotency: repeatable,
    plan: async ({ root, path }) => plan(`List ${path || 'the top'} of '${root}'`, root, path),
    async commit({ root, path }, { signal }) {
      demandTime(signal);
      const { entries, leftOut } = await listInside(rootOf(root).folder, path);
      return done(root, path, `${entries.length} entries`, { root, path, entries: entries.map((entry) => ({ ...entry })), leftOut });
    },
  });

  const write = action<Write>({
    name: 'files.write', title: 'Write a file in a folder that the operator opened',
    input: writeSchema(writable),
    effect: 'write', risk: 'medium', reversible: true, money: false, idempotency: { kind: 'lookup' },
    async plan(payload, call) {
      const { root, path, replace } = payload;
      const { bytes, enclosure } = await contentOf(payload, call);
      return {
        ...plan(`Write ${path} in '${root}' (${bytes.length} bytes${replace ? ', in place of what is there' : ''})`, root, path),
        preview: `${rootOf(root).folder}/${path}\n\n${payload.text ?? `the document ${enclosure!.name}, sha256 ${enclosure!.hash}`}`,
        risk: runnable.test(path) ? 'high' : 'medium',
        reasons: [...(runnable.test(path) ? ['a file of this name may be run as a program'] : []), ...(replace ? ['what is there is replaced; it is kept as a document'] : [])],
        enclosures: enclosure ? [enclosure] : [],
      };
    },
    async commit(payload, call) {
      const { root, path, replace } = payload;
      const { bytes } = await contentOf(payload, call);
      const before = await writeInside({
        root: rootOf(root).folder, path, bytes, replace, operationId: call.operationId, signal: call.signal,
        keep: (old) => call.documents.keep({ id: beforeId(call), kind: 'document', name: basename(path), mediaType: old ? mediaTypeOf(path) : noFile, bytes: old ?? Buffer.of() }),
      });
      return written(payload, bytes, before);
    },
    async lookup(payload, call) {
      const { root, path } = payload;
      const before = await call.documents.read(beforeId(call)).catch(missing);
      // It is kept before anything is changed, so without it the operation never got that far.
      if (before === null) return { found: 'absent', note: `${path} was not touched` };
      await dropPart(rootOf(root).folder, path, call.operationId);
      const { bytes } = await contentOf(payload, call);
      const now = await readInside(rootOf(root).folder, path);
      if (now?.bytes.equals(bytes)) return { found: 'done', performed: written(payload, bytes, before) };
      const isAsBefore = now === null ? before.mediaType === noFile : before.mediaType !== noFile && now.bytes.equals(before.bytes);
      if (isAsBefore) return { found: 'absent', note: `${path} is as it was before` };
      return { found: 'unclear', note: `${path} is neither what was to be written nor what was there before` };
    },
  });

  return { name: 'files', version: '1', hosts: [], secrets: [], actions: [read, list, ...(writable.length > 0 ? [write] : [])] };
}

interface Write { root: string; path: string; replace: boolean; text?: string; document?: { artifact: string; hash: string } }

const writeSchema = (writable: string[]): z.ZodType<Write> => z.strictObject({
  root: z.enum(writable), path: filePathSchema,
  text: z.string().max(textLimit).refine((text) => text.isWellFormed(), 'expected text without half a surrogate pair').optional(),
  /** The sha256 of the very bytes that are meant. */
  document: z.strictObject({ artifact: z.string().min(1), hash: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
  replace: z.boolean().default(false),
}).refine(({ text, document }) => (text === undefined) !== (document === undefined), 'expected either text or document');

const beforeId = ({ operationId }: Call) => `file-before/${operationId}`;
/** The media type of the empty document that says: there was no file. */
const noFile = 'application/x-no-file';

function demandTime(signal: AbortSignal): void {
  if (signal.aborted) throw deferred('the time was up before it was read');
}

const withoutBytes = ({ artifact, name, mediaType, hash, sizeBytes }: Enclosure): Enclosure => ({ artifact, name, mediaType, hash, sizeBytes });

async function contentOf({ text, document }: Write, { documents }: PlanCall): Promise<{ bytes: Uint8Array; enclosure: Enclosure | null }> {
  if (document === undefined) return { bytes: Buffer.from(text ?? ''), enclosure: null };
  const found = await documents.read(document.artifact, document.hash).catch(missing);
  if (found === null || sha256(found.bytes) !== document.hash) throw new KeelsonError('REFUSED', `there is no document '${document.artifact}' with hash ${document.hash.slice(0, 12)}`);
  return { bytes: found.bytes, enclosure: withoutBytes(found) };
}

function missing(error: unknown): null {
  if (error instanceof KeelsonError && error.code === 'NOT_FOUND') return null;
  throw error;
}

function decodeText(bytes: Uint8Array, path: string): string {
  if (bytes.length > textLimit) throw refused(`${path}: ${bytes.length} bytes are too many for a text (${textLimit}); read it as a document`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refused(`${path}: it is no text in UTF-8; read it as a document`, cause);
  }
}

const done = (root: string, path: string, note: string, result: Performed['result']): Performed => ({ done: true, providerRef: `${root}/${path}`, note, result, facts: [] });

function written({ root, path }: Write, bytes: Uint8Array, before: Enclosure): Performed {
  const hash = sha256(bytes);
  const replaced = before.mediaType === noFile || before.hash === hash ? null : withoutBytes(before);
  return done(root, path, replaced ? `written; what was there is kept as ${replaced.artifact}` : 'written', { root, path, sizeBytes: bytes.length, hash, replaced });
}
