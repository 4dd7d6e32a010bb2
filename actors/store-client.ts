// The store as a process without one sees it: each call is a request on the bus. No answer means that nobody knows: the caller asks
// again with the same commit, and the store says `duplicate` when the first try was written.
import { createInbox } from 'nats';
import type { Commit, Committed } from '#machines/commit.ts';
import { codes, KeelsonError, type Code } from '#machines/errors.ts';
import { subjectNames } from './bus-subjects.ts';
import type { Clock } from './clock.ts';
import { connectNats } from './nats-connection.ts';
import { createJoin, packJson, sendParts, unpackJson, type StoreAnswer, type StoreCall } from './store-wire.ts';
import type { StorePort } from './store-port.ts';

export interface StoreClient extends StorePort { close(): Promise<void> }
export interface StoreClientOptions {
  url: string; token: string; company: string; name: string; clock: Clock;
  /** Called when the database went back to another past: what this process remembers may never have happened. */
  onOtherPast(error: KeelsonError): void;
}

type Ask = StoreCall extends infer C ? (C extends StoreCall ? Omit<C, 'past'> : never) : never;

const answerMs = 5_000;
/** Large calls get more time. */
const bytesPerMs = 5_000;
const noResponders = 503;

/** Rejects with BUS_DOWN when there is no bus, with STORE_FAILED or TIMEOUT when no store answers there. */
export async function connectStore({ url, token, company, name, clock, onOtherPast }: StoreClientOptions): Promise<StoreClient> {
  const nc = await connectNats({ url, token, name });
  const { storeCall } = subjectNames(company);
  const inbox = createInbox();
  const waiting = new Map<string, (answer: StoreAnswer) => void>();
  const join = createJoin();
  let past: string | null = null;
  let n = 0;

  nc.subscribe(`${inbox}.*`, {
    callback(error, m) {
      if (error) return;
      const call = m.subject.slice(inbox.length + 1);
      if (m.headers?.code === noResponders) return waiting.get(call)?.({ error: { code: 'STORE_FAILED', message: 'the server that owns the store is away', hint: 'Work goes on when it is back.' } });
      const bytes = join(m);
      if (bytes) waiting.get(call)?.(unpackJson(bytes) as StoreAnswer);
    },
  });

  const ask = (request: Ask): Promise<unknown> => new Promise((resolve, reject) => {
    const call = `${++n}`;
    const bytes = packJson({ ...request, past });
    const timeoutMs = answerMs + bytes.length / bytesPerMs;
    const cancel = clock.after(timeoutMs, () => {
      waiting.delete(call);
      reject(new KeelsonError('TIMEOUT', `the store did not answer within ${Math.round(timeoutMs)} ms`));
    });
    waiting.set(call, (answer) => {
      cancel();
      waiting.delete(call);
      if (!('error' in answer)) return resolve(answer.result);
      const error = fromPlain(answer.error);
      if (error.code === 'STALE_EPOCH') onOtherPast(error);
      reject(error);
    });
    sendParts(nc, storeCall, `${inbox}.${call}`, bytes, `${inbox}.${call}`);
  });

  try {
    past = (await ask({ op: 'past' })) as string;
  } catch (error) {
    await nc.close();
    throw error;
  }
  return {
    commit: async (commit: Commit) => (await ask({ op: 'commit', commit })) as Committed,
    load: async (address) => (await ask({ op: 'query', name: 'record', args: { address } })) as string | null,
    query: (name_, args) => ask({ op: 'query', name: name_, args }),
    async close() {
      if (!nc.isClosed()) await nc.close();
    },
  };
}

function fromPlain({ code, message, hint }: { code: string; message: string; hint?: string }): KeelsonError {
  return Object.hasOwn(codes, code) ? new KeelsonError(code as Code, message, hint === undefined ? {} : { hint }) : new KeelsonError('STORE_FAILED', `${code}: ${message}`);
}
