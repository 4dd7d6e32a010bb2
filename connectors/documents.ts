// Documents as connectors see them: bytes by artifact id, in and out, without the store in between. What is kept gets an id that
// follows from the operation, so keeping it again changes nothing.
import type { Clock } from '#actors/clock.ts';
import { sha256 } from '#actors/hash.ts';
import type { StorePort } from '#actors/store-port.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Enclosure } from '#machines/effects.ts';
import type { Artifact } from '#machines/records.ts';

export interface Documents {
  /** The newest version of an artifact, or the one with this hash. Throws NOT_FOUND. */
  read(artifact: string, hash?: string): Promise<Enclosure & { bytes: Uint8Array }>;
  /** Keeps bytes as a version of `id`. The same bytes again are the same version. `text` is what a search finds. */
  keep(document: { id: string; kind: Artifact['kind']; name: string; mediaType: string; bytes: Uint8Array; text?: string }): Promise<Enclosure>;
}

/** `from`: `connector/invoices`, whose commits these are. */
export function createDocuments({ store, clock, from }: { store: StorePort; clock: Clock; from: string }): Documents {
  return {
    async read(artifact, hash) {
      const found = (await store.query('document', { id: artifact, ...(hash === undefined ? {} : { hash }) })) as { id: string; hash: string; name: string | null; mediaType: string; base64: string } | null;
      if (found === null) throw new KeelsonError('NOT_FOUND', `there is no document '${artifact}'${hash === undefined ? '' : ` with hash ${hash.slice(0, 12)}`}`);
      const bytes = Buffer.from(found.base64, 'base64');
      return { artifact: found.id, name: found.name ?? found.id, mediaType: found.mediaType, hash: found.hash, sizeBytes: bytes.length, bytes };
    },
    async keep({ id, kind, name, mediaType, bytes, text }) {
      const hash = sha256(bytes);
      const commit = emptyCommit(`document:${id}:${hash}`, clock.now(), from, { kept: id, hash });
      const answer = await store.commit({ ...commit, artifacts: [{ id, kind, mediaType, hash, sizeBytes: bytes.length, name, ...(text === undefined ? {} : { text }) }], blobs: [{ hash, bytes }] });
      if (answer.outcome !== 'written' && answer.outcome !== 'duplicate') throw new KeelsonError('STORE_FAILED', `the document '${id}' could not be kept: ${answer.outcome === 'invalid' ? answer.reason : answer.outcome}`);
      return { artifact: id, name, mediaType, hash, sizeBytes: bytes.length };
    },
  };
}
