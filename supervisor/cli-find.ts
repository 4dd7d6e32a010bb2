// What `keelson find KIND` can list. The kinds are fixed words; filters are values, never parts of a query.
import { KeelsonError } from '#machines/errors.ts';
import type { Database, Row } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';

const entityKinds = ['person', 'organisation', 'project', 'asset', 'product', 'account'];
const artifactKinds = ['mail', 'attachment', 'template', 'policy', 'draft', 'sent'];
export const findKinds = ['fact', ...entityKinds, 'intent', 'artifact', ...artifactKinds, 'decision', 'parked'];

export async function find(db: Database, kind: string, { entity, predicate, label, actor, limit = '100' }: Record<string, string | undefined>): Promise<Row[]> {
  const max = Number(limit);
  const query = async (name: string, args: Record<string, unknown>) => (await runQuery(db, name, { ...args, limit: max })) as Row[];
  if (kind === 'fact') return query('facts', { entity, predicate, label });
  if (entityKinds.includes(kind)) return query('entities', { entityKind: kind });
  if (kind === 'intent') return query('intents', {});
  if (kind === 'artifact') return query('artifacts', {});
  if (artifactKinds.includes(kind)) return query('artifacts', { artifactKind: kind });
  if (kind === 'decision') return query('decisions', { actor });
  if (kind === 'parked') return (await query('parked', {})).map((row) => ({ ...row, bytes: Buffer.from(row['bytes'] as Uint8Array).toString('base64') }));
  throw new KeelsonError('BAD_ARGUMENT', `there is no kind '${kind}'; choose one of ${findKinds.join(', ')}`);
}
