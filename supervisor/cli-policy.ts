// `keelson policy …`: what is in force, what a draft would change, and the one way to put it in force. Looking needs no server.
import type { Command } from 'commander';
import type { PolicyDesk, Published } from '#connectors/console/desk-policy.ts';
import { parseWithSchema, type Policies, type PolicyRequest } from '#connectors/policy.ts';
import { compareSets, readStoredSchema, readStoredSet, sayChanges, textsOf, writeSet, type StoredSet } from '#connectors/policy-set.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import type { Database } from '#store/database.ts';
import { runQuery } from '#store/queries.ts';
import { oneLine, table } from './cli-output.ts';
import { readOperations, withDatabase, type Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';
import { readPolicyFiles, readPolicyFolder } from './company.ts';

interface Proposed { id: string; action: string; verdict?: { request?: PolicyRequest } | null }
interface Change { id: string; action: string; before: string; after: string; rule: string }
/** `withoutRequest`: operations of which it is not known what policy was asked. */
export interface Tested { operations: number; withoutRequest: number; changed: Change[]; version: string; warnings: string[] }

export function addPolicyCommands(program: Command, define: Define): void {
  const policy = program.command('policy').description('what may happen outside: rules in force, drafts, publication');

  define(policy.command('list').description('files and rules in force, and whether policies/ differs'), async ({ dataDir, out }) => {
    const listed = await withDatabase(dataDir, async (db) => {
      const { set, schema } = await readInForce(db);
      const { policies, problem } = await parseOrSay(set, schema);
      const differs = await differenceOf(dataDir, set);
      return { version: policies?.version ?? null, problem, differs, rules: (policies?.rules ?? []).map(({ text: _, ...rule }) => rule), warnings: policies?.warnings ?? [] };
    });
    out.result(listed, ({ version, problem, differs, rules, warnings }) => [
      problem === null ? `in force: version ${version}` : `Everything is denied: ${problem}`,
      ...(rules.length > 0 ? ['', table(['FILE', 'RULE', 'SORT', 'EXPIRES', 'WHY'], rules.map((rule) => [rule.file, rule.id, rule.effect, rule.expiresAfterMs === null ? '' : `${rule.expiresAfterMs / 60_000} min`, oneLine(rule.why)]))] : []),
      ...warnings.map((warning) => `odd: ${warning}`),
      '', differs === null ? 'policies/ is what is in force.' : `policies/ differs from what is in force (${differs}). See what would change: keelson policy test · put it in force: keelson policy publish`,
    ].join('\n'));
  });

  define(policy.command('test').argument('[dir]', 'a folder with .cedar files; default: policies/ of the company').description('asks a draft about all past operations and shows which answers would change'), async ({ dataDir, out }, dir: string | undefined) => {
    const files = dir === undefined ? readPolicyFiles(dataDir) : readPolicyFolder(dir);
    if (files.length === 0 && dir !== undefined) throw new KeelsonError('BAD_ARGUMENT', `there is no .cedar file in ${dir}`);
    const tested = await withDatabase(dataDir, (db) => testDraft(db, writeSet(files)));
    out.result(tested, ({ operations, withoutRequest, changed, version, warnings }) => [
      ...(changed.length > 0 ? [table(['OPERATION', 'ACTION', 'NOW', 'THEN', 'RULE'], changed.map((c) => [c.id, c.action, c.before, c.after, c.rule])), ''] : []),
      ...warnings.map((warning) => `odd: ${warning}`),
      `${operations} past operations, ${changed.length} would be answered otherwise by version ${version}${withoutRequest > 0 ? `; of ${withoutRequest} it is not known what was asked` : ''}.`,
      ...(changed.length > 0 ? ['Put it in force: keelson policy publish'] : []),
    ].join('\n'));
  });

  define(policy.command('publish').description('puts policies/ in force; a yes that was given under other policies counts no more'), async ({ dataDir, out }) => {
    const files = Object.fromEntries(readPolicyFiles(dataDir).map(({ id, text }) => [id, text]));
    const server = await connectToServer(dataDir);
    const body: Parameters<PolicyDesk['publish']>[0] = { files };
    const published = await server.post<Published>('/api/policies/publish', body);
    for (const warning of published.warnings) out.say(`odd: ${warning}`);
    out.result(published, (p) => (p.published ? `in force: version ${p.version} (${sayChanges(p.changes)})` : `nothing to publish: policies/ is what is in force, version ${p.version}`));
  });
}

/** Every past request, asked of what is in force and of the draft. */
async function testDraft(db: Database, draftSet: string): Promise<Tested> {
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

async function readInForce(db: Database): Promise<{ set: StoredSet | null; schema: string }> {
  const store = { query: (name: string, args: Record<string, unknown>) => runQuery(db, name, args) };
  const schema = await readStoredSchema(store);
  if (schema === null) throw new KeelsonError('NOT_RUNNING', 'no server of this build was ever started here, so it is not known what policies may name');
  return { set: await readStoredSet(store), schema };
}

async function parseOrSay(set: StoredSet | null, schema: string): Promise<{ policies: Policies; problem: null } | { policies: null; problem: string }> {
  if (set === null) return { policies: null, problem: 'nothing was ever published' };
  try {
    return { policies: await parseWithSchema(textsOf(set), schema), problem: null };
  } catch (error) {
    if (plainError(error).code !== 'BAD_CONFIG') throw error;
    return { policies: null, problem: plainError(error).message };
  }
}

/** How policies/ differs from what is in force, or null. */
async function differenceOf(dataDir: string, set: StoredSet | null): Promise<string | null> {
  try {
    const folder = writeSet(readPolicyFiles(dataDir));
    return folder === set?.text ? null : sayChanges(await compareSets(set?.text ?? null, folder));
  } catch (error) {
    if (plainError(error).code !== 'BAD_CONFIG') throw error;
    return plainError(error).message;
  }
}
