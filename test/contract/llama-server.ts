// llama.cpp's server, from Debian unstable, without root and without touching the system: apt checks the signatures, dpkg only unpacks, and
// it runs on the libraries it came with. Kept in the cache beside nats-server.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '#actors/clock.ts';
import { defaultCacheDir, toSid } from '#supervisor/nats-binary.ts';
import { freePort } from '#test/kit/free-port.ts';
import { writeRandomModel } from './llama-model.ts';
import type { RunningModel } from './model.ts';

const run = promisify(execFile);
const aptDir = '/etc/apt';
const fetchMsMax = 300_000;
const startMsMax = 60_000;
/** Runs on any processor of the last fifteen years. */
const backends = ['libggml-cpu-sse42.so', 'libggml-cpu-x64.so', 'libggml-cpu-armv8.0_1.so'];

/** The folder with what the packages hold; fetched once. Throws with the reason when it cannot be had. */
async function findLlama(): Promise<string> {
  const kept = join(defaultCacheDir(), 'llama');
  if (existsSync(join(kept, 'usr/bin/llama-server'))) return kept;
  await mkdir(defaultCacheDir(), { recursive: true });
  const dir = await mkdtemp(join(defaultCacheDir(), 'llama-'));
  try {
    const system = await readFile('/etc/os-release', 'utf8').catch(() => '');
    if (!/^ID="?debian"?$/m.test(system)) throw new Error('llama.cpp is fetched on Debian only');
    const codename = /^VERSION_CODENAME="?(\w+)/m.exec(system)?.[1] ?? 'sid';
    for (const name of ['parts', 'lists/partial', 'cache/archives/partial', 'root']) await mkdir(join(dir, name), { recursive: true });
    const files = ['sources.list', ...(await readdir(join(aptDir, 'sources.list.d')).catch(() => [])).map((name) => join('sources.list.d', name))];
    for (const [n, name] of files.filter((file) => /\.(list|sources)$/.test(file)).entries()) {
      const text = toSid(await readFile(join(aptDir, name), 'utf8').catch(() => ''), codename);
      if (text) await writeFile(join(dir, 'parts', `${n}.${name.split('.').at(-1)}`), text);
    }
    await writeFile(join(dir, 'status'), ''); // as if nothing were installed, so that all it needs comes along
    await writeFile(join(dir, 'apt.conf'), 'Dir::Etc::SourceList "/dev/null"; Dir::Etc::SourceParts "./parts"; Dir::State::Lists "./lists"; Dir::State::status "./status"; Dir::Cache "./cache"; Acquire::Languages "none"; Acquire::http::Timeout "10";\n#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n');
    const apt = (...args: string[]) => run('apt-get', ['-q', '-y', '-c', 'apt.conf', '-o', 'Debug::NoLocking=1', ...args], { cwd: dir, timeout: fetchMsMax, env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 10_000_000 });
    await apt('update');
    await apt('--no-install-recommends', '--download-only', 'install', 'llama.cpp-tools');
    for (const deb of await readdir(join(dir, 'cache/archives'))) if (deb.endsWith('.deb')) await run('dpkg', ['-x', join('cache/archives', deb), 'root'], { cwd: dir });
    await rename(join(dir, 'root'), kept).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error; // another process was faster
    });
    return kept;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** With a model of random weights; ready when it answers. */
export async function startLlama(): Promise<RunningModel> {
  const root = await findLlama();
  const [loader] = globSync('usr/lib*/**/ld-linux-*.so.*', { cwd: root });
  const [libraries] = globSync('usr/lib/*-linux-gnu', { cwd: root });
  const backend = backends.map((name) => join(root, libraries ?? '', 'ggml/backends0', name)).find((path) => existsSync(path));
  if (loader === undefined || libraries === undefined || backend === undefined) throw new Error(`${root} does not hold what llama-server needs`);
  const dir = await mkdtemp(join(tmpdir(), 'keelson-llama-'));
  const file = join(dir, 'random.gguf');
  writeRandomModel(file);
  const port = await freePort();
  const path = join(root, libraries);
  const server = spawn(join(root, loader), ['--library-path', `${path}:${join(path, 'llama')}`, join(root, 'usr/bin/llama-server'), '-m', file, '--alias', 'random', '--host', '127.0.0.1', '--port', String(port),
    '-c', '16384', '-np', '2', '-t', '1', '--seed', '1', '--embeddings', '--pooling', 'mean'], { env: { GGML_BACKEND_PATH: backend }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2_000)));
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
    await rm(dir, { recursive: true, force: true });
  };
  for (const end = Date.now() + startMsMax; ;) {
    if (await fetch(`${url}/health`).then(({ ok }) => ok, () => false)) return { url, model: 'random', stop };
    if (server.exitCode !== null || Date.now() > end) {
      await stop();
      throw new Error(`llama-server did not start: ${said}`);
    }
    await systemClock.sleep(50);
  }
}
