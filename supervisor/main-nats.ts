// Keeps a nats-server running beside us: the same port after a restart, so that connections find it again. Too many restarts in
// a short time mean that restarting does not help: then the server stops with the reason.
import type { Clock } from '#actors/clock.ts';
import type { Log } from '#actors/log.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { startNatsServer, type NatsServer } from './nats-server.ts';

export interface SupervisedNats {
  url: string;
  stop(): Promise<void>;
  onGivenUp(task: (error: KeelsonError) => void): void;
}

const restartsMax = 5;
const windowMs = 60_000;
const pauseMs = 200;

/** With `natsUrl` an existing server is used and nothing is started. */
export async function superviseNats({ dataDir, token, natsUrl, clock, log, say }: { dataDir: string; token: string; natsUrl: string | null; clock: Clock; log: Log; say: (line: string) => void }): Promise<SupervisedNats> {
  if (natsUrl !== null) return { url: natsUrl, stop: async () => {}, onGivenUp: () => {} };
  let stopping = false;
  const restarts: number[] = [];
  const tasks: ((error: KeelsonError) => void)[] = [];
  let current: NatsServer = await startNatsServer({ dataDir, token, log: say });
  const { url } = current;
  const port = Number(new URL(url).port);

  const watch = async () => {
    for (;;) {
      await current.exited;
      if (stopping) return;
      const nowMs = clock.now();
      restarts.push(nowMs);
      while (restarts[0]! < nowMs - windowMs) restarts.shift();
      if (restarts.length > restartsMax) {
        const error = new KeelsonError('BUS_DOWN', `nats-server stopped ${restarts.length} times within a minute; see ${dataDir}/nats.log`);
        for (const task of tasks) task(error);
        return;
      }
      log.error('nats-server has stopped; starting it again');
      await clock.sleep(pauseMs);
      try {
        current = await startNatsServer({ dataDir, token, log: (line) => log.info(line), port });
      } catch (error) {
        log.error(plainError(error), 'nats-server did not start');
      }
    }
  };
  watch().catch((error: unknown) => log.error(plainError(error), 'nats-server is not watched any more'));
  return {
    url,
    onGivenUp: (task) => void tasks.push(task),
    async stop() {
      stopping = true;
      await current.stop();
    },
  };
}
