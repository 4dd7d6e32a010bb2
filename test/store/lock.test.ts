import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { startStore } from '#store/actor.ts';
import { nextEpoch, takeLock } from '#store/lock.ts';
import { withCode } from '#test/contract/database.ts';
import { cleanups, tempDir, tempStore } from './temp-store.ts';

async function take(dir: string) {
  const lock = await takeLock(dir);
  cleanups.push(() => lock.close().catch(() => {}));
  return lock;
}

/** Another process that holds the lock. */
async function holder(dir: string) {
  const script = `import { takeLock } from ${JSON.stringify(import.meta.resolve('#store/lock.ts'))};
    globalThis.lock = await takeLock(${JSON.stringify(dir)}); process.stdout.write('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanups.push(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

test('a second lock on the same folder in the same process is STORE_BUSY and names the folder', async () => {
  const dir = tempDir();
  await take(dir);
  await assert.rejects(takeLock(dir), withCode('STORE_BUSY', new RegExp(dir)));
});

test('a second lock from another process is STORE_BUSY, also while the holder is frozen, and free after kill -9', async () => {
  const dir = tempDir();
  const child = await holder(dir);
  await assert.rejects(takeLock(dir), withCode('STORE_BUSY'));
  child.kill('SIGSTOP');
  await assert.rejects(takeLock(dir), withCode('STORE_BUSY'));
  child.kill('SIGKILL');
  await once(child, 'close');
  await take(dir);
});

test('a closed lock can be taken again', async () => {
  const dir = tempDir();
  await (await take(dir)).close();
  await take(dir);
});

test('locks on different folders do not meet', async () => {
  await take(tempDir());
  await take(tempDir());
});

test('a folder that cannot hold a lock is not called busy', async () => {
  await assert.rejects(takeLock(join(tempDir(), 'missing')), withCode('STORE_FAILED'));
  await assert.rejects(takeLock('/proc'), withCode('STORE_FAILED'));
});

test('each store on a database gets a higher epoch', async () => {
  const { db, epoch } = await tempStore();
  assert.deepEqual([epoch, await nextEpoch(db), await nextEpoch(db)], [1, 2, 3]);
});

const options = (dataDir: string) => ({ dataDir, bus: { url: 'nats://127.0.0.1:1', token: 't', company: 'test' }, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null });

test('a store on a folder that is in use is STORE_BUSY', async () => {
  const dir = tempDir();
  await holder(dir);
  await assert.rejects(startStore(options(dir)), withCode('STORE_BUSY', /already owns/));
});

test('a store that cannot reach the bus is BUS_DOWN, and lets go of the folder', async () => {
  const dir = tempDir();
  for (let i = 0; i < 2; i++) await assert.rejects(startStore(options(dir)), withCode('BUS_DOWN'));
  await take(dir);
});
