// Operational debt, measured: what nobody looks after, each with a number, how it was a week ago, and what to do. Numbers come from the store
// as it was then; of files, what was there then. A kind of which there is nothing to say is not named.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadCedar } from '#connectors/policy.ts';
import { readRules } from '#connectors/policy-rules.ts';
import { readSet, readStoredSet } from '#connectors/policy-set.ts';
import type { DebtCounts } from '#store/query-debt.ts';
import type { OutcomeRow } from '#store/query-quality.ts';

export interface Debt {
  kind: string;
  /** What exactly, in one sentence. */
  what: string;
  number: number;
  unit: string;
  /** The number less that of a week ago; null when the past cannot be told. */
  trend: number | null;
  /** The command that leads out of it. */
  fix: string;
}

type Ask = (name: string, args: Record<string, unknown>) => Promise<unknown>;
const dayMs = 86_400_000;
const weekMs = 7 * dayMs;
const waitedMs = 3 * dayMs;
const code = /(?<!\.test)\.(?:ts|mts|js|mjs)$/;
const editedFrom = 5;

/** Everything that is neglected, the largest groups as they come. `nowMs`: today. */
export async function readDebts({ dataDir, query, nowMs }: { dataDir: string; query: Ask; nowMs: number }): Promise<Debt[]> {
  const set = await readStoredSet({ query });
  const cedar = await loadCedar();
  const rules = set === null ? [] : readRules(cedar, readSet(set.text)).map(({ id }) => id);
  const [triggers, learnt] = await Promise.all((['trigger', 'rule'] as const).map(async (artifactKind) => ((await query('contents', { artifactKind })) as { id: string }[]).map(({ id }) => id)));
  const args = { rules, triggers: triggers!.map((id) => id.slice('trigger/'.length)), learnt, waitedMs };
  const [now, then] = (await Promise.all([query('debts', { ...args, atMs: nowMs, isNow: true }), query('debts', { ...args, atMs: nowMs - weekMs })])) as [DebtCounts, DebtCounts];
  const rates = await editRates(query, nowMs);
  const idsIn = (counts: DebtCounts) => new Set([...readRules(cedar, readSet(counts.policySet)).map(({ id }) => id), ...counts.there]);
  const [old, older] = [idsIn(now), idsIn(then)];
  /** In force for a while, and of no use within 90 days: now, and a week ago. */
  const idle = (ids: readonly string[], used: (counts: DebtCounts) => string[], key = (id: string) => id) => [ids.filter((id) => old.has(key(id)) && !used(now).includes(id)), ids.filter((id) => older.has(key(id)) && !used(then).includes(id))] as const;

  const debts: (Debt | null)[] = [
    ...untested(dataDir, nowMs),
    unused('rule never hit', idle(rules, ({ spoke }) => spoke), { noun: 'policy rule', unit: 'rules', fix: 'keelson policy list' }),
    unused('rule never hit', idle(learnt!, ({ usedRules }) => usedRules), { noun: 'rule for mails', unit: 'rules', fix: 'keelson find rule' }),
    unused('trigger never fired', idle(args.triggers, ({ fired }) => fired, (name) => `trigger/${name}`), { noun: 'trigger', unit: 'triggers', fix: 'keelson find trigger' }),
    listed('prompt without eval', now.prompts.filter((one) => !one.evaluated).map(({ id }) => id), then.prompts.filter((one) => !one.evaluated).length, { says: (ids) => `never scored as worded now: ${ids}`, unit: 'prompts', fix: `keelson eval ${(now.prompts.find((one) => !one.evaluated)?.id ?? 'prompt/TASK').replace(/^prompt\//, '').split('.')[0]}` }),
    ...now.connectors.filter(({ failed }) => failed > 0).map(({ connector, failed, all }) => {
      const before = then.connectors.find((one) => one.connector === connector);
      return { kind: 'connector failures', what: `${connector}: ${failed} of ${all} operations failed within a week`, number: share(failed, all), unit: '%', trend: before ? share(failed, all) - share(before.failed, before.all) : null, fix: 'keelson ops' };
    }),
    ...rates,
    listed('stale fact', now.expired.map(({ entity }) => entity), then.expired.length, { says: (ids) => `expired and not renewed: ${ids}`, unit: 'facts', fix: `keelson fact add ${now.expired[0]?.entity ?? 'asset/…'} asset.expires-on DATE` }),
    simple('stale fact', now.ended, then.ended, { what: 'their time is over, and nothing was said since', unit: 'facts', fix: 'keelson find fact --label operator' }),
    simple('stale fact', now.oldWord, then.oldWord, { what: 'how things stand, last said by you more than a year ago', unit: 'facts', fix: 'keelson find fact --label operator' }),
    ...now.drift.map(({ predicate, version, rows }) => ({ kind: 'schema drift', what: `facts ${predicate} from before version ${version}, read through an upcaster`, number: rows, unit: 'facts', trend: rows - (then.drift.find((one) => one.predicate === predicate)?.rows ?? 0), fix: 'keelson schema check' })),
    now.parked && now.parked.oldestMs !== null ? { kind: 'parked messages', what: `${now.parked.rows} could not be applied; this is the age of the oldest`, number: Math.floor((nowMs - now.parked.oldestMs) / dayMs), unit: 'days', trend: now.parked.oldestMs <= nowMs - weekMs ? 7 : null, fix: 'keelson parked' } : null,
    simple('unowned obligation', now.waiting, then.waiting, { what: `items that wait for you for more than ${waitedMs / dayMs} days`, unit: 'items', fix: 'keelson inbox' }),
    simple('unowned obligation', now.standing, then.standing, { what: 'agents that failed and stand still', unit: 'agents', fix: 'keelson inbox' }),
    listed('unowned obligation', now.unknown, then.unknown.length, { says: (ids) => `nobody knows whether they left: ${ids}`, unit: 'operations', fix: `keelson ops reconcile ${(now.unknown[0] ?? 'op-ID').slice('op-'.length)} --done | --not-done` }),
    listed('demoted tier', now.tiers, then.tiers.length, { says: (ids) => `passed over because they became worse: ${ids}`, unit: 'tiers', fix: 'keelson quality' }),
  ];
  return debts.filter((one): one is Debt => one !== null && (one.number > 0 || one.kind === 'parked messages'));
}

