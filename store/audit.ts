// The journal is a hash chain: each row's hash covers the previous hash, everything in the row, its body by hash, and the rows it
// recorded elsewhere by hash. Changing, removing, inserting or moving anything breaks it from there on.
import { sha256 } from '#actors/hash.ts';

export interface JournalRow {
  seq: number;
  id: string;
  actor: string;
  rev: number | null;
  at_ms: number;
  outcome: string;
  /** Null when the body is gone; then `digest` is its hash. */
  body: string | null;
  digest: string | null;
  parts: string | null;
}

export const firstHash = '0'.repeat(64);

export function chainHash(previous: string, { seq, rev, at_ms: atMs, outcome, id, actor, body, digest, parts }: JournalRow): string {
  // Lengths before texts, so that no two different rows have the same bytes.
  return sha256(`${previous}|${seq}|${rev ?? '-'}|${atMs}|${counted(outcome)}|${counted(id)}|${counted(actor)}|${parts ?? '-'}|${body === null ? digest : sha256(body)}`);
}

const counted = (text: string) => `${text.length}:${text}`;
