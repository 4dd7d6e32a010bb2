// Goal: a job outlives its worker. Its time limits live in the process that runs it; when that is killed in the middle, the job comes
// again: from the bus, and from the store when the bus has lost everything too. Method: kill -9, wipe the bus, look.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withNats, type TestNats } from '#test/kit/nats.ts';

const runner = fileURLToPath(import.meta.resolve('./job-runner.ts'));

async function startBus(t: TestContext): Promise<TestNats> {
  const nats = await withNats();
  t.after(nats.stop);
  return nats;
}

function begin(t: TestContext, dataDir: string, { url, token }: TestNats, how: { answer: boolean; once: boolean }) {
  const store = { dataDir, bus: { url, token, company: 'test' }, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null };
  const child = spawn(process.execPath, [runner, JSON.stringify({ store, ...how })], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const kill = async () => {
    child.kill('SIGKILL');
    await closed;
  };
  t.after(kill);
  return { kill, next: async () => String((await lines.next()).value) };
}

for (const once of [false, true]) {
  for (const wiped of [false, true]) {
    const end = once ? 'is unknown and not run again' : 'runs again and ends';
    test(`a job ${once ? 'that may happen once ' : ''}whose worker was killed ${end}${wiped ? ', also when the bus lost everything' : ''}`, { timeout: 120_000 }, async (t) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'keelson-job-'));
      t.after(() => rmSync(dataDir, { recursive: true, force: true }));
      const nats = await startBus(t);
      const first = begin(t, dataDir, nats, { answer: false, once });
      assert.equal(await first.next(), 'begun 1');
      await first.kill();

      const second = begin(t, dataDir, wiped ? await startBus(t) : nats, { answer: true, once });
      if (!once) assert.equal(await second.next(), 'begun 1', 'the same try: nobody knows that it failed');
      assert.equal(await second.next(), once ? 'failed' : 'done');
    });
  }
}
