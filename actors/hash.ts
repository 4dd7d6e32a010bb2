// Content hashes. Approved payloads are hashed over canonical JSON (RFC 8785), so that the hash does not depend on key order.
import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data);
}

export function hashJson(value: unknown): string {
  return sha256(canonicalize(value) ?? 'null');
}
