// What only the machines of a build together can get wrong.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setup } from 'xstate';
import { z } from 'zod';
import { createRegistry } from '#actors/registry.ts';
import { activity } from '#machines/define.ts';
import { loose } from './step-kit.ts';

const work = (name: string, input: z.ZodType = z.any()) => activity({ name, input, output: z.any(), timeoutMs: 1, retry: 'never' });
const user = (id: string, actors: Record<string, ReturnType<typeof work>>, version = '1') => setup({ ...loose('GO'), actors }).createMachine({ id, version, context: {} });

test('two machines may use one activity', () => {
  const ask = work('ask');
  assert.deepEqual(createRegistry([user('a', { ask }), user('b', { ask })]).activities().map(({ name }) => name), ['ask']);
});

for (const [one, two] of [['ask', 'ask'], ['ask.now', 'ask-now']] as const) {
  test(`two different activities '${one}' and '${two}' are refused: one would take the jobs of the other`, () => {
    assert.throws(() => createRegistry([user('a', { one: work(one) }), user('b', { two: work(two, z.string()) })]), { code: 'MACHINE_NOT_DURABLE', message: new RegExp(`'${one}' and '${two}', would share a queue; give one another name`) });
  });
}

test('an older version of a machine may bring its own copy of an activity', () => {
  assert.equal(createRegistry([user('a', { ask: work('ask') }), user('a', { ask: work('ask') }, '2')]).activities().length, 1);
});

test('two different machines under one id and version are refused', () => {
  assert.throws(() => createRegistry([user('a', {}), user('a', { ask: work('ask') })]), { code: 'MACHINE_NOT_DURABLE', message: /two different machines are called 'a@1'; give one another id or version/ });
  assert.equal(createRegistry([user('a', {}), user('a', {}, '2')]).list().length, 2);
});
