// Requests, drafts and a real store for the tests of policies.
import assert from 'node:assert/strict';
import { sha256 } from '#actors/hash.ts';
import type { StorePort } from '#actors/store-port.ts';
import { parsePolicies, type Policies, type PolicyContext, type PolicyRequest } from '#connectors/policy.ts';
import type { PolicyAction } from '#connectors/policy-schema.ts';
import { KeelsonError } from '#machines/errors.ts';
import { createCommitter } from '#store/commit.ts';
import { runQuery } from '#store/queries.ts';
import { createRules } from '#store/rules.ts';
import { tempStore, type TempStore } from '#test/store/temp-store.ts';

export const actions: PolicyAction[] = [
  { name: 'mail.send', connector: 'mail', effect: 'write', money: false },
  { name: 'web.read', connector: 'web', effect: 'read', money: false },
  { name: 'payments.charge', connector: 'payments', effect: 'write', money: true },
];

const kinds: Record<string, Pick<PolicyRequest, 'connector'> & { context: Partial<PolicyContext> }> = {
  'mail.send': { connector: 'mail', context: { recipients: ['nina@holt.example'], recipientDomains: ['holt.example'] } },
  'web.read': { connector: 'web', context: { effect: 'read', risk: 'low', reversible: true, hosts: ['news.example'] } },
  'payments.charge': { connector: 'payments', context: { isMoney: true, risk: 'high', payees: ['billing@hosting.example'], amountMinor: 4_999, currency: 'EUR' } },
};

export function request(action = 'mail.send', context: Partial<PolicyContext> = {}): PolicyRequest {
  const { connector, context: usual } = kinds[action] ?? { connector: 'mail', context: {} };
  return {
    agent: 'mail', action, connector,
    context: { effect: 'write', risk: 'medium', reversible: false, isMoney: false, mode: 'live', supervised: false, tainted: [], recipients: [], recipientDomains: [], hosts: [], paths: [], payees: [], amountMinor: 0, currency: '', confidence: -1, category: '', ...usual, ...context },
  };
}

export const texts = (files: Record<string, string>, version = 1) => Object.entries(files).map(([id, text]) => ({ id, version, hash: sha256(text), text }));
export const parse = (files: Record<string, string> | string): Promise<Policies> => parsePolicies(texts(typeof files === 'string' ? { own: files } : files), actions);

/** A rule without conditions of its own. */
export const rule = (id: string, body: string, annotations = ''): string => `@id("${id}") @why("because ${id}") ${annotations}\n${body};\n`;
export const permitAll = (id: string) => rule(id, 'permit (principal, action, resource)');
export const askAll = (id: string) => rule(id, 'permit (principal, action, resource) when { context.approvals >= 1 }');
export const forbidAll = (id: string) => rule(id, 'forbid (principal, action, resource)');

export async function assertBad(promise: Promise<unknown>, message: RegExp, code = 'BAD_CONFIG'): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof KeelsonError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}

/** A store that insists on the permissions of `types`. */
export async function policyStore(types: Parameters<typeof createRules>[0] = {}): Promise<{ store: StorePort; disk: TempStore }> {
  const disk = await tempStore();
  const committer = await createCommitter(disk.db, disk.epoch, { onWritten() {}, check: createRules(types) });
  return { disk, store: { commit: committer.commit, load: (address) => runQuery(disk.db, 'record', { address }) as Promise<string | null>, query: (name, args) => runQuery(disk.db, name, args) } };
}