const share = (part: number, all: number) => (all === 0 ? 0 : Math.round((part / all) * 100));
const few = (ids: readonly string[]) => `${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ` and ${ids.length - 5} more` : ''}`;
const simple = (kind: string, number: number, before: number, { what, unit, fix }: { what: string; unit: string; fix: string }): Debt => ({ kind, what, number, unit, trend: number - before, fix });
const listed = (kind: string, ids: readonly string[], before: number, { says, unit, fix }: { says(ids: string): string; unit: string; fix: string }): Debt => ({ kind, what: says(few(ids)), number: ids.length, unit, trend: ids.length - before, fix });
const unused = (kind: string, [ids, before]: readonly [readonly string[], readonly string[]], { noun, unit, fix }: { noun: string; unit: string; fix: string }) => listed(kind, ids, before.length, { says: (names) => `${noun} of no use within 90 days: ${names}`, unit, fix });

/** How much of what each template drafted was not sent as it was. */
async function editRates(query: Ask, nowMs: number): Promise<Debt[]> {
  const rows = (await query('outcomes', { task: 'draft', since: Math.max(0, nowMs - 60 * dayMs) })) as OutcomeRow[];
  const drafts = rows.filter(({ outcome }) => (outcome === 'approved' || outcome === 'edited' || outcome === 'rejected'));
  const within = (list: readonly OutcomeRow[], untilMs: number) => list.filter(({ atMs }) => atMs <= untilMs && atMs > untilMs - 30 * dayMs);
  const rate = (list: readonly OutcomeRow[]) => (list.length === 0 ? null : share(list.filter(({ outcome }) => outcome !== 'approved').length, list.length));
  return [...Map.groupBy(drafts, ({ kind }) => kind)].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([template, list]) => {
    const now = within(list, nowMs);
    const number = rate(now);
    if (number === null || number === 0 || now.length < editedFrom) return [];
    const before = rate(within(list, nowMs - weekMs));
    return [{ kind: 'edited by hand', what: `${template}: ${now.filter(({ outcome }) => outcome !== 'approved').length} of ${now.length} drafts within 30 days`, number, unit: '%', trend: before === null ? null : number - before, fix: 'keelson find annotation --kind correction' }];
  });
}

/** Files of your own that no test looks at. What was there a week ago is told by when a file was made. */
function untested(dataDir: string, nowMs: number): (Debt | null)[] {
  const filesOf = (folder: string, end: RegExp) => {
    const path = join(dataDir, folder);
    return existsSync(path) ? readdirSync(path).filter((name) => end.test(name)).map((name) => ({ name, madeMs: statSync(join(path, name)).birthtimeMs })) : [];
  };
  const missing = (folder: string, untilMs: number) => {
    const tests = new Set(filesOf(folder, /\.test\.(?:ts|mts|js|mjs)$/).filter(({ madeMs }) => madeMs <= untilMs).map(({ name }) => name.replace(/\.test\.\w+$/, '')));
    return filesOf(folder, code).filter(({ name, madeMs }) => madeMs <= untilMs && !tests.has(name.replace(code, ''))).map(({ name }) => `${folder}/${name}`);
  };
  const scenarios = filesOf('scenarios', /\.json$/);
  const own = filesOf('triggers', /\.json$/).length + filesOf('schedules', /\.json$/).length + filesOf('agents', code).length;
  return [
    ...['agents', 'connectors'].map((folder) => listed('automation without test', missing(folder, nowMs), missing(folder, nowMs - weekMs).length, { says: (names) => `no test beside ${names}`, unit: 'files', fix: 'keelson test' })),
    scenarios.length === 0 && own > 0 ? { kind: 'automation without test', what: 'there is no scenario: scenarios/ is empty', number: own, unit: 'automations', trend: null, fix: 'keelson test' } : null,
  ];
}
