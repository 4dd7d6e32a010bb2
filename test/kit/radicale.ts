// A real CalDAV server (Debian's radicale) in a temporary folder on a free port of 127.0.0.1, with one user and one empty calendar.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';

export interface RadicaleFixture {
  /** http://127.0.0.1:PORT */
  url: string;
  user: string;
  password: string;
  /** Under `url`: anna/work */
  calendar: string;
  /** Puts an object into the calendar as another program would. */
  put(name: string, text: string): Promise<{ etag: string }>;
  get(name: string): Promise<string | null>;
  remove(name: string): Promise<void>;
  /** File names of the objects on disk. */
  names(): string[];
  /** As a power cut would. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const binary = ['/usr/bin/radicale', '/usr/local/bin/radicale', '/opt/homebrew/bin/radicale'].find((path) => existsSync(path));

/** null if radicale can be run, else why not and what to do. Give it to `test(…, {skip: radicaleMissing() ?? false})`. */
export function radicaleMissing(): string | null {
  if (binary) return null;
  const why = 'RADICALE IS NOT INSTALLED: the calendar connector is NOT TESTED here. Run: apt-get install -y radicale';
  if (process.env['KEELSON_TEST_ALL'] === '1') throw new Error(why);
  return why;
}

export async function startRadicale(): Promise<RadicaleFixture> {
  if (!binary) throw new Error(radicaleMissing() ?? '');
  const home = mkdtempSync(join(tmpdir(), 'keelson-radicale-'));
  const [user, password, calendar] = ['anna', 'canary-caldav-5561-not-to-be-seen', 'anna/work'];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  writeFileSync(join(home, 'users'), `${user}:${password}\n`);
  writeFileSync(join(home, 'config'), `[server]\nhosts = 127.0.0.1:${port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = ${home}/users\nhtpasswd_encryption = plain\ndelay = 0\n[storage]\nfilesystem_folder = ${home}/data\n[web]\ntype = none\n[logging]\nlevel = warning\n`);
  let child: ChildProcess | null = null;
  const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  const at = (name: string) => `${url}/${calendar}/${encodeURIComponent(name)}`;

  const start = async () => {
    child = spawn(binary, ['--config', join(home, 'config')], { stdio: 'ignore' });
    for (let tries = 0; tries < 300; tries += 1) {
      if (await fetch(url, { headers }).then(() => true, () => false)) return;
      await delay(50);
    }
    throw new Error('radicale did not come up');
  };
  const kill = async () => {
    const running = child;
    child = null;
    if (!running || running.exitCode !== null) return;
    const exited = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await exited;
  };

  await start();
  const made = await fetch(`${url}/${calendar}/`, { method: 'MKCALENDAR', headers });
  if (made.status !== 201) throw new Error(`radicale made no calendar: ${made.status} ${await made.text()}`);
  const folder = join(home, 'data/collection-root', calendar);
  return {
    url, user, password, calendar, kill, start,
    async put(name, text) {
      const reply = await fetch(at(name), { method: 'PUT', headers: { ...headers, 'content-type': 'text/calendar; charset=utf-8' }, body: text });
      if (!reply.ok) throw new Error(`radicale refused ${name}: ${reply.status} ${await reply.text()}`);
      return { etag: reply.headers.get('etag') ?? '' };
    },
    async get(name) {
      const reply = await fetch(at(name), { headers });
      return reply.ok ? reply.text() : null;
    },
    async remove(name) {
      await fetch(at(name), { method: 'DELETE', headers });
    },
    names: () => readdirSync(folder).filter((name) => name.endsWith('.ics')),
    async stop() {
      await kill();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
