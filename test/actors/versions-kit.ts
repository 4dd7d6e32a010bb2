// One machine in several versions: an order that is packed, waits for its payment, and is done.
import { assign, setup, type AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { activity, type Protocol } from '#machines/define.ts';
import { loose } from './step-kit.ts';

const label = (name: string) => activity({ name, input: z.any(), output: z.any(), timeoutMs: 5_000, retry: 'never' });
const helper = setup({ ...loose('ASK') }).createMachine({ id: 'helper', version: '1', initial: 'on', context: {}, states: { on: {} } });

/** `undefined` takes away. */
interface Shape {
  version?: string;
  more?: Partial<Protocol>;
  states?: object;
  actors?: object;
  context?: object;
  /** Events the machine takes beside PAY, PACK, NOTE and BACK. */
  on?: object;
  waitMs?: number;
}

/** `open` has a deadline, `packing` an activity and a child machine, `shelf` has regions, `past` remembers. */
export function order({ version = '1', more = {}, states = {}, actors = {}, context = { n: 0 }, on = {}, waitMs = 60_000 }: Shape = {}): AnyStateMachine {
  return setup({ ...loose('PAY PACK NOTE BACK SHELVE TICK', more), actors: given({ print: label('label.print'), helper, ...actors }), delays: { patience: () => waitMs } }).createMachine({
    id: 'order',
    version,
    initial: 'open',
    context,
    on: { NOTE: { actions: assign({ n: ({ context: before }: any) => before.n + 1 }) }, ...on },
    states: given({
      open: { after: { patience: 'late' }, on: { PACK: 'packing' in states && !states.packing ? 'late' : 'packing', SHELVE: 'shelf', PAY: 'paid' } },
      packing: { invoke: [{ id: 'label', src: 'print' }, { id: 'help', src: 'helper' }], on: { BACK: 'open' } },
      shelf: { type: 'parallel', states: { left: { initial: 'low', states: { low: {}, high: {}, past: { type: 'history' } } }, right: {} }, on: { BACK: 'open' } },
      late: {},
      paid: { type: 'final' },
      ...states,
    }),
  } as never) as never;
}

const given = (entries: object) => Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as never;
