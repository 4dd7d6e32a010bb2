// All policy files as one document, because they are in force together or not at all: one version, one hash, and a file that is gone
// is gone with the next version. It reads as Cedar, so that a person sees what was in force, and what changed line by line.
import { sha256 } from '#actors/hash.ts';
import type { StorePort } from '#actors/store-port.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Commit } from '#machines/commit.ts';
import { loadCedar, type PolicyText } from './policy.ts';
import { readRules, type PolicyFile } from './policy-rules.ts';

export const policySetId = 'policy/set';
/** What policies may name, as of the last start of a server. */
export const policySchemaId = 'policy/schema';

/** Never empty, so that no policies at all are a version too. */
const head = '// All policy files that are in force, as published.\n';
const fileLine = /^\/\/ ==== ([a-z0-9][a-z0-9._-]{0,63})\.cedar\n/gm;

export function writeSet(files: readonly PolicyFile[]): string {
  return head + files.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ id, text }) => {
    const line = `// ==== ${id}.cedar\n`;
    if (line.match(fileLine)?.[0] !== line) throw new KeelsonError('BAD_CONFIG', `policies/: ${JSON.stringify(`${id}.cedar`)} is no name for a policy file: it has small letters, digits, dots and dashes, and begins with a letter or digit`, { hint: 'Rename the file.' });
    if (text.search(fileLine) >= 0) throw new KeelsonError('BAD_CONFIG', `policies/${id}.cedar: a line that begins with '// ====' names another file`, { hint: 'Change that comment.' });
    return `${line}${text.endsWith('\n') || text === '' ? text : `${text}\n`}`;
  }).join('');
}

export function readSet(set: string): PolicyFile[] {
  const [, ...parts] = set.split(fileLine);
  return parts.flatMap((id, i) => (i % 2 === 0 ? [{ id, text: parts[i + 1]! }] : []));
}

export interface StoredSet { version: number; text: string }

/** What is in force, or null when nothing was ever published. */
export async function readStoredSet(store: Pick<StorePort, 'query'>): Promise<StoredSet | null> {
  return (await readPart(store, policySetId)) ?? null;
}

/** What policies may name, as Cedar writes it. */
export async function readStoredSchema(store: Pick<StorePort, 'query'>): Promise<string | null> {
  return (await readPart(store, policySchemaId))?.text ?? null;
}

async function readPart(store: Pick<StorePort, 'query'>, id: string): Promise<StoredSet | undefined> {
  const all = (await store.query('contents', { artifactKind: 'policy' })) as (StoredSet & { id: string })[];
  return all.find((one) => one.id === id);
}

export const textsOf = ({ version, text: set }: StoredSet): PolicyText[] => readSet(set).map(({ id, text }) => ({ id, version, hash: sha256(text), text }));

/** For a commit in the operator's name. */
export function asArtifact(id: string, text: string): Pick<Commit, 'artifacts' | 'blobs'> {
  const hash = sha256(text);
  return { artifacts: [{ id, kind: 'policy', mediaType: 'text/plain', hash, sizeBytes: Buffer.byteLength(text) }], blobs: [{ hash, bytes: text }] };
}

export interface RuleChanges { added: string[]; changed: string[]; removed: string[] }

/** By rule id, without those of every build: a rule that went to another file unchanged is the same rule. Throws BAD_CONFIG when `after` cannot be read. */
export async function compareSets(before: string | null, after: string): Promise<RuleChanges> {
  const now = await rulesIn(after);
  // Of another build, perhaps: then whatever comes is new.
  const old = await rulesIn(before ?? '').catch(() => new Map<string, string>());
  return {
    added: [...now.keys()].filter((id) => !old.has(id)),
    changed: [...now].filter(([id, text]) => old.has(id) && old.get(id) !== text).map(([id]) => id),
    removed: [...old.keys()].filter((id) => !now.has(id)),
  };
}

const rulesIn = async (set: string) => new Map(readRules(await loadCedar(), readSet(set)).map(({ id, text }) => [id, text]));

export const sayChanges = (changes: RuleChanges): string =>
  Object.entries(changes).filter(([, ids]) => ids.length > 0).map(([what, ids]) => `${what}: ${ids.join(', ')}`).join('; ') || 'no rule changed';
