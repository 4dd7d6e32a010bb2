// Documents in a folder instead of the store, so that a process that is killed leaves them to the next.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '#actors/hash.ts';
import type { Documents } from '#connectors/documents.ts';
import { KeelsonError } from '#machines/errors.ts';

export function folderDocuments(folder: string): Documents {
  mkdirSync(folder, { recursive: true });
  const fileOf = (id: string) => join(folder, sha256(id));
  return {
    async read(id, hash) {
      const file = fileOf(id);
      if (!existsSync(file)) throw new KeelsonError('NOT_FOUND', `there is no document '${id}'`);
      const { base64, ...enclosure } = JSON.parse(readFileSync(file, 'utf8')) as Awaited<ReturnType<Documents['keep']>> & { base64: string };
      if (hash !== undefined && hash !== enclosure.hash) throw new KeelsonError('NOT_FOUND', `there is no document '${id}' with that hash`);
      return { ...enclosure, bytes: Buffer.from(base64, 'base64') };
    },
    async keep({ id, name, mediaType, bytes }) {
      const enclosure = { artifact: id, name, mediaType, hash: sha256(bytes), sizeBytes: bytes.length };
      writeFileSync(`${fileOf(id)}.new`, JSON.stringify({ ...enclosure, base64: Buffer.from(bytes).toString('base64') }));
      renameSync(`${fileOf(id)}.new`, fileOf(id));
      return enclosure;
    },
  };
}
