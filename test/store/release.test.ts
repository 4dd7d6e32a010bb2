// Goal: whatever is done to the clock, no deadline goes early or twice, and after a forward jump nothing acts outside before the
// operator says so. Method: the real store on a file, a clock moved by hand, and a look at each side of each boundary.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '#actors/log.ts';
import type { Intent } from '#machines/records.ts';
import { createCommitter } from '#store/commit.ts';
import { createRelay } from '#store/outbox.ts';
import { release } from '#store/release.ts';
import { verifyAudit } from '#store/verify.ts';
import { commitOf, countRows, tempDir, tempStore } from './temp-store.ts';

const startMs = 1_790_000_000_000;
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;
/** Time passes in both; a jump moves the wall alone. */
const time = { wallMs: startMs, elapsedMs: 0, boot: 'b1' };

async function watched(dir = tempDir(), at = { ...time }) {
  const { db, epoch } = await tempStore(dir);
  const gone: string[] = [];
  const relay = createRelay(db, { publish: ({ id }) => void gone.push(id), flush: async () => {} }, silentLog);
  const committer = await createCommitter(db, epoch, { onWritten: relay.publish });
  let n = 0;
  const look = async () => (await release(db, committer, relay, { nowMs: at.wallMs, watch: { elapsedMs: at.elapsedMs, boot: at.boot, effectful: ['operation'] } }));
  const questions = () => db.all<{ id: string; state: string; summary: string; data: string }>("SELECT id, state, summary, data FROM intent WHERE id LIKE 'clock-%' ORDER BY created_ms, id");
  return {
    db, dir, at, gone, look, questions,
    deadline: (id: string, dueMs: number, actor = 'operation/1', to = actor) => committer.commit(commitOf(`c-${id}`, { actor, sends: [{ id, to, from: actor, dueMs, body: { kind: 'event', event: { type: 'ping' } } }] })),
    async pass(ms: number) {
      at.wallMs += ms;
      at.elapsedMs += ms;
      return look();
    },
    async jump(ms: number) {
      at.wallMs += ms;
      return look();
    },
    async answer(state: Intent['state'], id?: string) {
      const asked = id ?? (await questions()).at(-1)!.id;
      const written = await committer.commit(commitOf(`answer-${++n}`, { actor: 'operator/desk', atMs: at.wallMs, intents: [{ id: asked, kind: 'question', state }] }));
      assert.equal(written.outcome, 'written');
      return look();
    },
    async open() {
      return (await questions()).filter(({ state }) => state === 'input-required').map(({ id }) => id);
    },
  };
}

const sizes = { '1 hour': hour, '1 day': day, '10 years': 10 * year };
/** By the old clock it is `oldNow`; the jump leads to `newNow`. */
const due = {
  'due by the old clock too': (oldNow: number) => oldNow,
  'due at the very end of the jump': (_oldNow: number, newNow: number) => newNow,
  'due one millisecond after the jump': (_oldNow: number, newNow: number) => newNow + 1,
};
const actors = { 'that may act outside': 'operation/1', 'that may not': 'mail/1' };

for (const [size, jumpMs] of Object.entries(sizes)) {
  for (const [who, actor] of Object.entries(actors)) {
    const acts = actor.startsWith('operation');
    for (const [when, dueOf] of Object.entries(due)) {
      const isBefore = dueOf === due['due by the old clock too'];
      const isAtEnd = dueOf === due['due at the very end of the jump'];
      const outcome = isBefore || (isAtEnd && !acts) ? 'goes at once' : isAtEnd ? 'is held until the operator says yes' : 'goes when that millisecond has passed';
      test(`${size} forward: a timer of an actor ${who}, ${when}, ${outcome}`, async () => {
        const w = await watched();
        await w.look();
        const oldNow = startMs + 30_000;
        await w.deadline('timer', dueOf(oldNow, oldNow + jumpMs), actor);
        w.at.elapsedMs += 30_000;
        w.at.wallMs += 30_000;
        const looked = await w.jump(jumpMs);
        assert.equal(looked.jumpMs, jumpMs);
        assert.deepEqual(w.gone, isBefore || (isAtEnd && !acts) ? ['timer'] : []);
        const held = isAtEnd && acts;
        assert.equal(looked.held, held ? 1 : 0);
        assert.equal((await w.open()).length, held ? 1 : 0);
        await w.pass(1);
        assert.deepEqual(w.gone, held ? [] : ['timer']);
        if (held) {
          assert.equal((await w.pass(day)).nextDueMs, null, 'what is held keeps nobody awake');
          assert.deepEqual(w.gone, []);
          await w.answer('completed');
        }
        await w.pass(20 * year);
        assert.deepEqual(w.gone, ['timer']);
      });
    }
    test(`${size} back: a timer of an actor ${who} that was due now goes when the wall clock says so again, once`, async () => {
      const w = await watched();
      await w.look();
      await w.deadline('timer', startMs + 30_000, actor);
      w.at.elapsedMs += 30_000;
      w.at.wallMs += 30_000;
      assert.equal((await w.jump(-jumpMs)).jumpMs, -jumpMs);
      await w.pass(jumpMs - 1);
      assert.deepEqual(w.gone, []);
      await w.pass(1);
      assert.deepEqual(w.gone, ['timer']);
      await w.jump(-jumpMs);
      await w.pass(2 * jumpMs);
      assert.deepEqual([w.gone, await w.questions()], [['timer'], []]);
    });
  }
}

