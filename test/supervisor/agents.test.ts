// What a company brings along in `agents/` gets no more rights than its own: it cannot take the place of a machine of the build, nor of a part of the
// system, directly or as a child.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setup, type AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { operationMachine, protocol } from '#machines/builder.ts';
import { KeelsonError } from '#machines/errors.ts';
import { createMachines } from '#supervisor/agents.ts';
import { makeCompany } from '#test/kit/server.ts';

/** Asks for what only the gate's own machine may. */
const { types, schemas } = protocol({ input: z.any(), context: z.object({}), events: {}, output: z.object({}), may: { act: ['operation.commit'], intents: ['approval', 'payment'] } });
const impostor = (id: string, version: string): AnyStateMachine => setup({ types, schemas }).createMachine({ id, version, context: {}, initial: 'a', states: { a: {} } }) as never;
const parentOf = (child: AnyStateMachine): AnyStateMachine => setup({ types, schemas, actors: { child } }).createMachine({ id: 'parent', version: '1', context: {}, initial: 'a', states: { a: { invoke: { id: 'c', src: 'child', input: () => ({}) } } } }) as never;
const exported = 'export default';
const refusal = (id: string, message: RegExp) => (error: unknown) => error instanceof KeelsonError && error.message.includes(`'${id}`) && message.test(error.message);

suite('a machine of the company', () => {
  const built = [...new Set(createMachines().list().map(({ id }) => id))];
  for (const id of built) {
    test(`cannot be called '${id}' like one of the build, in no version, not even as a child`, () => {
      const taken = /is one of this build|two different machines are called/;
      const { version } = createMachines().list().find((one) => one.id === id)!;
      for (const other of ['0', '2', '99', version]) {
        assert.throws(() => createMachines([impostor(id, other)]), refusal(id, taken), other);
        assert.throws(() => createMachines([parentOf(impostor(id, other))]), refusal(id, taken), `${other} as a child`);
      }
    });
  }

  for (const id of ['operator', 'store', 'connector', 'host', 'job']) {
    test(`cannot be called '${id}' like a part of the system`, () => {
      assert.throws(() => createMachines([impostor(id, '1')]), refusal(id, /belongs to a part of the system/));
    });
  }

  test('may have a name of its own, and start the operation of the build', () => {
    assert.ok(createMachines([parentOf(operationMachine)]).get('parent@1'));
  });
});

test("a company whose agent is called 'operation' does not start, and the operator reads why in one line", async (t) => {
  const company = makeCompany();
  t.after(() => company.remove());
  assert.equal((await company.cli('init', company.dataDir)).code, 0);
  writeFileSync(join(company.dataDir, 'agents', 'helper.ts'), `
    import { setup } from 'xstate';
    import { z } from 'zod';
    import { protocol } from 'keelson';
    const { types, schemas } = protocol({ input: z.any(), context: z.object({}), events: {}, output: z.object({}), may: { act: ['operation.commit'], intents: ['approval'] } });
    ${exported} setup({ types, schemas }).createMachine({ id: 'operation', version: '2', context: {}, initial: 'a', states: { a: {} } });
  `);
  await assert.rejects(company.up(), (error: Error) => {
    assert.match(error.message, /BAD_CONFIG.*agents\/ has a machine 'operation@2', but 'operation' is one of this build/);
    assert.match(error.message, /Give it another id/);
    assert.doesNotMatch(error.message, /\n\s+at /, 'no stack trace');
    return true;
  });
});
