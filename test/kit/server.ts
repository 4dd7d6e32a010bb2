// The real thing in a child process: `keelson up` on a temporary company, driven by the CLI, killed when a test says so.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cliFile = fileURLToPath(import.meta.resolve('#supervisor/cli.ts'));

export interface Run { code: number | null; stdout: string; stderr: string }

/** Runs one CLI command to its end. */
export function runCli(args: string[], env: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cliFile, ...args], { env: { ...process.env, ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

export interface Company {
  dataDir: string;
  /** Starts the server; resolves when it is ready. `args`: more for `keelson up`. */
  up(env?: Record<string, string>, args?: readonly string[]): Promise<{ pid: number; api: string; nats: string }>;
  /** kill -9, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the clean end. */
  down(): Promise<number | null>;
  cli(...args: string[]): Promise<Run>;
  /** Runs a command with --json and parses what it prints; fails loudly when it does not succeed. */
  json<T>(...args: string[]): Promise<T>;
  until<T>(what: string, timeoutMs: number, test: () => Promise<T | null | undefined | false>): Promise<T>;
  remove(): Promise<void>;
}

export function makeCompany(): Company {
  const root = mkdtempSync(join(tmpdir(), 'keelson-company-'));
  const dataDir = join(root, 'company');
  let server: ChildProcess | null = null;
  const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => (child.exitCode !== null || child.signalCode !== null ? resolve(child.exitCode) : child.once('exit', (code) => resolve(code))));
  const company: Company = {
    dataDir,
    up: (env = {}, args = []) => new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [cliFile, 'up', '--json', '--data', dataDir, ...args], { env: { ...process.env, ...env } });
      server = child;
      let stdout = '';
      let stderr = '';
      child.stderr.on('data', (chunk) => (stderr += chunk));
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
        if (stdout.includes('\n')) resolve(JSON.parse(stdout.slice(0, stdout.indexOf('\n'))) as never);
      });
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${stderr}`)));
    }),
    async kill() {
      const child = server!;
      child.kill('SIGKILL');
      await ended(child);
    },
    async down() {
      const child = server!;
      child.kill('SIGTERM');
      return ended(child);
    },
    cli: (...args) => runCli([...args, '--data', dataDir]),
    async json<T>(...args: string[]) {
      const { code, stdout, stderr } = await company.cli(...args, '--json');
      if (code !== 0 || stdout === '') throw new Error(`keelson ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
      return JSON.parse(stdout) as T;
    },
    async until(what, timeoutMs, test) {
      const end = Date.now() + timeoutMs;
      for (;;) {
        const began = Date.now();
        const answer = await test();
        if (answer) return answer;
        if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for: ${what}`);
        // A look that takes long is not repeated at once: it would slow down what it waits for.
        await new Promise((done) => setTimeout(done, Math.max(50, Date.now() - began)));
      }
    },
    async remove() {
      if (server && server.exitCode === null && server.signalCode === null) await company.kill();
      rmSync(root, { recursive: true, force: true });
    },
  };
  return company;
}

/** A small seeded generator, so that a failing run can be run again. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
