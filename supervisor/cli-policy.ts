// `keelson policy …`: what is in force, what a draft would change, and the one way to put it in force. Looking needs no server.
import type { Command } from 'commander';
import type { PolicyDesk, Published } from '#connectors/console/desk-policy.ts';
import { compareSets, sayChanges, writeSet, type StoredSet } from '#connectors/policy-set.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { oneLine, table } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';
import { readPolicyFiles, readPolicyFolder } from './company.ts';
import { parseOrSay, readInForce, testDraft } from './main-policy-draft.ts';

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
