import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from 'nats';
import { KeelsonError, type Code } from '#machines/errors.ts';
import { compareVersions, natsFloor } from '#machines/versions.ts';
import { defaultCacheDir, findNatsServer } from '#supervisor/nats-binary.ts';
import { startNatsServer, type NatsServer } from '#supervisor/nats-server.ts';
import { withNats } from '#test/kit/nats.ts';

const serverModule = import.meta.resolve('#supervisor/nats-server.ts');
const newToken = () => randomBytes(32).toString('hex');
const silent = () => {};
const open = ({ url, token }: { url: string; token?: string }) => connect({ servers: url, token, reconnect: false, noAsyncTraces: true });
const withCode = (code: Code, text = /./) => (error: unknown) => error instanceof KeelsonError && error.code === code && text.test(error.message);

/** Undone in reverse: a server is stopped before its folder goes. (`t.after` runs in the order of registration.) */
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanups.splice(0).toReversed()) await undo();
});

async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'keelson server-')); // with a space
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function start(options: Partial<Parameters<typeof startNatsServer>[0]> & { dataDir: string }): Promise<NatsServer> {
  const server = await startNatsServer({ token: newToken(), log: silent, ...options });
  cleanups.push(() => server.stop());
  return server;
}

/** Gone, or a zombie nobody has collected yet. */
async function isGone(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  if (process.platform === 'linux') return status === '' || /\) Z/.test(status);
  try { return !process.kill(pid, 0); } catch { return true; }
}

async function waitUntilGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 250 && !(await isGone(pid)); tries++) await sleep(20);
  return isGone(pid);
}

/** Another process that starts a server and then idles. Resolves with both ids. */
async function startInAnotherProcess(dataDir: string, tether: string): Promise<{ parent: number; pid: number }> {
  const code = `
    const { startNatsServer } = await import(${JSON.stringify(serverModule)});
    const { pid } = await startNatsServer({ dataDir: ${JSON.stringify(dataDir)}, token: '${newToken()}', tether: ${JSON.stringify(tether)}, log() {} });
    console.log(pid);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanups.push(() => child.kill('SIGKILL'));
  const pid = Number(await new Promise((resolve) => child.stdout.once('data', resolve)));
  assert.ok(pid > 0);
  cleanups.push(async () => { if (!(await isGone(pid))) process.kill(pid, 'SIGKILL'); });
  return { parent: child.pid as number, pid };
}

test('the kit starts a server on loopback that knows its token and nobody else', async () => {
  const bus = await withNats();
  cleanups.push(() => bus.stop());
  assert.match(bus.url, /127\.0\.0\.1:\d+$/);
  const connection = await open(bus);
  assert.ok(compareVersions(connection.info?.version ?? '', natsFloor) >= 0);
  assert.equal(connection.info?.max_payload, 4 * 1024 * 1024);
  await connection.close();
  await assert.rejects(open({ url: bus.url, token: newToken() }), /authorization/i);
  await assert.rejects(open({ url: bus.url }), /authorization/i);
});

test('tokens that a config parser would take for a number or a hash work', async () => {
  for (const token of ['1234567890123456', '12e4512345678901', '0x12345678901234', '9000000000000000k', 'true-true-true-true']) {
    const server = await start({ dataDir: await tempDir(), token });
    await (await open(server)).close();
    await server.stop();
  }
});

test('a token that could leave its quotes is refused', async () => {
  await assert.rejects(startNatsServer({ dataDir: await tempDir(), token: `'}; port: 1 #aaaaaaaaaaaaa`, log: silent }), withCode('BAD_CONFIG', /token/));
});

test('the token is in no argument list, and pid is that of nats-server', { skip: process.platform !== 'linux' }, async () => {
  const server = await start({ dataDir: await tempDir() });
  const argv = (await readFile(`/proc/${server.pid}/cmdline`, 'utf8')).split('\0');
  assert.match(argv[0] ?? '', /nats-server$/);
  assert.ok(!argv.join(' ').includes(server.token));
});

test('JetStream data survives kill -9 of the server and a restart on the same folder', async () => {
  const dataDir = await tempDir();
  const first = await start({ dataDir });
  const connection = await open(first);
  await (await jetstreamManager(connection)).streams.add({ name: 'WORK', subjects: ['work.>'] });
  await jetstream(connection).publish('work.one', 'kept');
  process.kill(first.pid, 'SIGKILL');
  assert.equal(await first.exited, null);
  await connection.close();

  const second = await start({ dataDir });
  const again = await open(second);
  cleanups.push(() => again.close());
  const message = await (await jetstreamManager(again)).streams.getMessage('WORK', { last_by_subj: 'work.one' });
  assert.equal(message?.string(), 'kept');
  assert.ok((await stat(join(dataDir, 'jetstream'))).isDirectory());
});

