// The system's name servers, asked with patience of our own: a sender's slow server must not hold up the mailbox.
import { Resolver } from 'node:dns/promises';
import type { DNSResolver } from 'mailauth';

export function createResolver({ timeoutMs = 3_000, tries = 2 }: { timeoutMs?: number; tries?: number } = {}): DNSResolver {
  const resolver = new Resolver({ timeout: timeoutMs, tries, maxTimeout: timeoutMs });
  return (name, type) => resolver.resolve(name, type as 'TXT');
}
