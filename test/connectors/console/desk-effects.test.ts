// The kill switch at the desk, with a store that answers as it is told: however many operations wait, each is woken, in commits that a
// store takes; and nobody is woken while effects are stopped.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createEffects } from '#connectors/console/desk-effects.ts';
import type { Commands } from '#connectors/console/desk-commands.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Commit } from '#machines/commit.ts';

function makeDesk(count: number) {
  const outside = { state: 'stopped' };
  const written: Partial<Commit>[] = [];
  const rows = (from: string, n: number) => Array.from({ length: n }, (_, i) => ({ address: `operation/${from}-${i}`, value: from }));
  const answers: Record<string, unknown> = { halted: rows('halted', count), leaving: [...rows('leaving', 2), ...rows('halted', 1)], onTheirWay: [...rows('dispatching', 2), ...rows('unknown', 3)] };
  const store = { query: async (name: string) => (name === 'effects' ? { state: outside.state, reason: 'a test', sinceMs: 5, dryRun: false } : answers[name]) } as unknown as StorePort;
  const commands = { write: async (_: string, __: unknown, parts: Partial<Commit>) => {
    for (const { value } of parts.facts ?? []) outside.state = (value as { state: string }).state;
    return written.push(parts);
  } } as unknown as Commands;
  let made = 0;
  return { written, effects: createEffects({ store, commands, makeId: () => `id-${++made}` }) };
}

test('1,700 halted operations and those the gate looks at now, one of them halted when it was first asked, are woken once each, after the word that lifts it', async () => {
  const { written, effects } = makeDesk(1_700);
  assert.equal((await effects.resume({ reason: '' })).state, 'running');
  assert.deepEqual(written[0]!.facts!.map(({ predicate, label }) => [predicate, label]), [['company.effects', 'operator']]);
  const sends = written.flatMap((parts) => parts.sends ?? []);
  assert.deepEqual([sends.length, new Set(sends.map(({ to }) => to)).size, new Set(sends.map(({ id }) => id)).size], [1_702, 1_702, 1_702]);
  assert.ok(written.every((parts) => (parts.sends?.length ?? 0) <= 500));
  assert.ok(sends.every(({ from, body }) => from === 'operator/desk' && body.kind === 'event' && body.event.type === 'EFFECTS_RESUMED'));
});

test('a stop names what may have begun, without what is unknown anyway, and a start wakes nobody while it holds', async () => {
  const { written, effects } = makeDesk(3);
  const { onTheirWay, halted, reason, sinceMs } = await effects.stop({ reason: 'a test' });
  assert.deepEqual([onTheirWay, halted, reason, sinceMs], [['operation/dispatching-0', 'operation/dispatching-1'], 3, 'a test', 5]);
  await effects.wake();
  assert.equal(written.length, 1);
});
