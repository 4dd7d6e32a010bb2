// Which rule speaks about an effect, and what it answers. The rules are Cedar: a forbid beats every permit, no permit is a no. A request
// is asked about when a yes of the operator (`context.approvals`) would permit it. What cannot be evaluated is denied.
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import { houseRules } from './policy-house.ts';
import { checkRules, readRules, type Rule } from './policy-rules.ts';
import { schemaText, type PolicyAction } from './policy-schema.ts';

/** `agent` is the type of the proposer: `mail`, `operator`. */
export interface PolicyRequest { agent: string; action: string; connector: string; context: PolicyContext }
export interface PolicyContext {
  effect: 'read' | 'write';
  risk: 'low' | 'medium' | 'high';
  reversible: boolean;
  isMoney: boolean;
  mode: 'live' | 'dry-run';
  supervised: boolean;
  /** Kinds of control fields that nobody vouches for. */
  tainted: string[];
  recipients: string[];
  recipientDomains: string[];
  hosts: string[];
  paths: string[];
  payees: string[];
  /** 0 when there is none. */
  amountMinor: number;
  currency: string;
  /** Percent; -1 when there is none. */
  confidence: number;
  category: string;
}

/** `policy.id` is the file of the deciding rule, or `none`. `expiresAfterMs`: the shortest that a rule on the way to this answer wants. */
export interface PolicyAnswer { answer: 'allow' | 'ask' | 'deny'; policy: { id: string; version: string; rule: string }; why: string; expiresAfterMs: number | null }

export interface Policies {
  decide(request: PolicyRequest): PolicyAnswer;
  version: string;
  /** By id; those of every build are among them. */
  rules: readonly Rule[];
  /** What is odd but no mistake. */
  warnings: readonly string[];
  /** Why they are not in force: then everything is denied. */
  problem: string | null;
}
export interface PolicyText { id: string; version: number; hash: string; text: string }

type Evaluation = { failed: string; rule: string | null } | { allowed: boolean; rules: string[] };

const whyChars = 300;

/** 13 MB of WebAssembly: read when the first policy is. */
export const loadCedar = () => import('@cedar-policy/cedar-wasm/nodejs');

/** Throws BAD_CONFIG with file, line, rule and reason. */
export async function parsePolicies(texts: readonly PolicyText[], actions: readonly PolicyAction[]): Promise<Policies> {
  return parseWithSchema(texts, schemaText(await loadCedar(), actions));
}

/** As `parsePolicies`, with the schema that a server has kept. */
export async function parseWithSchema(texts: readonly PolicyText[], schema: string): Promise<Policies> {
  const cedar = await loadCedar();
  if (texts.some(({ id }) => id === houseRules.id)) throw new KeelsonError('BAD_CONFIG', `policies/${houseRules.id}.cedar: this name is taken by the rules of every build`, { hint: 'Give the file another name.' });
  const files = [houseRules, ...texts];
  const rules = readRules(cedar, files);
  const warnings = files.flatMap((file) => checkRules(cedar, schema, file));
  const version = versionOf(texts);
  const names = { preparsedSchemaName: sha256(schema), preparsedPolicySetId: sha256(JSON.stringify(rules)) };
  for (const done of [cedar.preparseSchema(names.preparsedSchemaName, schema), cedar.preparsePolicySet(names.preparsedPolicySetId, { staticPolicies: Object.fromEntries(rules.map(({ id, text }) => [id, text])) })]) {
    if (done.type === 'failure') throw new KeelsonError('BAD_CONFIG', `the policies cannot be read: ${done.errors[0]?.message}`);
  }
  const evaluate = (request: PolicyRequest, approvals: number): Evaluation => evaluateWith(cedar, names, request, approvals);
  const byId = new Map(rules.map((rule) => [rule.id, rule]));

  const toAnswer = (answer: PolicyAnswer['answer'], speaking: string[], why?: string): PolicyAnswer => {
    const [rule, ...more] = [...new Set(speaking)].map((id) => byId.get(id)!);
    const lapses = speaking.flatMap((id) => byId.get(id)!.expiresAfterMs ?? []);
    return {
      answer,
      policy: { id: rule?.file ?? 'none', version, rule: rule?.id ?? 'no-rule' },
      why: [why ?? rule?.why, ...(more.length > 0 ? [`(also ${more.map(({ id }) => id).join(', ')})`] : [])].join(' '),
      expiresAfterMs: lapses.length > 0 ? Math.min(...lapses) : null,
    };
  };
  const failed = ({ failed: why, rule }: { failed: string; rule: string | null }) => toAnswer('deny', rule === null ? [] : [rule], why);

  return {
    version, rules, warnings, problem: null,
    decide(request) {
      const before = evaluate(request, 0);
      if ('failed' in before) return failed(before);
      if (before.allowed) return toAnswer('allow', before.rules);
      const approved = evaluate(request, 1);
      if ('failed' in approved) return failed(approved);
      // What stood in the way is what is asked about; where nothing did, a yes is what the permit waits for.
      if (approved.allowed) return toAnswer('ask', [...before.rules, ...approved.rules]);
      return approved.rules.length > 0 ? toAnswer('deny', approved.rules) : toAnswer('deny', [], `no policy permits ${request.action}`);
    },
  };
}

/** Stands for policies that are none: everything is denied, and `problem` says why. */
export function denyAll(problem: string, texts: readonly PolicyText[] = []): Policies {
  const version = versionOf(texts);
  return { version, rules: [], warnings: [], problem, decide: () => ({ answer: 'deny', policy: { id: 'none', version, rule: 'no-policies' }, why: problem, expiresAfterMs: null }) };
}

/** `3+3fa9c2d1`: the number of the newest publication, and a hash over all files: any change of any file is another version. */
export function versionOf(texts: readonly PolicyText[]): string {
  const contents = [...texts.map(({ id, hash }) => [id, hash]), [houseRules.id, sha256(houseRules.text)]].toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return `${Math.max(0, ...texts.map((text) => text.version))}+${sha256(JSON.stringify(contents)).slice(0, 8)}`;
}

function evaluateWith(cedar: typeof Cedar, names: { preparsedSchemaName: string; preparsedPolicySetId: string }, { agent, action, connector, context }: PolicyRequest, approvals: number): Evaluation {
  let answer: Cedar.AuthorizationAnswer;
  try {
    answer = cedar.statefulIsAuthorized({
      ...names, validateRequest: true, entities: [], context: { ...context, approvals },
      principal: { type: 'Agent', id: agent }, action: { type: 'Action', id: action }, resource: { type: 'Connector', id: connector },
    });
  } catch (error) {
    return { failed: `the policies cannot judge ${action}: ${String(error).slice(0, whyChars)}`, rule: null };
  }
  if (answer.type === 'failure') return { failed: `the policies cannot judge ${action}: ${answer.errors[0]?.message.slice(0, whyChars)}`, rule: null };
  const { decision, diagnostics: { reason, errors } } = answer.response;
  // Cedar passes over a rule that it cannot evaluate. A forbid that is passed over would be a permission.
  const [broken] = errors.toSorted((a, b) => (a.policyId < b.policyId ? -1 : 1));
  if (broken) return { failed: `rule ${broken.policyId} cannot be evaluated: ${broken.error.message}`, rule: broken.policyId };
  return { allowed: decision === 'allow', rules: reason.toSorted() };
}