test('stop ends the process, may be called twice, and exited tells', async () => {
  const server = await start({ dataDir: await tempDir() });
  await Promise.all([server.stop(), server.stop()]);
  assert.ok(await isGone(server.pid));
  await server.exited;
});

for (const tether of process.platform === 'linux' ? ['kernel', 'pipe'] : ['pipe']) {
  test(`kill -9 of the parent leaves no nats-server (${tether})`, async () => {
    const { parent, pid } = await startInAnotherProcess(await tempDir(), tether);
    assert.ok(!(await isGone(pid)));
    process.kill(parent, 'SIGKILL');
    assert.ok(await waitUntilGone(pid));
  });
}

test('a folder another living process works on is refused', async () => {
  const dataDir = await tempDir();
  const { pid } = await startInAnotherProcess(dataDir, process.platform === 'linux' ? 'kernel' : 'pipe');
  await assert.rejects(start({ dataDir }), withCode('STORE_BUSY', new RegExp(`process ${pid}`)));
  assert.ok(!(await isGone(pid)));
});

test('the lock holds when the pid file is lost', { skip: process.platform !== 'linux' }, async () => {
  const dataDir = await tempDir();
  await start({ dataDir });
  await rm(join(dataDir, 'nats.pid'));
  await assert.rejects(start({ dataDir }), withCode('STORE_BUSY', /nats\.lock/));
});

test('an orphan of an earlier run is stopped first', { skip: process.platform !== 'linux' }, async () => {
  const dataDir = await tempDir();
  const first = await start({ dataDir });
  await first.stop();
  // The server as a shell leaves it behind: its parent is gone and nothing ties it to anybody.
  const { path } = await findNatsServer({ cacheDir: defaultCacheDir(), log: silent });
  const config = fileURLToPath(new URL('../../nats.conf', import.meta.url));
  spawn('/bin/sh', ['-c', '"$0" -c "$1" >/dev/null 2>&1 &', path, config], {
    cwd: dataDir, stdio: 'ignore', env: { KEELSON_NATS_PORT: '-1', KEELSON_NATS_TOKEN: `'${newToken()}'` } });
  const readPid = async () => Number(await readFile(join(dataDir, 'nats.pid'), 'utf8').catch(() => 0));
  for (let tries = 0; tries < 250 && [0, first.pid].includes(await readPid()); tries++) await sleep(20);
  const orphan = await readPid();
  cleanups.push(async () => { if (!(await isGone(orphan))) process.kill(orphan, 'SIGKILL'); });
  assert.ok(orphan !== first.pid && !(await isGone(orphan)));

  const lines: string[] = [];
  const second = await start({ dataDir, log: (line) => lines.push(line) });
  assert.ok(await isGone(orphan));
  assert.match(lines.join('\n'), new RegExp(`stopping process ${orphan}`));
  await (await open(second)).close();
});

test('a pid file that names a foreign process harms nobody', async () => {
  const dataDir = await tempDir();
  await writeFile(join(dataDir, 'nats.pid'), `${process.pid}`);
  await writeFile(join(dataDir, `nats-server_${process.pid}.ports`), '{"nats":["nats://127.0.0.1:1"]}');
  const { pid } = await start({ dataDir });
  assert.deepEqual((await readdir(dataDir)).filter((name) => name.endsWith('.ports')), [`nats-server_${pid}.ports`], 'the next process may get that id');
});

test('a taken port is reported with the words of the server', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  await assert.rejects(startNatsServer({ dataDir: await tempDir(), token: newToken(), log: silent, port }), withCode('BUS_DOWN', /address already in use/));
});

test('a binary that cannot run is reported, with and without the kernel tether', async () => {
  for (const tether of process.platform === 'linux' ? ['kernel', 'pipe'] as const : ['pipe'] as const) {
    const starting = startNatsServer({ dataDir: await tempDir(), token: newToken(), log: silent, binary: '/nowhere/nats-server', tether });
    await assert.rejects(starting, withCode('BUS_DOWN', /nowhere/));
  }
});

test('an overlong log starts anew', async () => {
  const dataDir = await tempDir();
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(dataDir, 'nats.log'), 'x'.repeat(10_000_001));
  await start({ dataDir });
  assert.ok((await stat(join(dataDir, 'nats.log'))).size < 100_000);
});
