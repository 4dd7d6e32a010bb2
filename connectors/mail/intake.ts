// Mail as a way in: the raw bytes become an artifact, and one run of the mail pipeline starts, in one commit. The same mail by
// another route has the same id, so it is a duplicate and starts nothing.
import type { Clock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Artifact } from '#machines/records.ts';
import { parseMail } from './parse.ts';

export interface Received { outcome: 'imported' | 'duplicate'; mailId: string; warnings: string[] }

/** Throws BAD_MAIL when nothing can be read; anything else that is wrong becomes a warning on the mail. */
export async function receiveMail(raw: Uint8Array, { store, clock, machine, company, source }: { store: StorePort; clock: Clock; machine: string; company: unknown; source: string }): Promise<Received> {
  const { mail, attachments } = await parseMail(raw);
  const { id } = mail;
  const artifacts: Artifact[] = [
    { id, kind: 'mail', mediaType: 'message/rfc822', hash: mail.rawHash, sizeBytes: raw.length, name: source.slice(-200), text: `${mail.subject}\n${mail.text}` },
    ...attachments.map((a, i): Artifact => ({ id: `${id}/${i + 1}`, kind: 'attachment', mediaType: mail.attachments[i]?.mediaType ?? 'application/octet-stream', hash: a.hash, sizeBytes: a.bytes.length, name: a.name })),
  ];
  const commit = emptyCommit(`received:${id}`, clock.now(), 'connector/mail', { received: id, source, rawHash: mail.rawHash, artifacts: artifacts.map((a) => a.hash) });
  const answer = await store.commit({
    ...commit,
    artifacts,
    // Attachments are inside the raw bytes; only their hashes are kept apart.
    blobs: [{ hash: mail.rawHash, bytes: raw }],
    sends: [{ id: `start:${id}`, to: `mail/${id}`, from: 'connector/mail', body: { kind: 'start', machine, input: { mail, company } } }],
  });
  if (answer.outcome === 'written' || answer.outcome === 'duplicate') return { outcome: answer.outcome === 'written' ? 'imported' : 'duplicate', mailId: id, warnings: mail.warnings };
  throw new KeelsonError('STORE_FAILED', `the mail could not be kept: ${answer.outcome}`);
}
