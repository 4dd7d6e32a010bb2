// Mail as a way in: the raw bytes become an artifact, and one run of the mail pipeline starts, in one commit. The same mail by
// another route has the same id, so it is a duplicate and starts nothing.
import type { Clock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Mailbox } from '#machines/mail.ts';
import type { Artifact } from '#machines/records.ts';
import type { Authentication } from './authenticate.ts';
import { evidenceOf } from './evidence.ts';
import { parseMail } from './parse.ts';

export interface Received { outcome: 'imported' | 'duplicate'; mailId: string; warnings: string[] }

export interface ReceiveOptions {
  store: StorePort;
  clock: Pick<Clock, 'now'>;
  machine: string;
  company: unknown;
  source: string;
  /** Who sent it, as far as it can be told; absent for what was not received just now, like an import. */
  authenticate?: (raw: Uint8Array, from: Mailbox | null) => Promise<Authentication>;
}

/** Throws BAD_MAIL when nothing can be read; anything else that is wrong becomes a warning on the mail. */
export async function receiveMail(raw: Uint8Array, { store, clock, machine, company, source, authenticate }: ReceiveOptions): Promise<Received> {
  const { mail: read, attachments } = await parseMail(raw);
  const { facts, warnings } = authenticate === undefined ? { facts: [], warnings: [] } : await evidenceOf(read, await authenticate(raw, read.from), store);
  const mail = warnings.length === 0 ? read : { ...read, warnings: [...warnings, ...read.warnings] };
  const { id } = mail;
  const artifacts: Artifact[] = [
    { id, kind: 'mail', mediaType: 'message/rfc822', hash: mail.rawHash, sizeBytes: raw.length, name: source.slice(-200), text: `${mail.subject}\n${mail.text}` },
    ...attachments.map((a, i): Artifact => ({ id: `${id}/${i + 1}`, kind: 'attachment', mediaType: mail.attachments[i]?.mediaType ?? 'application/octet-stream', hash: a.hash, sizeBytes: a.bytes.length, name: a.name })),
  ];
  const commit = emptyCommit(`received:${id}`, clock.now(), 'connector/mail', { received: id, source, rawHash: mail.rawHash, artifacts: artifacts.map((a) => a.hash) });
  const answer = await store.commit({
    ...commit,
    artifacts,
    facts,
    // Attachments are inside the raw bytes; only their hashes are kept apart.
    blobs: [{ hash: mail.rawHash, bytes: raw }],
    sends: [{ id: `start:${id}`, to: `mail/${id}`, from: 'connector/mail', body: { kind: 'start', machine, input: { mail, company } } }],
  });
  if (answer.outcome === 'written' || answer.outcome === 'duplicate') return { outcome: answer.outcome === 'written' ? 'imported' : 'duplicate', mailId: id, warnings: mail.warnings };
  throw new KeelsonError('STORE_FAILED', `the mail could not be kept: ${answer.outcome === 'invalid' ? answer.reason : answer.outcome}`);
}
