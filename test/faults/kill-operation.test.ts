// Goal: wherever the process is killed between `prepared` and `done`, and whatever the provider does meanwhile, money is taken at most
// once, and what nobody can tell is shown as unknown. Method: a chain of processes on one company; each brings the charge of the one
// before to an end, then kills itself at a chosen point of its own. KEELSON_TEST_ROUNDS=10 runs every mode at every point ten times.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { openDatabase } from '#store/database.ts';
import { withNats } from '#test/kit/nats.ts';
import { randomFrom } from '#test/kit/random.ts';
import { startStripe, type StripeMode } from '#test/kit/stripe.ts';
import { points, type Point, type RunnerOptions } from './operation-points.ts';

const rounds = Number(process.env['KEELSON_TEST_ROUNDS'] ?? 0);
const seed = Number(process.env['KEELSON_TEST_SEED'] ?? 20_261_123);
const random = randomFrom(seed);
const modes: StripeMode[] = ['normal', 'execute-then-drop', 'execute-then-500', 'slow', 'key-expired', 'no-key'];
const all = modes.flatMap((mode) => points.map((point) => ({ mode, point })));
/** Without rounds: each point once, with the modes in turn. */
const plan = rounds > 0 ? Array.from({ length: rounds }, () => all).flat() : points.map((point, i) => ({ mode: modes[i % modes.length]!, point }));

test(`killed at ${plan.length} points between prepared and done, no charge is made twice and every doubt is shown (seed ${seed})`, async (t) => {
  const nats = await withNats();
  t.after(() => nats.stop());
  const stripe = await startStripe();
  t.after(() => stripe.stop());
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-kill-operation-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const store = { dataDir, bus: { url: nats.url, token: nats.token, company: 'test' }, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null, triggers: [] };

  const run = async (options: Partial<RunnerOptions>) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'operation-runner.ts'), JSON.stringify({ store, apiUrl: stripe.apiUrl, secretKey: stripe.secretKey, settle: [], start: null, killAt: null, inCallMs: 1 + random.int(40), ...options })], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    assert.ok(signal === 'SIGKILL' || code === 0, `the process ended with ${code ?? signal}: ${said}`);
    return { killed: signal === 'SIGKILL', settled: new Map(said.split('\n').filter((line) => line.startsWith('settled ')).map((line) => line.split(' ').slice(1) as [string, string])) };
  };

  const ends: Record<string, number> = {};
  const killed: Record<string, number> = {};
  const judge = (address: string, state: string | undefined, where: string) => {
    const taken = stripe.executed.filter(({ what, operation }) => what === 'capture' && operation === address).length;
    ends[state ?? 'never heard of'] = (ends[state ?? 'never heard of'] ?? 0) + 1;
    assert.ok(taken <= 1, `${where}: taken ${taken} times, ${state}`);
    if (state === 'done') assert.equal(taken, 1, `${where}: done, but nothing was taken`);
    if (state === 'failed') assert.equal(taken, 0, `${where}: failed, but money was taken`);
    assert.ok(['done', 'failed', 'unknown', 'undefined', undefined].includes(state), `${where}: ${state}`);
  };

  let before: { address: string; where: string } | null = null;
  for (const [i, { mode, point }] of plan.entries()) {
    const address = `operation/charge-${i}`;
    const where = `killed ${point}, Stripe ${mode}`;
    // What is left of the last one is settled with a provider that works again; its keys may be gone.
    if (before) {
      const { settled } = await run({ settle: [before.address] });
      judge(before.address, settled.get(before.address), before.where);
    }
    stripe.mode(mode, mode === 'slow' ? { answerAfterMs: 60 } : mode.startsWith('execute') ? { times: 1 + random.int(2) } : {});
    const { killed: wasKilled, settled } = await run({ start: address, killAt: point as Point });
    stripe.mode(mode === 'key-expired' || mode === 'no-key' ? mode : 'normal');
    if (wasKilled) killed[point] = (killed[point] ?? 0) + 1;
    else judge(address, settled.get(address), `not ${where}`);
    before = wasKilled ? { address, where } : null;
  }
  if (before) judge(before.address, (await run({ settle: [before.address] })).settled.get(before.address), before.where);

  const database = await openDatabase(join(dataDir, 'keelson.db'), { readOnly: true });
  const doubts = await database.all<{ address: string; asked: number }>("SELECT address, (SELECT count(*) FROM intent WHERE actor = actor.address AND kind = 'escalation' AND state = 'input-required') AS asked FROM actor WHERE value = '\"unknown\"'");
  await database.close();
  for (const { address, asked } of doubts) assert.equal(asked, 1, `${address} is unknown, and nobody was asked`);
  t.diagnostic(JSON.stringify({ ends, killed, taken: stripe.executed.length }));
  for (const point of points) assert.ok((killed[point] ?? 0) > 0 || rounds === 0, `never killed ${point}`);
  assert.ok(Object.values(killed).reduce((sum, n) => sum + n, 0) > plan.length / 2, 'most processes must have been killed');
});
