// A policy file as rules: what each is called, why it is there, and whether the schema knows what it names. Every mistake is said
// with file, line and rule, before anything is in force.
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { KeelsonError } from '#machines/errors.ts';

export interface PolicyFile { /** The file's name without `.cedar`. */ id: string; text: string }
export interface Rule { id: string; file: string; effect: Cedar.Effect; why: string; expiresAfterMs: number | null; text: string }

const limits = { fileChars: 100_000, rules: 500, tokensPerRule: 400, nesting: 30 };
const annotations = ['id', 'why', 'expires'];
const unitsMs = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const stringsAndComments = /"(?:\\.|[^"\\])*"|\/\/[^\n]*/g;

/** Throws BAD_CONFIG. */
export function readRules(cedar: typeof Cedar, files: readonly PolicyFile[]): Rule[] {
  const rules = files.toSorted((a, b) => (a.id < b.id ? -1 : 1)).flatMap((file) => readFile(cedar, file));
  if (rules.length > limits.rules) throw new KeelsonError('BAD_CONFIG', `there are ${rules.length} policy rules; ${limits.rules} are the most`, { hint: 'Join rules that say the same.' });
  const first = new Map<string, string>();
  for (const { id, file } of rules) {
    if (first.has(id)) throw wrong(file, `the @id("${id}") is taken already, in ${first.get(id)}.cedar`);
    first.set(id, file);
  }
  return rules;
}

/** Throws BAD_CONFIG for what the schema does not know; answers what is odd but no mistake, such as a rule that can never apply. */
export function checkRules(cedar: typeof Cedar, schema: string, { id: file, text }: PolicyFile): string[] {
  const answer = cedar.validate({ schema, policies: { staticPolicies: text } });
  if (answer.type === 'failure') throw at(file, text, answer.errors[0]);
  const [mistake] = answer.validationErrors;
  if (mistake) throw at(file, text, mistake.error, nameOf(cedar, text, mistake.policyId));
  return answer.validationWarnings.map(({ error, policyId }) => at(file, text, error, nameOf(cedar, text, policyId)).message);
}

/** Cedar counts the rules of a file, `policy10`, and hands them out in the order of these names. */
function nameOf(cedar: typeof Cedar, text: string, policyId: string): string | undefined {
  const split = cedar.policySetTextToParts(text);
  if (split.type === 'failure') return undefined;
  const read = cedar.policyToJson(split.policies[split.policies.map((_, i) => `policy${i}`).toSorted().indexOf(policyId)] ?? '');
  return read.type === 'success' ? read.json.annotations?.['id'] : undefined;
}

function readFile(cedar: typeof Cedar, { id: file, text }: PolicyFile): Rule[] {
  assertSmall(file, text);
  const split = cedar.policySetTextToParts(text);
  if (split.type === 'failure') throw at(file, text, split.errors[0]);
  if (split.policy_templates.length > 0) throw wrong(file, 'templates (?principal, ?resource) are not taken; write the rule out');
  return split.policies.map((rule) => readRule(cedar, file, rule)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function readRule(cedar: typeof Cedar, file: string, text: string): Rule {
  const read = cedar.policyToJson(text);
  if (read.type === 'failure') throw at(file, text, read.errors[0]);
  const { effect, annotations: { id, why, expires, ...rest } = {} } = read.json;
  const says = text.replace(/^(\s*\/\/[^\n]*\n)+/, '').trimStart().split('\n')[0]!.slice(0, 80);
  if (!id || !/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(id)) throw wrong(file, `the rule that begins with '${says}' needs an @id("…") of letters, digits, dots and dashes`);
  if (!why?.trim() || why.length > 300) throw wrong(file, `rule ${id} needs a @why("…") of at most 300 characters`);
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw wrong(file, `rule ${id} has an annotation @${unknown}; rules take ${annotations.map((name) => `@${name}`).join(', ')}`);
  return { id, file, effect, why, expiresAfterMs: expires === undefined ? null : readDuration(file, id, expires), text };
}

function readDuration(file: string, rule: string, words: string): number {
  const [, count, unit] = /^([1-9]\d{0,3})([mhd])$/.exec(words) ?? [];
  if (count === undefined) throw wrong(file, `rule ${rule}: @expires("${words}") must be a number of minutes, hours or days, such as "30m", "48h" or "7d"`);
  return Number(count) * unitsMs[unit as keyof typeof unitsMs];
}

/** Cedar works recursively: a text that is nested too deeply ends its memory, and every later question with it. */
function assertSmall(file: string, text: string): void {
  if (text.length > limits.fileChars) throw wrong(file, `the file is longer than ${limits.fileChars} characters`);
  for (const rule of text.replace(stringsAndComments, ' ').split(';')) {
    let depth = 0;
    let deepest = 0;
    for (const [bracket] of rule.matchAll(/[([{}\])]/g)) {
      depth = Math.max(0, depth + ('([{'.includes(bracket) ? 1 : -1));
      deepest = Math.max(deepest, depth);
    }
    if (deepest > limits.nesting) throw wrong(file, `a rule is nested more than ${limits.nesting} brackets deep`);
    const tokens = rule.match(/\w+|[^\s\w,]/g)?.length ?? 0;
    if (tokens > limits.tokensPerRule) throw wrong(file, `a rule has more than ${limits.tokensPerRule} words and signs; make several rules of it`);
  }
}

const hint = 'Nothing changed. What a rule may name: keelson get policy schema. How rules are written: docs/policies.md';
const wrong = (file: string, what: string) => new KeelsonError('BAD_CONFIG', `policies/${file}.cedar: ${what}`, { hint });

/** Cedar counts bytes; people count lines. */
function at(file: string, text: string, error: Cedar.DetailedError | undefined, rule?: string): KeelsonError {
  const start = error?.sourceLocations?.[0]?.start;
  const line = start === undefined ? '' : `, line ${Buffer.from(text).subarray(0, start).toString().split('\n').length}`;
  const message = (error?.message ?? 'it cannot be read').replace(/^failed to parse policies from string: |^for policy `[^`]*`[,:] /, '').replace(/\s+/g, ' ');
  return new KeelsonError('BAD_CONFIG', `policies/${file}.cedar${line}${rule === undefined ? '' : `, rule ${rule}`}: ${message}${error?.help ? ` (${error.help})` : ''}`, { hint });
}