test('a jump by exactly five minutes holds nothing; one millisecond more does', async () => {
  for (const [ms, held] of [[5 * minute, 0], [5 * minute + 1, 1]] as const) {
    const w = await watched();
    await w.look();
    await w.deadline('timer', startMs + minute);
    assert.equal((await w.jump(ms)).held, held);
    assert.deepEqual(w.gone, held ? [] : ['timer']);
  }
});

test('the first millisecond after the old time is held, and a retry of an outside job as well', async () => {
  const w = await watched();
  await w.look();
  await w.deadline('timer', startMs + 1);
  await w.deadline('retry', startMs + hour, 'operation/2', 'job/mail-send');
  assert.equal((await w.jump(day)).held, 2);
  const [question] = await w.questions();
  assert.equal(question!.summary, 'The clock jumped forward by 1 day: 2 timers that may act outside are due only by that. Let them go?');
  assert.deepEqual(JSON.parse(question!.data).payload.timers, [{ actor: 'operation/1', due: new Date(startMs + 1).toISOString() }, { actor: 'operation/2', due: new Date(startMs + hour).toISOString() }]);
  assert.equal((await verifyAudit(w.db)).ok, true);
});

test('time that passed is no jump: late looks, a laptop that slept, slow corrections of the clock', async () => {
  const w = await watched();
  await w.look();
  await w.deadline('timer', startMs + hour);
  assert.deepEqual([(await w.pass(10 * hour)).held, w.gone], [0, ['timer']]);
  await w.deadline('other', w.at.wallMs + 9 * minute);
  for (let i = 0; i < 3; i++) {
    await w.pass(minute);
    await w.jump(3 * minute);
  }
  assert.deepEqual([w.gone, await w.questions()], [['timer', 'other'], []]);
});

test('after no, each timer waits as long as it would have waited, and goes once', async () => {
  const w = await watched();
  await w.look();
  await w.deadline('soon', startMs + hour);
  await w.deadline('late', startMs + 3 * hour);
  await w.jump(2 * hour);
  await w.answer('rejected');
  await w.pass(hour - 1);
  assert.deepEqual(w.gone, []);
  await w.pass(1);
  assert.deepEqual(w.gone, ['soon', 'late'], 'what was not due by the jump is due by the clock on the wall');
  await w.pass(year);
  assert.deepEqual(w.gone, ['soon', 'late']);
});

test('a clock that is set back closes the question, and the timers go at their time', async () => {
  const w = await watched();
  await w.look();
  await w.deadline('timer', startMs + hour);
  await w.jump(day);
  await w.pass(10 * minute);
  await w.jump(-day);
  assert.deepEqual((await w.questions()).map(({ state }) => state), ['input-required'], 'ten minutes of it are due by the jump, and nobody knows which clock is right');
  await w.jump(-10 * minute);
  assert.deepEqual((await w.questions()).map(({ state }) => state), ['canceled']);
  await w.pass(hour - 1);
  assert.deepEqual(w.gone, []);
  await w.pass(1);
  assert.deepEqual(w.gone, ['timer']);
});

test('a clock set back half the way holds only what is still due by the rest of the jump', async () => {
  const w = await watched();
  await w.look();
  await w.deadline('early', startMs + hour);
  await w.deadline('late', startMs + 18 * hour);
  await w.jump(day);
  await w.jump(-12 * hour);
  await w.pass(6 * hour - 1);
  assert.deepEqual(w.gone, []);
  await w.pass(1);
  assert.deepEqual(w.gone, ['late']);
  await w.answer('completed');
  assert.deepEqual(w.gone, ['late', 'early']);
});

