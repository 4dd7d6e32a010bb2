// What `keelson audit verify` and the console say: the chain, the heads that were written down elsewhere, and what it vouches for only
// by name.
import type { Database } from './database.ts';
import { findChangedContent } from './verify-contents.ts';
import { verifyAudit, type KnownHead, type Verdict } from './verify.ts';

/** At one moment, also while the server writes. */
export async function verifyWhole(database: Database, heads: KnownHead[]): Promise<Verdict> {
  await database.exec('BEGIN');
  const chain = await verifyAudit(database, heads);
  const firstBad = chain.ok ? await findChangedContent(database) : null;
  return firstBad ? { ...chain, ok: false, firstBad } : chain;
}
