// Goal: while a provider is away or money is gone, work waits at one place, is seen as one item, is not asked about in a loop, and
// goes on by itself, all of it, whatever dies meanwhile.
// Method: real ladders and models/main in the simulator against a provider that the test stops, on its clock; looks and calls are counted.
import assert from 'node:assert/strict';
import test from 'node:test';
import { join, nextBatch, nobody, waitersMax, withLook, withoutBatch } from '#machines/waiting-list.ts';
import { minutes, startOutage, type Outage } from './models-kit.ts';
import { modelsAddress } from '#machines/agents/standing.ts';

const operator = (outage: Outage, event: { type: string; [field: string]: unknown }) => outage.sim.event(modelsAddress, event, 'operator/test').idle();
const approve = { type: 'APPROVE', payloadHash: 'models-1' };

test('a provider stopped for an hour: one item, few looks, and afterwards every piece of work is answered once', async () => {
  const outage = await startOutage();
  outage.world.up = false;
  await outage.start(60);
  for (let n = 0; n < 6; n += 1) {
    await outage.sim.advance(minutes(10));
    await outage.start(10);
  }
  assert.deepEqual([outage.answered(), outage.waits(), outage.count.calls], [0, 120, 0]);
  const [item, ...others] = outage.items();
  assert.deepEqual([others, item!.state, item!.id], [[], 'input-required', 'models-1']);
  assert.match(item!.summary!, /^1\d\d pieces of work wait for a model: scripted: connection refused/);
  // After 5 s, 1, 2, 4, 8 min and then every 15 min.
  assert.ok(outage.count.looks <= 10, `${outage.count.looks} looks`);
  // Each piece of work has found out once by itself, and one more after each look.
  assert.ok(outage.count.refused <= 120 + outage.count.looks, `${outage.count.refused} refused`);
  outage.world.up = true;
  await outage.sim.advance(minutes(16));
  assert.deepEqual([outage.answered(), outage.waits(), outage.count.calls], [120, 0, 120]);
  await outage.sim.advance(minutes(15));
  assert.deepEqual([outage.state(), outage.items().map(({ state }) => state)], ['quiet', ['completed']]);
  const { looks } = outage.count;
  await outage.sim.advance(minutes(24 * 60));
  assert.deepEqual([outage.count.looks, outage.sim.deadlines()], [looks, []], 'nothing moves when nobody waits');
});

test('the same whatever crashes, repeats or comes twice on the way', async () => {
  for (let seed = 1; seed <= 6; seed += 1) {
    const outage = await startOutage({ chaos: 0.2, seed });
    outage.world.up = false;
    await outage.start(25);
    await outage.sim.advance(minutes(60));
    assert.deepEqual([outage.answered(), outage.items().length, outage.items()[0]?.state], [0, 1, 'input-required'], `seed ${seed}`);
    assert.ok(outage.count.looks <= 20, `seed ${seed}: ${outage.count.looks} looks`);
    outage.world.up = true;
    await outage.sim.advance(minutes(45));
    assert.deepEqual([outage.answered(), outage.waits(), outage.items().map(({ state }) => state)], [25, 0, ['completed']], `seed ${seed}`);
    assert.ok(outage.sim.trouble.crashes + outage.sim.trouble.redeliveries + outage.sim.trouble.duplicates > 20, 'chaos struck');
  }
});

test('a hiccup shorter than the first look is not worth an item', async () => {
  const outage = await startOutage();
  outage.world.up = false;
  await outage.start(3);
  outage.world.up = true;
  await outage.sim.advance(minutes(1));
  assert.deepEqual([outage.answered(), outage.items(), outage.count.looks], [3, [], 1]);
});

test('money for a few: those are answered, the others stay, and a look lets no more than the first ones try', async () => {
  const outage = await startOutage();
  outage.world.calls = 0;
  outage.world.gone = [{ scope: 'company', period: 'day:1970-01-01', againAtMs: outage.sim.nowMs() + minutes(30), reason: 'all $1.0000 of it are taken' }];
  await outage.start(40);
  await outage.sim.advance(minutes(20));
  assert.deepEqual([outage.answered(), outage.waits(), outage.count.looks], [0, 40, 1], 'no look before there is money again');
  assert.match(outage.items()[0]!.summary!, /all \$1\.0000 of it are taken/);
  outage.world.calls = 10;
  outage.world.gone = [];
  const { refused } = outage.count;
  await outage.sim.advance(minutes(12));
  assert.deepEqual([outage.answered(), outage.waits()], [10, 30]);
  // 1 + 2 + 4 + 8 went on, ten of them had luck.
  assert.ok(outage.count.refused - refused <= 15, `${outage.count.refused - refused} tried in vain`);
  outage.world.calls = null;
  await outage.sim.advance(minutes(40));
  assert.deepEqual([outage.answered(), outage.waits()], [40, 0]);
  assert.equal(outage.items().length, 1);
});

