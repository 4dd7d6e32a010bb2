// Goal: wherever the process is killed between `prepared` and `done`, and whatever the provider does meanwhile, money is taken at most
// once, and what nobody can tell is shown as unknown. Method: processes with a dozen charges each; one of them kills the process at a chosen
// point, the others are wherever they are then; the next process brings them to an end. With KEELSON_TEST_EACH=10 it goes on until every
// point was met ten times under every way in which the provider behaves.
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

const each = Number(process.env['KEELSON_TEST_EACH'] ?? 0);
const seed = Number(process.env['KEELSON_TEST_SEED'] ?? 20_261_123);
const chargesAtOnce = 12;
/** Enough for the rarest point; a hang must not go on for ever. */
const roundsMax = each === 0 ? 6 : 600;
const modes: StripeMode[] = ['normal', 'execute-then-drop', 'execute-then-500', 'slow', 'key-expired', 'no-key'];

test(`killed anywhere between prepared and done, no charge is made twice and every doubt is shown (seed ${seed})`, async (t) => {
  const random = randomFrom(seed);
  const nats = await withNats();
  t.after(() => nats.stop());
  const stripe = await startStripe();
  t.after(() => stripe.stop());
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-kill-operation-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const store = { dataDir, bus: { url: nats.url, token: nats.token, company: 'test' }, logFile: join(dataDir, 'store.log'), logLevel: 'info', permissions: null, triggers: [] };

  const run = async (options: Partial<RunnerOptions>) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'operation-runner.ts'), JSON.stringify({ store, apiUrl: stripe.apiUrl, secretKey: stripe.secretKey, settle: [], start: [], killAt: null, inCallMs: 1 + random.int(30), ...options })], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    assert.ok(signal === 'SIGKILL' || code === 0, `the process ended with ${code ?? signal}: ${said.slice(-500)}`);
    const lines = said.split('\n').map((line) => /^(settled|at) (\S+) (.*)$/.exec(line)).filter((line) => line !== null);
    const of = (what: string) => new Map(lines.filter(([, is]) => is === what).map(([, , address, rest]) => [address!, rest!]));
    return { killed: signal === 'SIGKILL', settled: of('settled'), at: of('at') };
  };

  const ends: Record<string, number> = {};
  const met = new Map(modes.flatMap((mode) => points.map((point) => [`${mode}, ${point}`, 0])));
  const judge = (address: string, state: string | undefined, where: string) => {
    const taken = stripe.executed.filter(({ what, operation }) => what === 'capture' && operation === address).length;
    ends[state ?? 'never begun'] = (ends[state ?? 'never begun'] ?? 0) + 1;
    assert.ok(taken <= 1, `${where}: taken ${taken} times, ${state}`);
    if (state === 'done') assert.equal(taken, 1, `${where}: done, but nothing was taken`);
    if (state === 'failed') assert.equal(taken, 0, `${where}: failed, but money was taken`);
    assert.ok(['done', 'failed', 'unknown', 'undefined'].includes(state ?? 'undefined'), `${where}: ${state}`);
  };

  let round = 0;
  const goesOn = () => round < roundsMax && (each === 0 || Math.min(...met.values()) < each);
  for (; goesOn(); round++) {
    // What was met least comes next.
    const wanted = [...met].toSorted(([, a], [, b]) => a - b)[each === 0 ? round * 16 + random.int(16) : 0]![0];
    const [mode, point] = wanted.split(', ') as [StripeMode, Point];
    const start = Array.from({ length: chargesAtOnce }, (_, i) => `operation/charge-${round}-${i}`);
    stripe.mode(mode, mode === 'slow' ? { answerAfterMs: 40 } : {});
    const { killed, settled, at } = await run({ start, killAt: { address: random.pick(start), point } });
    stripe.mode(mode === 'key-expired' || mode === 'no-key' ? mode : 'normal');
    const open = start.filter((address) => !settled.has(address));
    if (killed) for (const address of open) if (at.has(address)) met.set(`${mode}, ${at.get(address)!}`, met.get(`${mode}, ${at.get(address)!}`)! + 1);
    for (const [address, state] of settled) judge(address, state, `not killed, Stripe ${mode}`);
    const after = await run({ settle: open });
    if (each > 0 && round % 10 === 9) process.stderr.write(`${round + 1} rounds, the rarest point was met ${Math.min(...met.values())} times\n`);
    for (const address of open) judge(address, after.settled.get(address), `killed ${at.get(address) ?? 'before it began'}, Stripe ${mode}`);
  }

  const database = await openDatabase(join(dataDir, 'keelson.db'), { readOnly: true });
  const doubts = await database.all<{ address: string; asked: number }>("SELECT address, (SELECT count(*) FROM intent WHERE actor = actor.address AND kind = 'escalation' AND state = 'input-required') AS asked FROM actor WHERE value = '\"unknown\"'");
  await database.close();
  for (const { address, asked } of doubts) assert.equal(asked, 1, `${address} is unknown, and nobody was asked`);
  const kills = [...met.values()].reduce((sum, n) => sum + n, 0);
  t.diagnostic(JSON.stringify({ rounds: round, charges: round * chargesAtOnce, kills, leastMet: Math.min(...met.values()), ends, taken: stripe.executed.length }));
  assert.ok(kills > round, 'more than one charge must have been under way at each kill');
  if (each > 0) for (const [what, n] of met) assert.ok(n >= each, `${what} was met ${n} times only`);
});
