// One worker process of workers.test.ts: hosts a machine over the bus, as `keelson up --role worker` does. It can be told to kill
// itself in the middle of a step: before its commit leaves, after it left, or after it was answered and before the bus is told.
import { connectBus } from '#actors/bus-nats.ts';
import { systemClock as clock } from '#actors/clock.ts';
import { startHost } from '#actors/host.ts';
import { randomId } from '#actors/ids.ts';
import { silentLog as log } from '#actors/log.ts';
import { joinMembers } from '#actors/members.ts';
import { createRegistry } from '#actors/registry.ts';
import { connectStore } from '#actors/store-client.ts';
import type { StorePort } from '#actors/store-port.ts';
import { orderMachine } from '#test/bench/order-machine.ts';
import { collector } from './workers-kit.ts';

export interface WorkerArgs {
  url: string; token: string; company: string;
  /** Reads every partition, whoever else does. */
  greedy?: boolean;
  die?: { when: 'before' | 'under way' | 'after'; commit: number };
}

const { greedy, die, ...connection } = JSON.parse(process.argv[2]!) as WorkerArgs;
const store = await connectStore({ ...connection, name: 'worker store', clock, onOtherPast: (error) => { throw error; } });
const bus = await connectBus({ ...connection, name: 'worker', clock, log });
const members = greedy ? undefined : await joinMembers({ bus, clock, id: randomId(), role: 'worker' });
let commits = 0;
const dying: StorePort = {
  ...store,
  async commit(commit) {
    const now = ++commits === die?.commit ? die.when : null;
    const killMe = () => process.kill(process.pid, 'SIGKILL');
    if (now === 'before') killMe();
    const answer = store.commit(commit);
    // The next turn of the loop: the client writes what was published in this one.
    if (now === 'under way') setImmediate(killMe);
    const answered = await answer;
    if (now === 'after') killMe();
    return answered;
  },
};
const host = await startHost({ bus, store: dying, registry: createRegistry([collector, orderMachine]), clock, log, ...(members ? { owned: members } : {}) });
process.once('SIGTERM', () => {
  void (async () => {
    await host.stop();
    await members?.leave();
    await bus.close();
    await store.close();
  })();
});
console.log('ready');