test('a clock that jumps to and fro holds again each time, and lets each timer go once', async () => {
  const w = await watched();
  await w.look();
  await w.deadline('timer', startMs + hour);
  for (let i = 0; i < 3; i++) {
    assert.equal((await w.jump(day)).held, 1);
    await w.jump(-day);
    assert.deepEqual(await w.open(), []);
  }
  await w.pass(2 * hour);
  assert.deepEqual(w.gone, ['timer']);
});

test('two jumps are two questions, each with its own timers', async () => {
  const w = await watched();
  await w.look();
  await w.deadline('first', startMs + hour);
  await w.deadline('second', startMs + 30 * hour);
  await w.jump(day);
  await w.jump(day);
  const [one, two] = await w.open();
  await w.answer('completed', two);
  assert.deepEqual(w.gone, ['second']);
  await w.answer('completed', one);
  assert.deepEqual(w.gone, ['second', 'first']);
});

test('what is made after the jump is not held by it', async () => {
  const w = await watched();
  await w.look();
  await w.deadline('old', startMs + hour);
  await w.jump(day);
  await w.deadline('new', w.at.wallMs + minute);
  await w.pass(minute);
  assert.deepEqual(w.gone, ['new']);
});

test('a held timer whose state was left is gone, and yes lets go what is left', async () => {
  const w = await watched();
  await w.look();
  await w.deadline('left', startMs + hour);
  await w.deadline('stays', startMs + hour, 'operation/2');
  await w.jump(day);
  await w.db.run("DELETE FROM outbox WHERE id = 'left'");
  await w.answer('completed');
  assert.deepEqual(w.gone, ['stays']);
});

test('the question and what it holds survive a restart; the answer may come while nobody runs', async () => {
  const first = await watched();
  await first.look();
  await first.deadline('timer', startMs + hour);
  await first.jump(day);
  await first.db.close();
  const second = await watched(first.dir, first.at);
  await second.pass(minute);
  assert.deepEqual([second.gone, (await second.open()).length], [[], 1]);
  await second.db.run("UPDATE intent SET state = 'completed' WHERE id LIKE 'clock-%'");
  await second.db.close();
  const third = await watched(first.dir, second.at);
  await third.look();
  assert.deepEqual(third.gone, ['timer']);
  assert.deepEqual(await third.open(), []);
});

test('a jump while the server is stopped is found at its start; after a start of the computer nobody can tell', async () => {
  for (const [boot, gone] of [['b1', []], ['b2', ['timer']]] as const) {
    const first = await watched();
    await first.look();
    await first.deadline('timer', startMs + hour);
    await first.db.close();
    const second = await watched(first.dir, { wallMs: startMs + day, elapsedMs: minute, boot });
    await second.look();
    assert.deepEqual(second.gone, gone);
  }
});

test('when the question cannot be written nothing goes, and the next look asks', async () => {
  const w = await watched();
  await w.look();
  await w.deadline('timer', startMs + hour);
  await w.deadline('harmless', startMs + hour, 'mail/1');
  await w.db.exec('PRAGMA query_only = ON');
  await assert.rejects(w.jump(day));
  assert.deepEqual(w.gone, []);
  await w.db.exec('PRAGMA query_only = OFF');
  assert.equal((await w.look()).held, 1);
  assert.deepEqual([w.gone, (await w.open()).length], [['harmless'], 1]);
});

test('without the time that passed nothing is noticed, but what is held stays held', async () => {
  const w = await watched();
  await w.look();
  await w.deadline('timer', startMs + hour);
  await w.jump(day);
  const { db, gone } = w;
  const relay = createRelay(db, { publish: ({ id }) => void gone.push(id), flush: async () => {} }, silentLog);
  const { committer } = await tempStore(w.dir);
  await release(db, committer, relay, { nowMs: w.at.wallMs });
  assert.deepEqual(gone, []);
  assert.equal(await countRows(db, 'outbox'), 1);
});

test('3,000 held timers are let go once each, page by page', async () => {
  const w = await watched();
  await w.look();
  for (let i = 0; i < 3_000; i += 500) await Promise.all(Array.from({ length: 500 }, (_, j) => w.deadline(`t${i + j}`, startMs + 1 + i + j, `operation/${i + j}`)));
  assert.equal((await w.jump(day)).held, 3_000);
  await w.answer('completed');
  while ((await w.look()).released > 0);
  assert.equal(w.gone.length, 3_000);
  assert.equal(new Set(w.gone).size, 3_000);
});
