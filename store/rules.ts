// Everything the store itself insists on, whoever asks: well-formed names, sizes, schemas, permissions. Pure; the first reason counts.
import { firstIssue } from '#machines/errors.ts';
import { isAddress, typeOf } from '#machines/address.ts';
import { answerSchema, spendSchema } from '#machines/budget.ts';
import type { Commit } from '#machines/commit.ts';
import { whyNotJson } from '#machines/json-limits.ts';
import { whyNotPermitted, type Permissions } from '#machines/permissions.ts';
import { whyNotFactJson, whyNotStatement } from '#machines/predicates.ts';
import { annotationSchema, artifactSchema, decisionSchema, factSchema, intentSchema, partsMax } from '#machines/records.ts';
import { illFormed } from './ill-formed.ts';

export const commitLimits = {
  /** Of each kind of record in one commit. */
  records: partsMax,
  sends: 1_000,
  journalBytes: 4_000_000,
  recordBytes: 4_000_000,
  blobBytes: 60_000_000,
  /** Of one record, as JSON. */
  partBytes: 1_000_000,
  partDepth: 64,
  idChars: 500,
} as const;

/** `check(commit)` answers why it may not be written, or null. */
export function createRules(permissions: Readonly<Record<string, Permissions>>): (commit: Commit) => string | null {
  return (commit) => illFormed(commit) ?? (isAddress(commit.actor) ? null : `'${commit.actor.slice(0, 100)}' is no address`) ?? tooLarge(commit) ?? offSchema(commit) ?? whyNotPermitted(commit, permissions);
}

function tooLarge(commit: Commit): string | null {
  const most = (what: string, size: number, max: number) => (size > max ? `${what}: ${size} is more than ${max}` : null);
  for (const kind of ['facts', 'intents', 'artifacts', 'decisions', 'annotations', 'blobs'] as const) {
    const reason = most(kind, commit[kind].length, commitLimits.records / 2);
    if (reason) return reason;
  }
  for (const kind of ['spends', 'answers'] as const) {
    const reason = most(kind, commit[kind]?.length ?? 0, commitLimits.records / 2);
    if (reason) return reason;
  }
  const blob = Math.max(0, ...commit.blobs.map(({ bytes }) => bytes.length));
  return most('sends', commit.sends.length, commitLimits.sends) ?? most('journal bytes', commit.journal.length, commitLimits.journalBytes)
    ?? most('record bytes', commit.step?.record.length ?? 0, commitLimits.recordBytes) ?? most('blob bytes', blob, commitLimits.blobBytes);
}

const schemas = [['facts', factSchema], ['intents', intentSchema], ['artifacts', artifactSchema], ['decisions', decisionSchema], ['annotations', annotationSchema]] as const;

function offSchema(commit: Commit): string | null {
  for (const [kind, schema] of schemas) {
    for (const [i, record] of commit[kind].entries()) {
      const unfit = whyNotRecord(kind, record, `${kind}.${i}`) ?? whyNotKeys(record, schema.shape, `${kind}.${i}`);
      if (unfit !== null) return unfit;
      const parsed = schema.safeParse(record);
      if (!parsed.success) return `${kind}.${i}.${firstIssue(parsed.error, ': ')}`;
    }
  }
  for (const [i, spend] of (commit.spends ?? []).entries()) {
    const parsed = spendSchema.safeParse(spend);
    if (!parsed.success) return `spends.${i}.${firstIssue(parsed.error, ': ')}`;
  }
  for (const [i, answer] of (commit.answers ?? []).entries()) {
    const parsed = answerSchema.safeParse(answer);
    if (!parsed.success) return `answers.${i}.${firstIssue(parsed.error, ': ')}`;
  }
  const negative = commit.artifacts.findIndex(({ sizeBytes }) => sizeBytes < 0);
  if (negative !== -1) return `artifacts.${negative}.sizeBytes: expected 0 or more`;
  const by = ['operator', 'store'].includes(typeOf(commit.actor)) ? 'operator' : 'agent';
  for (const [i, fact] of commit.facts.entries()) {
    const reason = whyNotStatement(fact, by);
    if (reason !== null) return `facts.${i}.${reason}`;
  }
  return null;
}

/** A fact's value has stricter bounds of its own, so it is not walked with the rest. */
function whyNotRecord(kind: string, record: object, path: string): string | null {
  const isFact = kind === 'facts';
  const reason = isFact ? whyNotFactJson((record as { value?: unknown }).value) : null;
  if (reason !== null) return `${path}.${reason}`;
  return whyNotJson(isFact ? { ...record, value: null } : record, path, { bytes: commitLimits.partBytes, depth: commitLimits.partDepth, wellFormed: false });
}

/** What no schema knows would be kept all the same, and shown as if it were said. */
function whyNotKeys(record: object, shape: object, path: string): string | null {
  const unknown = Object.keys(record).find((key) => !Object.hasOwn(shape, key));
  if (unknown !== undefined) return `${path}: there is no '${unknown.slice(0, 100)}' in it`;
  const { id } = record as { id?: unknown };
  return typeof id === 'string' && (id.length === 0 || id.length > commitLimits.idChars) ? `${path}.id: expected 1 to ${commitLimits.idChars} characters` : null;
}
