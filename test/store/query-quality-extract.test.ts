// Goal: how good a tier reads amounts is told by what the operator made of its answers. Method: decisions as extraction writes them, on the
// real store.
import assert from 'node:assert/strict';
import test from 'node:test';
import { runQuery } from '#store/queries.ts';
import { commitOf, tempStore } from './temp-store.ts';

test('an amount that stood is unseen, one that was confirmed approved, one that was changed edited, one that was none rejected', async () => {
  const { db, committer } = await tempStore();
  for (const [i, outcome] of ['clear', 'approved', 'corrected', 'nothing', 'unclear'].entries()) {
    const decision = { what: 'extract', outcome, confidence: 0.6, reasons: [], evidence: [{ kind: 'artifact' as const, id: `m-${i}` }], policy: null, model: null, costMicros: 0, task: 'extract', tier: 'small' };
    assert.equal((await committer.commit(commitOf(`c${i}`, { actor: `extraction/${i}`, decisions: [decision] }))).outcome, 'written');
  }
  const rows = (await runQuery(db, 'outcomes', {})) as { task: string; tier: string; confidence: number; outcome: string }[];
  assert.deepEqual(rows.map(({ task, tier, confidence, outcome }) => [task, tier, confidence, outcome]).toReversed(), ['unseen', 'approved', 'edited', 'rejected', 'unseen'].map((outcome) => ['extract', 'small', 0.6, outcome]));
});
