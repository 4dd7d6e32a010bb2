// A real nats-server on a temporary folder, for tests. `const bus = await withNats(); t.after(() => bus.stop());`.

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNatsServer } from '#supervisor/nats-server.ts';

export interface TestNats {
  url: string;
  token: string;
  pid: number;
  dataDir: string;
  /** Stops the server and removes its folder. */
  stop: () => Promise<void>;
}

export async function withNats(log: (line: string) => void = () => {}): Promise<TestNats> {
  const dataDir = await mkdtemp(join(tmpdir(), 'keelson-nats-'));
  const removeFolder = () => rm(dataDir, { recursive: true, force: true });
  try {
    const { url, token, pid, stop } = await startNatsServer({ dataDir, token: randomBytes(32).toString('hex'), log });
    return { url, token, pid, dataDir, stop: () => stop().then(removeFolder) };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}
