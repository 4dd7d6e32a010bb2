import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { KeelsonError } from '#machines/errors.ts';
import { compareVersions } from '#machines/versions.ts';
import { defaultCacheDir, findNatsServer, fromDebian, fromRelease, toSid, type Way } from '#supervisor/nats-binary.ts';

async function tempDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'keelson binary-')); // with a space, as home folders have
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function writeFakeServer(dir: string, version: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'nats-server'), `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(join(dir, 'nats-server'), 0o755);
  return join(dir, 'nats-server');
}

const silent = () => {};
const noEnv = { PATH: '/nowhere' };
const refuse = (error: unknown, text: RegExp) => error instanceof KeelsonError && error.code === 'NO_NATS_SERVER' && text.test(error.message);

/** Serves one release whose archive holds a fake nats-server; `sums` is what SHA256SUMS says about it. */
async function serveRelease(t: TestContext, sumOf: (archive: Buffer) => string): Promise<Way> {
  const dir = await tempDir(t);
  await writeFakeServer(join(dir, 'release'), '2.15.1');
  execFileSync('tar', ['-czf', join(dir, 'archive'), '-C', dir, 'release']);
  const archive = await readFile(join(dir, 'archive'));
  const sums = ['linux', 'darwin'].flatMap((os) => ['amd64', 'arm64'].map((arch) => `${sumOf(archive)}  nats-server-v2.15.1-${os}-${arch}.tar.gz\n`)).join('');
  const server = createServer((request, response) => response.end(request.url?.endsWith('SHA256SUMS') ? sums : archive));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return fromRelease(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('versions compare by number, and a pre-release is older than its release', () => {
  const sorted = ['2.9.10', '2.10.27', '2.14.5', '2.14.6-RC.2', '2.14.6-RC.10', '2.14.6', '2.15.1', '10.0.0'];
  assert.deepEqual(sorted.toReversed().toSorted(compareVersions), sorted);
  assert.equal(compareVersions('v2.14.6', '2.14.6'), 0);
});

test('the cache follows XDG_CACHE_HOME', () => {
  assert.equal(defaultCacheDir({ XDG_CACHE_HOME: '/x' }), '/x/keelson');
  assert.match(defaultCacheDir({}), /\/\.cache\/keelson$/);
});

test('a new enough server on PATH is used', async (t) => {
  const dir = await tempDir(t);
  const path = await writeFakeServer(dir, '2.14.6');
  assert.deepEqual(await findNatsServer({ cacheDir: join(dir, 'cache'), log: silent, env: { PATH: dir }, ways: [] }), { path, version: '2.14.6', from: 'PATH' });
});

test('a too old server on PATH is skipped aloud, and the cached one is used', async (t) => {
  const dir = await tempDir(t);
  await writeFakeServer(join(dir, 'bin'), '2.10.27');
  const path = await writeFakeServer(join(dir, 'cache'), '2.15.1');
  const lines: string[] = [];
  const found = await findNatsServer({ cacheDir: join(dir, 'cache'), log: (line) => lines.push(line), env: { PATH: join(dir, 'bin') }, ways: [] });
  assert.deepEqual(found, { path, version: '2.15.1', from: 'cache' });
  assert.match(lines.join('\n'), /bin\/nats-server: version 2\.10\.27 is older than 2\.14\.6/);
});

test('when every way fails, one line says what was tried and why each failed', async (t) => {
  const dir = await tempDir(t);
  await writeFakeServer(join(dir, 'bin'), '2.9.10');
  const offline = (from: Way['from']): Way => ({ from, fetchInto: async () => { throw new Error(`${from} is off`); } });
  const finding = findNatsServer({ cacheDir: join(dir, 'cache'), log: silent, env: { PATH: join(dir, 'bin') }, ways: [offline('release'), offline('debian')] });
  await assert.rejects(finding, (error) => refuse(error, /2\.9\.10 is older.*release: release is off; debian: debian is off/) && !(error as Error).message.includes('\n'));
  assert.deepEqual(await readdir(join(dir, 'cache')), [], 'no lock and no half download stays behind');
});

test('an unreachable release host falls through quickly', async (t) => {
  const started = performance.now();
  const finding = findNatsServer({ cacheDir: await tempDir(t), log: silent, env: noEnv, ways: [fromRelease('http://127.0.0.1:1')] });
  await assert.rejects(finding, (error) => refuse(error, /release: fetch failed/));
  assert.ok(performance.now() - started < 6_000);
});

test('a cache folder that cannot be written is named', async (t) => {
  const dir = await tempDir(t);
  await writeFile(join(dir, 'file'), '');
  await assert.rejects(findNatsServer({ cacheDir: join(dir, 'file', 'cache'), log: silent, env: noEnv, ways: [] }), (error) => refuse(error, /ENOTDIR.*file/));
});

test('the release is unpacked into the cache when its checksum is right', async (t) => {
  const way = await serveRelease(t, sha256);
  const cacheDir = await tempDir(t);
  const path = join(cacheDir, 'nats-server');
  assert.deepEqual(await findNatsServer({ cacheDir, log: silent, env: noEnv, ways: [way] }), { path, version: '2.15.1', from: 'release' });
  assert.deepEqual(await findNatsServer({ cacheDir, log: silent, env: noEnv, ways: [] }), { path, version: '2.15.1', from: 'cache' });
  assert.deepEqual(await readdir(cacheDir), ['nats-server']);
});

test('a release whose checksum does not match is refused and leaves nothing behind', async (t) => {
  const way = await serveRelease(t, () => '0'.repeat(64));
  const cacheDir = await tempDir(t);
  await assert.rejects(findNatsServer({ cacheDir, log: silent, env: noEnv, ways: [way] }), (error) => refuse(error, /checksum of nats-server-v2\.15\.1-.* does not match/));
  assert.deepEqual(await readdir(cacheDir), []);
});

test('of several finders at once one fetches, also past the lock of a dead process', async (t) => {
  const cacheDir = await tempDir(t);
  await writeFile(join(cacheDir, 'nats-server.lock'), '999999999');
  let fetches = 0;
  const way: Way = { from: 'release', fetchInto: (dir) => { fetches++; return writeFakeServer(dir, '2.15.1'); } };
  const found = await Promise.all([1, 2, 3, 4].map(() => findNatsServer({ cacheDir, log: silent, env: noEnv, ways: [way] })));
  assert.deepEqual(found.map(({ from }) => from).toSorted(), ['cache', 'cache', 'cache', 'release']);
  assert.equal(fetches, 1);
});

const isDebian = /^ID="?debian"?$/m.test(await readFile('/etc/os-release', 'utf8').catch(() => ''));

test('a Debian mirror without a signature is refused, also when the machine trusts it, and so is one that is away', { skip: !isDebian }, async (t) => {
  const mirror = createServer((request, response) => {
    response.statusCode = request.url?.endsWith('/Release') ? 200 : 404;
    response.end('Suite: sid\nCodename: sid\nComponents: main\nArchitectures: amd64 arm64\nDate: Mon, 23 Nov 2026 00:00:00 UTC\nSHA256:\n');
  });
  await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve));
  t.after(() => { mirror.closeAllConnections(); mirror.close(); });
  const aptDir = await tempDir(t);
  for (const [port, reason] of [[(mirror.address() as AddressInfo).port, /debian: E: .*not signed/], [1, /debian: E: .*127\.0\.0\.1/]] as const) {
    await writeFile(join(aptDir, 'sources.list'), `deb [trusted=yes] http://127.0.0.1:${port}/debian stable main\n`);
    await assert.rejects(findNatsServer({ cacheDir: await tempDir(t), log: silent, env: noEnv, ways: [fromDebian(aptDir)] }), (error) => refuse(error, reason));
  }
});

test('of apt sources only the Debian entries are taken, in both formats', () => {
  const list = `# a comment
deb [arch=amd64 signed-by=/k.gpg] http://apt.example/debian bookworm main contrib # mirror
deb-src http://apt.example/debian bookworm main
deb [trusted=yes] http://mirror.example/debian stable main
deb http://security.debian.org/debian-security bookworm-security main
deb https://packages.cloud.google.com/apt cloud-sdk-bookworm main
deb https://download.docker.com/linux/debian bookworm stable
`;
  assert.equal(toSid(list, 'bookworm'), 'deb [arch=amd64 signed-by=/k.gpg] http://apt.example/debian sid main\ndeb  http://mirror.example/debian sid main\n');
  const stanzas = `Types: deb deb-src
# snapshot
URIs: http://apt.example/debian
Suites: trixie trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main

Types: deb
URIs: https://node.example/node_20.x
Suites: nodistro
Components: main
`;
  assert.equal(toSid(stanzas, 'trixie'), `Types: deb
URIs: http://apt.example/debian
Suites: sid
Components: main
Signed-By: -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

`);
});
