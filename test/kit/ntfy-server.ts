// A real ntfy server in a temporary folder on a free port of 127.0.0.1. Debian 13 and newer have the package; Debian 12 has none, so its
// absence is said aloud and never a failure: test/kit/ntfy.ts stands for it there.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';

export interface NtfyServer {
  url: string;
  /** Of the only user, who may do everything; nobody else may do anything. */
  token: string;
  /** What the topic holds, as a subscriber gets it. */
  poll(topic: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

const binary = ['/usr/bin/ntfy', '/usr/local/bin/ntfy'].find((path) => existsSync(path));

/** null if a server can be run, else why not. */
export const ntfyMissing = (): string | null => (binary ? null : 'NTFY IS NOT INSTALLED: notifications are tested against a stand-in only. Debian 13 and newer: apt-get install -y ntfy');

export async function startNtfyServer(): Promise<NtfyServer> {
  if (!binary) throw new Error(ntfyMissing() ?? '');
  const home = mkdtempSync(join(tmpdir(), 'keelson-ntfy-'));
  const auth = ['--auth-file', join(home, 'auth.db'), '--auth-default-access', 'deny-all'];
  const config = ['--config', '/dev/null'];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(binary, ['serve', ...config, ...auth, '--listen-http', `127.0.0.1:${port}`, '--base-url', url, '--cache-file', join(home, 'cache.db')], { stdio: 'ignore' });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
    rmSync(home, { recursive: true, force: true });
  };
  try {
    await comeUp(url, child);
    // The server makes the file that these write into.
    const token = addUser(binary, [...config, ...auth]);
    return { url, token, stop, poll: (topic) => poll(`${url}/${topic}/json?poll=1`, token) };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function comeUp(url: string, child: ChildProcess): Promise<void> {
  const isUp = () => fetch(`${url}/v1/health`).then(({ ok }) => ok, () => false);
  for (let tries = 0; !(await isUp()); tries += 1) {
    if (tries > 200 || child.exitCode !== null) throw new Error('ntfy did not come up');
    await delay(50);
  }
}

function addUser(program: string, options: string[]): string {
  execFileSync(program, ['user', ...options, 'add', '--role=admin', 'mara'], { env: { NTFY_PASSWORD: 'a-password' }, stdio: 'pipe' });
  const { stdout, stderr } = spawnSync(program, ['token', ...options, 'add', 'mara'], { encoding: 'utf8' });
  const token = /tk_\w+/.exec(`${stdout}${stderr}`)?.[0];
  if (token === undefined) throw new Error(`ntfy made no token: ${stderr}`);
  return token;
}

async function poll(url: string, token: string): Promise<Record<string, unknown>[]> {
  const text = await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).text();
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
}
