// What a host may expect of `StorePort`, whatever lies between it and the store's thread.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { StorePort } from '#actors/store-port.ts';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import { withCode } from './database.ts';

export function storeContract({ name, open }: { name: string; open(): Promise<StorePort> }): void {
  let n = 0;
  /** Every test has its own actor, so that one store may serve them all. */
  const fresh = async () => {
    const store = await open();
    const actor = `order/contract-${++n}`;
    const commitOf = (id: string, parts: Partial<Commit> = {}): Commit => ({ ...emptyCommit(`${actor}.${id}`, 1_790_000_000_000, actor, { note: id }), ...parts });
    const stepOf = (rev: number) => ({ rev, machine: 'order@1', status: 'active', value: '"open"', parent: null, record: `{"rev":${rev}}` });
    return { store, actor, commitOf, stepOf };
  };

  suite(`store contract: ${name}`, () => {
    test('what was committed can be loaded at once', async () => {
      const { store, actor, commitOf, stepOf } = await fresh();
      assert.equal(await store.load(actor), null);
      for (let rev = 0; rev < 3; rev++) {
        assert.equal((await store.commit(commitOf(`c${rev}`, { step: stepOf(rev) }))).outcome, 'written');
        assert.equal(await store.load(actor), `{"rev":${rev}}`);
      }
    });

    test('a commit with a known id answers with the first, as often as it comes', async () => {
      const { store, commitOf, stepOf } = await fresh();
      const commit = commitOf('c', { step: stepOf(0) });
      const answers = await Promise.all([1, 2, 3].map(() => store.commit(commit)));
      const seq = answers[0]!.outcome === 'written' ? answers[0]!.seq : assert.fail(answers[0]!.outcome);
      for (const again of [...answers.slice(1), await store.commit(commit)]) assert.deepEqual(again, { outcome: 'duplicate', seq, first: 'applied', note: 'c', rev: 0 });
    });

    test('a stale revision is a conflict, a withdrawn message closed, a broken rule invalid', async () => {
      const { store, actor, commitOf, stepOf } = await fresh();
      assert.equal((await store.commit(commitOf('c1', { step: stepOf(4) }))).outcome, 'conflict');
      assert.equal((await store.commit(commitOf('c2', { requires: `${actor}.nothing` }))).outcome, 'closed');
      const answer = await store.commit(commitOf('c3', { atMs: 0.5 }));
      assert.ok(answer.outcome === 'invalid' && answer.reason.length > 0);
    });

    test('an outcome without a step that was judged on another revision is a conflict, and on nobody when there is somebody', async () => {
      const { store, commitOf, stepOf } = await fresh();
      const ignored = (id: string, basis: number) => store.commit(commitOf(id, { outcome: 'ignored', basis }));
      assert.equal((await ignored('c1', 0)).outcome, 'conflict');
      assert.equal((await ignored('c2', -1)).outcome, 'written');
      await store.commit(commitOf('c3', { step: stepOf(0) }));
      assert.equal((await ignored('c4', -1)).outcome, 'conflict');
      const [written, known] = [await ignored('c5', 0), await ignored('c2', -1)];
      assert.deepEqual([written.outcome, known.outcome], ['written', 'duplicate']);
    });

    test('bytes arrive as they were, in any kind of array', async () => {
      const { store, actor, commitOf } = await fresh();
      const bytes = new Uint8Array([9, 0, 255, 128, 9]).subarray(1, 4);
      await store.commit(commitOf('c', { blobs: [{ hash: `${actor}.plain`, bytes }, { hash: `${actor}.buffer`, bytes: Buffer.from(bytes) }, { hash: `${actor}.text`, bytes: 'ä\0' }] }));
      const read = async (hash: string) => [...((await store.query('blob', { hash: `${actor}.${hash}` })) as Uint8Array)];
      assert.deepEqual([await read('plain'), await read('buffer'), await read('text')], [[0, 255, 128], [0, 255, 128], [...Buffer.from('ä\0')]]);
    });

    test('many requests at once are each answered with their own result', async () => {
      const { store, actor, commitOf } = await fresh();
      const facts = (i: number) => [{ entity: `person/${actor}`, predicate: `p${i}`, value: i, label: 'untrusted' as const, confidence: 1 }];
      const seqs = await Promise.all(Array.from({ length: 300 }, async (_, i) => {
        const answer = await store.commit(commitOf(`m${i}`, { facts: facts(i) }));
        const [found] = (await store.query('lastFact', { entity: `person/${actor}`, predicate: `p${i}` })) as { value: number }[];
        assert.equal(found!.value, i);
        return answer.outcome === 'written' ? answer.seq : assert.fail();
      }));
      assert.equal(new Set(seqs).size, 300);
    });

    test('an unknown query and a wrong argument are BAD_ARGUMENT', async () => {
      const { store } = await fresh();
      await assert.rejects(store.query('drop', {}), withCode('BAD_ARGUMENT', /drop/));
      await assert.rejects(store.query('record', { address: 7 }), withCode('BAD_ARGUMENT', /address/));
    });
  });
}
