// What a draft of the policies would have answered in the past, and what is in force: for `keelson policy` and for the console.
import type { Tested } from '#connectors/console/policy-view.ts';
import { parseWithSchema, type Policies, type PolicyRequest } from '#connectors/policy.ts';
import { readStoredSchema, readStoredSet, textsOf, type StoredSet } from '#connectors/policy-set.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import type { Database } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';
import { readOperations } from './cli-read.ts';

interface Proposed { id: string; action: string; verdict?: { request?: PolicyRequest } | null }

/** Every past request, asked of what is in force and of the draft. */
export async function testDraft(db: Database, draftSet: string): Promise<Tested> {
  await db.exec('BEGIN'); // one moment for all pages
  const { set, schema } = await readInForce(db);
  const draft = await parseWithSchema(textsOf({ version: (set?.version ?? 0) + 1, text: draftSet }), schema);
  const { policies } = await parseOrSay(set, schema);
  const tested: Tested = { operations: 0, withoutRequest: 0, changed: [], version: set?.text === draftSet && policies ? policies.version : draft.version, warnings: [...draft.warnings] };
  for await (const { context } of readOperations(db)) {
    const { id, action, verdict } = context as unknown as Proposed;
    tested.operations++;
    const request = verdict?.request;
    if (!request) {
      tested.withoutRequest++;
      continue;
    }
    const before = policies?.decide(request).answer ?? 'deny';
    const after = draft.decide(request);
    if (before !== after.answer) tested.changed.push({ id, action, before, after: after.answer, rule: after.policy.rule });
  }
  return tested;
}

export async function readInForce(db: Database): Promise<{ set: StoredSet | null; schema: string }> {
  const store = { query: (name: string, args: Record<string, unknown>) => runQuery(db, name, args) };
  const schema = await readStoredSchema(store);
  if (schema === null) throw new KeelsonError('NOT_RUNNING', 'no server of this build was ever started here, so it is not known what policies may name');
  return { set: await readStoredSet(store), schema };
}

export async function parseOrSay(set: StoredSet | null, schema: string): Promise<{ policies: Policies; problem: null } | { policies: null; problem: string }> {
  if (set === null) return { policies: null, problem: 'nothing was ever published' };
  try {
    return { policies: await parseWithSchema(textsOf(set), schema), problem: null };
  } catch (error) {
    if (plainError(error).code !== 'BAD_CONFIG') throw error;
    return { policies: null, problem: plainError(error).message };
  }
}
