// A claim whose answer is lost on the way: the worker asks again, and must know its own claim from that of a worker that is gone.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock as clock } from '#actors/clock.ts';
import { startHost } from '#actors/host.ts';
import { silentLog as log } from '#actors/log.ts';
import type { ActorRecord } from '#actors/record.ts';
import { createRegistry } from '#actors/registry.ts';
import { startWorker } from '#actors/worker.ts';
import { KeelsonError } from '#machines/errors.ts';
import { startStore } from '#store/actor.ts';
import { decide } from '#supervisor/strategy.ts';
import { withNats } from '#test/kit/nats.ts';
import { shipper } from './host-kit.ts';

test('a claim that was written and not answered is this worker\'s own: the job runs, once', async (t) => {
  const nats = await withNats();
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-claim-'));
  const connection = { url: nats.url, token: nats.token, company: 'test' };
  const store = await startStore({ dataDir, bus: connection, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null });
  const bus = await connectBus({ ...connection, name: 'host', clock, log });
  const registry = createRegistry([shipper]);
  const host = await startHost({ bus, store, registry, clock, log });
  let runs = 0;
  let lost = 0;
  const worker = await startWorker({
    bus, registry, clock, log, decide,
    store: {
      ...store,
      async commit(commit) {
        const answer = await store.commit(commit);
        if (commit.id.endsWith('!claim') && lost++ === 0) throw new KeelsonError('TIMEOUT', 'the answer was lost');
        return answer;
      },
    },
    activities: { 'send.once': async () => ({ ok: ++runs > 0 }), 'try.twice': async () => ({ ok: true }) },
  });
  t.after(async () => {
    await Promise.all([worker.stop(), host.stop()]);
    await store.close();
    await bus.close();
    await nats.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  await bus.submit({ id: 'start', to: 'shipper/1', from: 'operator/test', body: { kind: 'start', machine: 'shipper@1', input: {} } }, 10_000);
  await bus.submit({ id: 'send', to: 'shipper/1', from: 'operator/test', body: { kind: 'event', event: { type: 'SEND' } } }, 10_000);
  const value = async () => (JSON.parse((await store.load('shipper/1'))!) as ActorRecord).snapshot.value;
  const end = Date.now() + 10_000;
  while ((await value()) === 'sending' && Date.now() < end) await clock.sleep(20);
  assert.deepEqual([await value(), runs, lost], ['done', 1, 2]);
});
