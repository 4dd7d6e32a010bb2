// An agent that does one thing that it was asked for, and says what came of it.
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { operationMachine, protocol, records } from '#machines/builder.ts';

const input = z.object({ action: z.string(), payload: z.json() });
const helper = protocol({ input, context: input.extend({ outcome: z.string(), result: z.json() }), events: {}, output: z.object({ outcome: z.string(), result: z.json() }), may: { act: ['files.read', 'files.list', 'files.write', 'web.read', 'calendar.slots', 'calendar.create', 'invoices.issue', 'publish.wordpress'] } });

export const helperMachine = setup({ types: helper.types, schemas: helper.schemas, actions: records, actors: { operation: operationMachine } }).createMachine({
  id: 'helper', version: '1', description: 'Does one thing through the gate.',
  context: ({ input: given }) => ({ ...given, outcome: '', result: null }),
  initial: 'working',
  states: {
    working: {
      invoke: {
        id: 'do', src: 'operation',
        input: ({ context: { action, payload }, self }) => ({ id: self.id.replace('/', '-'), action, payload, summary: `The helper wants: ${action}`, category: null, confidence: null, reasons: [], evidence: [], remindAfterMs: 86_400_000, expireAfterMs: 86_400_000, mode: 'live' as const, origin: null }),
        onDone: { target: 'done', actions: assign({ outcome: ({ event }) => event.output.outcome, result: ({ event }) => event.output.result }) },
        onError: { target: 'done', actions: assign({ outcome: 'error' }) },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context: { outcome, result } }) => ({ outcome, result }),
});
