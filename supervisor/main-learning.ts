// What the operator approves of what was learnt becomes a file of the company's folder.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WriteFile } from '#connectors/console/desk-publish.ts';
import { KeelsonError } from '#machines/errors.ts';

const files = { rule: { folder: 'rules', extension: '.json' }, template: { folder: 'templates', extension: '.md' } } as const;

/** Whole or not at all. */
export function fileWriter(dataDir: string): WriteFile {
  return (kind, name, text, { isNew }) => {
    const { folder, extension } = files[kind];
    const path = join(dataDir, folder, `${name}${extension}`);
    if (existsSync(path)) {
      if (readFileSync(path, 'utf8') === text) return;
      if (isNew) throw new KeelsonError('REFUSED', `there is already a file ${folder}/${name}${extension}, and it says something else`, { hint: 'Rename that file, or reject this proposal.' });
    }
    mkdirSync(join(dataDir, folder), { recursive: true });
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
}
