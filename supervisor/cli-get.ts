// One thing, as it is or as it was: `get`, why it is so, and what differs between two versions of a document.
import type { Command } from 'commander';
import { diffLines, type DiffLine } from '#machines/diff.ts';
import { KeelsonError } from '#machines/errors.ts';
import { explain, whyKinds, type Why, type WhyKind, type WhyStep } from '#store/why.ts';
import { get, getKinds, readVersion } from './cli-get-kinds.ts';
import { oneLine, visible } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';

export function addGetCommands(program: Command, define: Define): void {
  define(program.command('get').argument('<kind>', getKinds.join(', ')).argument('<id>').description('one thing, as it is or as it was')
    .option('--as-of <time>', 'what was true then: a date, or the id of something that was recorded').option('--known-at <time>', 'as far as it was known then').option('--version <n>', 'of a document'), async ({ dataDir, out }, kind: string, id: string, options: { asOf?: string; knownAt?: string; version?: string }) => {
    const found = await withDatabase(dataDir, (db) => get(db, kind, id, options, async () => (await import('./agents.ts')).companyMachines(dataDir)));
    out.result(found, (object) => render(object));
  });

  define(program.command('why').argument('<kind>', whyKinds.join(', ')).argument('<id>').description('where it comes from, back to the raw input'), async ({ dataDir, out }, kind: string, id: string) => {
    if (!whyKinds.some((one) => one === kind)) throw new KeelsonError('BAD_ARGUMENT', `there is no why of '${kind}'; choose one of ${whyKinds.join(', ')}`);
    const why = await withDatabase(dataDir, (db) => explain(db, kind as WhyKind, id));
    if (!why) throw new KeelsonError('NOT_FOUND', `there is no ${kind} '${id}'`);
    out.result(why, renderWhy);
  });

  define(program.command('diff').argument('<artifact>').description('what changed between two versions of a document')
    .option('--from <n>', 'this version; otherwise the one before').option('--to <n>', 'that version; otherwise the newest'), async ({ dataDir, out }, id: string, options: { from?: string; to?: string }) => {
    const difference = await withDatabase(dataDir, async (db) => {
      const after = await readVersion(db, id, { version: readNumber('to', options.to) });
      const from = readNumber('from', options.from) ?? after.version - 1;
      if (from < 1) throw new KeelsonError('BAD_ARGUMENT', `'${id}' has only one version`, { hint: `See it with \`keelson get artifact ${id}\`.` });
      const before = await readVersion(db, id, { version: from });
      const wordless = [before, after].find(({ text }) => text === null);
      if (wordless) throw new KeelsonError('BAD_ARGUMENT', `version ${wordless.version} of '${id}' is no text`, { hint: 'Its bytes are of another kind, or were erased.' });
      return { id, from, to: after.version, lines: diffLines(before.text!, after.text!) };
    });
    out.result(difference, ({ from, to, lines }) => [`${visible(id)} version ${from} → ${to}`, ...excerpt(lines)].join('\n'));
  });
}

function readNumber(option: string, value: string | undefined): number | undefined {
  if (value !== undefined && !/^[1-9]\d{0,8}$/.test(value)) throw new KeelsonError('BAD_ARGUMENT', `--${option} must be the number of a version, from 1`);
  return value === undefined ? undefined : Number(value);
}

/** Changed lines with three around them. */
function excerpt(lines: DiffLine[]): string[] {
  const near = new Set(lines.flatMap(({ op }, i) => (op === ' ' ? [] : [-3, -2, -1, 0, 1, 2, 3].map((offset) => i + offset))));
  if (near.size === 0) return ['The same.'];
  return lines.flatMap(({ op, line }, i) => (near.has(i) ? [`${op} ${visible(line)}`] : near.has(i + 1) ? ['…'] : []));
}

/** `name  value`, one line each; what has parts is indented below. */
function render(value: unknown, indent = ''): string {
  const lines = Object.entries(value as object).flatMap(([key, part]: [string, unknown]) => {
    const name = `${indent}${visible(key)}`;
    if (part === null || typeof part !== 'object') {
      const words = visible(typeof part === 'string' ? part : part === null ? '' : JSON.stringify(part));
      return [words.includes('\n') ? `${name}\n${words.replace(/^/gm, `${indent}  `)}` : `${name}  ${words}`.trimEnd()];
    }
    if (Object.keys(part).length === 0) return [];
    const short = JSON.stringify(part);
    return [short.length <= 100 ? `${name}  ${visible(short)}` : `${name}\n${render(part, `${indent}  `)}`];
  });
  return lines.join('\n');
}

function renderWhy({ kind, id, chain, raw, cut }: Why): string {
  return visible([
    `${kind} ${id}`, ...chain.flatMap(renderStep), ...(cut ? ['… and more before that'] : []),
    raw.length > 0 ? 'raw input' : 'No raw input: it began with the system itself, or what there was is gone.',
    ...raw.map(({ artifact, version, hash, name, line, text }) => `  ${artifact} version ${version} · sha256 ${hash}${name ? ` · ${oneLine(name)}` : ''}${line === undefined ? '' : `\n    line ${line}: ${text === undefined ? '(the text is gone)' : oneLine(text, 200)}`}`),
  ].join('\n'));
}

function renderStep({ seq, at, actor, rev, event, from, note, decisions, evidence }: WhyStep): string[] {
  return [
    `  #${seq} ${at} ${actor}${rev === null ? '' : ` rev ${rev}`}: ${[event, from && `from ${from}`, note && `(${oneLine(note)})`].filter(Boolean).join(' ')}`,
    ...decisions.map((d) => `    decided ${d.what}: ${d.outcome}${d.confidence === null ? '' : ` · confidence ${d.confidence.toFixed(2)}`}${d.policy ? ` · policy ${d.policy.id} ${d.policy.version}, rule ${d.policy.rule}` : ''}${d.model ? ` · model ${d.model}` : ''}${d.costMicros ? ` · cost ${(d.costMicros / 1_000_000).toFixed(6)}` : ''}${d.reasons.length > 0 ? `\n      because: ${d.reasons.map((reason) => oneLine(reason, 200)).join('; ')}` : ''}${d.evidence.length > 0 ? `\n      evidence: ${d.evidence.map((link) => `${link.kind} ${link.id}`).join(', ')}` : ''}`),
    ...(evidence.length > 0 ? [`    read from ${evidence.map((link) => link.id).join(', ')}`] : []),
  ];
}