test('a limit that the operator raises lets those who wait for money go on at once', async () => {
  const outage = await startOutage({}, { againAtMs: null });
  outage.world.calls = 0;
  outage.world.gone = [{ scope: 'run/mail/1', period: 'run', againAtMs: null, reason: 'the budget of this run is used up' }];
  await outage.start(3);
  await outage.sim.advance(minutes(200));
  assert.deepEqual([outage.answered(), outage.waits(), outage.count.refused], [0, 3, 3], 'who waits for the operator alone does not try');
  outage.world.calls = null;
  await outage.sim.event(modelsAddress, { type: 'LOOK', change: { predicate: 'budget.limits' } }, 'store/triggers').idle();
  await outage.sim.advance(5_000);
  assert.equal(outage.answered(), 3);
});

test('approve looks now; reject lets all go on with what there is, and the item is gone', async () => {
  const outage = await startOutage();
  outage.world.up = false;
  const work = await outage.start(5);
  await outage.sim.advance(minutes(3));
  const { looks } = outage.count;
  await operator(outage, approve);
  assert.equal(outage.count.looks, looks + 1);
  await outage.sim.advance(5_000);
  assert.equal(outage.state(), 'waiting');
  await operator(outage, { type: 'REJECT', reason: 'not today' });
  await outage.sim.advance(10_000);
  assert.deepEqual([outage.waits(), outage.items().map(({ state }) => state)], [0, ['rejected']]);
  for (const address of work) assert.deepEqual([outage.sim.record(address)!.status, (outage.sim.record(address)!.snapshot.output as { sure: boolean; tier: string }).tier], ['done', 'rules']);
});

test('a second outage is another item', async () => {
  const outage = await startOutage();
  for (let n = 0; n < 2; n += 1) {
    outage.world.up = false;
    await outage.start(2);
    await outage.sim.advance(minutes(10));
    outage.world.up = true;
    await outage.sim.advance(minutes(60));
  }
  assert.deepEqual(outage.items().map(({ id, state }) => [id, state]), [['models-1', 'completed'], ['models-2', 'completed']]);
});

test('who comes back within minutes is no news: the item stays, and the next look is later', async () => {
  const outage = await startOutage();
  outage.world.up = false;
  await outage.start(1);
  await outage.sim.advance(minutes(60));
  assert.deepEqual([outage.items().length, outage.state()], [1, 'waiting']);
  assert.ok(outage.count.looks <= 8, `${outage.count.looks} looks for one that waits alone`);
});

test('a look that fails says nothing, so one tries: the work goes on when it works', async () => {
  const outage = await startOutage();
  outage.world.up = false;
  outage.world.lookFails = true;
  await outage.start(4);
  await outage.sim.advance(minutes(30));
  assert.match(JSON.stringify(outage.items()[0]!.data!['reasons']), /the look broke/);
  outage.world.up = true;
  await outage.sim.advance(minutes(90));
  assert.deepEqual([outage.answered(), outage.waits()], [4, 0]);
});

test('who was ended meanwhile is forgotten, and its turn disturbs nobody', async () => {
  const outage = await startOutage();
  outage.world.up = false;
  const [first] = await outage.start(3);
  await outage.sim.advance(minutes(2));
  await outage.sim.send(first!, 'operator/test', { kind: 'stop' }).idle();
  outage.world.up = true;
  await outage.sim.advance(minutes(30));
  assert.deepEqual([outage.answered(), outage.waits(), outage.state()], [2, 0, 'quiet']);
});

test('only a ladder can wait there, and only the operator can answer', async () => {
  const outage = await startOutage();
  await outage.sim.event(modelsAddress, { type: 'WAIT', task: 'x', needs: ['provider'], reason: 'x' }, 'mail/1').idle();
  assert.deepEqual([outage.state(), outage.list().waiters], ['quiet', {}]);
  outage.world.up = false;
  await outage.start(1);
  await outage.sim.advance(minutes(2));
  await outage.sim.event(modelsAddress, { type: 'REJECT', reason: 'x' }, 'mail/1').idle();
  assert.deepEqual([outage.state(), outage.waits()], ['waiting', 1]);
  assert.match(outage.sim.notes().at(-1)!, /may only come from the operator/);
});

test('the list is bounded: who finds it full is counted and looks for itself within a day', () => {
  let list = nobody;
  for (let n = 0; n < waitersMax + 7; n += 1) list = join(list, { from: `ladder/${n}`, task: 'x', needs: ['provider'], reason: 'down' });
  assert.deepEqual([Object.keys(list.waiters).length, list.unlisted], [waitersMax, 7]);
  assert.deepEqual(join(list, { from: 'ladder/3', task: 'x', needs: ['provider'], reason: 'again' }).unlisted, 7, 'one that is listed already is not counted again');
});

test('those who can go on do so in growing numbers, at most fifty at a time', () => {
  let list = nobody;
  for (let n = 0; n < 500; n += 1) list = join(list, { from: `ladder/${n}`, task: 'x', needs: ['provider'], reason: 'down' });
  list = withLook(list, { down: [], gone: [] });
  const sizes: number[] = [];
  for (let n = 0; n < 9; n += 1) {
    sizes.push(nextBatch(list).length);
    list = withoutBatch(list);
  }
  assert.deepEqual(sizes, [1, 2, 4, 8, 16, 32, 50, 50, 50]);
});
