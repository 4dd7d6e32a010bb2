// The folders that the operator opened, as connectors/files.json names them. Where each really is gets fixed at the start; a root
// that could reach the company's own data, or another root with other rights, stops it.
import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, sep } from 'node:path';
import { z } from 'zod';
import { KeelsonError } from '#machines/errors.ts';

const rootSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected a to z, 0 to 9 and dashes'),
  folder: z.string().refine(isAbsolute, 'expected an absolute path'),
  /** False: it is only read. */
  write: z.boolean(),
  /** True: paths in it need nobody's word, wherever they come from. */
  vouched: z.boolean().default(false),
});

export const settingsSchema = z.strictObject({
  roots: z.array(rootSchema).min(1).max(50).refine((roots) => new Set(roots.map(({ name }) => name)).size === roots.length, 'two roots have one name'),
});
export type FilesSettings = z.input<typeof settingsSchema>;
/** `folder` has no link in it. */
export type Root = z.output<typeof rootSchema>;

/** Throws BAD_CONFIG with the root and what is wrong with it. */
export function openRoots(settings: FilesSettings, dataDir: string): Map<string, Root> {
  const data = realpathSync(dataDir);
  const roots = settingsSchema.parse(settings).roots.map((root) => ({ ...root, folder: realFolder(root) }));
  for (const [i, { name, folder }] of roots.entries()) {
    if (within(folder, data) || within(data, folder)) throw bad(name, `${folder} holds the data of the company or lies in it`);
    const other = roots.slice(i + 1).find((one) => within(folder, one.folder) || within(one.folder, folder));
    if (other) throw bad(name, `${folder} and the root '${other.name}' lie in each other`);
  }
  return new Map(roots.map((root) => [root.name, root]));
}

function realFolder({ name, folder }: Root): string {
  let real: string;
  try {
    real = realpathSync.native(folder);
  } catch (cause) {
    throw bad(name, `${folder} cannot be opened: ${(cause as Error).message}`, cause);
  }
  if (!statSync(real).isDirectory()) throw bad(name, `${folder} is no folder`);
  return real;
}

const within = (outer: string, inner: string) => inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);

const bad = (name: string, message: string, cause?: unknown) => new KeelsonError('BAD_CONFIG', `connectors/files.json: root '${name}': ${message}`, { cause, hint: 'Name an existing folder outside of the company folder.' });
