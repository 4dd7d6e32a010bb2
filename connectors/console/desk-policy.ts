// Puts policies in force: the operator's command alone. All files at once, checked against the connectors that run, as one new version.
import { z } from 'zod';
import type { Clock } from '#actors/clock.ts';
import { sha256 } from '#actors/hash.ts';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { KeelsonError } from '#machines/errors.ts';
import { parsePolicies, versionOf } from '../policy.ts';
import type { PolicyAction } from '../policy-schema.ts';
import { asArtifact, compareSets, policySetId, readStoredSet, sayChanges, textsOf, writeSet, type RuleChanges } from '../policy-set.ts';
import { commandIdSchema as commandId, createCommands, type Content } from './desk-commands.ts';

/** `files`: texts by the file's name without `.cedar`. */
export const publishRequest = z.object({ files: z.record(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'is no name of a policy file'), z.string().max(100_000)), commandId });

/** `published` is false when these files were in force already. */
export interface Published { published: boolean; version: string; changes: RuleChanges; warnings: string[] }

export interface PolicyDesk {
  /** Throws BAD_ARGUMENT with file, line and rule, and then nothing has changed. */
  publish(request: z.output<typeof publishRequest>): Promise<Published>;
}

/** The draft is what was asked for: a mistake in it is one of the request. */
export const mistakeOfRequest = (cause: unknown) => (cause instanceof KeelsonError && cause.code === 'BAD_CONFIG' ? new KeelsonError('BAD_ARGUMENT', cause.message, { cause, hint: cause.hint }) : cause);

export function createPolicyDesk({ store, clock, makeId, actions }: { store: StorePort; clock: Clock; makeId: MakeId; actions: readonly PolicyAction[] }): PolicyDesk {
  const commands = createCommands({ store, clock, makeId });
  const none: RuleChanges = { added: [], changed: [], removed: [] };
  const inForce = async () => {
    const set = await readStoredSet(store);
    return { set, version: versionOf(set ? textsOf(set) : []) };
  };

  const write = async (id: string, content: Content, set: string): Promise<Published> => {
    const before = await inForce();
    const policies = await parsePolicies(textsOf({ version: (before.set?.version ?? 0) + 1, text: set }), actions);
    const warnings = [...policies.warnings];
    if (before.set?.text === set) return { published: false, version: before.version, changes: none, warnings };
    const changes = await compareSets(before.set?.text ?? null, set);
    await commands.write(id, content, {
      ...asArtifact(policySetId, set),
      decisions: [{ what: 'policies', outcome: 'published', confidence: null, reasons: [`version ${policies.version}`, sayChanges(changes)], evidence: [{ kind: 'policy', id: policySetId }], policy: null, model: null, costMicros: null }],
    });
    return { published: true, version: policies.version, changes, warnings };
  };

  return {
    async publish({ files, commandId: given }) {
      try {
        const set = writeSet(Object.entries(files).map(([id, text]) => ({ id, text })));
        const content = { type: 'PUBLISH_POLICIES', about: policySetId, hash: sha256(set) };
        return await commands.inTurn(() => commands.once(given, content, {
          first: (id) => write(id, content, set),
          again: async () => ({ published: false, version: (await inForce()).version, changes: none, warnings: [] }),
        }));
      } catch (cause) {
        throw mistakeOfRequest(cause);
      }
    },
  };
}
