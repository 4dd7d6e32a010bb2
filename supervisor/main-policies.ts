// Policies at a start: those of the folder are put in force once, when there are none. Later a change of the folder waits for
// `keelson policy publish`, so that editing a file never changes what may leave.
import type { Clock } from '#actors/clock.ts';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { loadCedar, parseWithSchema, type Policies } from '#connectors/policy.ts';
import { schemaText, type PolicyAction } from '#connectors/policy-schema.ts';
import { asArtifact, policySchemaId, policySetId, readStoredSchema, readStoredSet, textsOf, writeSet } from '#connectors/policy-set.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { readPolicyFiles } from './company.ts';

/** Throws BAD_CONFIG when the first policies cannot be read. Call it before anything asks a policy. `read`: those in force, which the gate asks too: parsing takes a while. */
export async function startPolicies({ dataDir, store, actions, read, clock, makeId, say }: { dataDir: string; store: StorePort; actions: readonly PolicyAction[]; read: () => Promise<Policies>; clock: Clock; makeId: MakeId; say: (line: string) => void }): Promise<void> {
  const schema = schemaText(await loadCedar(), actions);
  const keep = async (id: string, text: string) => {
    const answer = await store.commit({ ...emptyCommit(`policies:${makeId()}`, clock.now(), 'operator/company', { policies: id }), ...asArtifact(id, text) });
    if (answer.outcome !== 'written') throw new KeelsonError('STORE_FAILED', `${id} could not be kept: ${answer.outcome}`);
  };
  // Commands that look read what policies may name here, without the connectors.
  if ((await readStoredSchema(store)) !== schema) await keep(policySchemaId, schema);

  const set = await readStoredSet(store);
  if (set === null) {
    const files = readPolicyFiles(dataDir);
    if (files.length === 0) return say('policies/ holds no .cedar file: everything is denied until `keelson policy publish`');
    const first = writeSet(files);
    await parseWithSchema(textsOf({ version: 1, text: first }), schema);
    await keep(policySetId, first);
    return;
  }
  const { problem } = await read();
  if (problem !== null) say(`${problem}. Correct policies/, then: keelson policy publish`);
  else if (differs(dataDir, set.text)) say('policies/ differs from what is in force. See what would change: keelson policy test · put it in force: keelson policy publish');
}

/** A folder that cannot be read is another one than what is in force. */
function differs(dataDir: string, inForce: string): boolean {
  try {
    return writeSet(readPolicyFiles(dataDir)) !== inForce;
  } catch (error) {
    if (plainError(error).code === 'BAD_CONFIG') return true;
    throw error;
  }
}
