// The store's questions on the bus, as a NATS service that tools discover (ADR-32 of nats-architecture-and-design): reads by name,
// one answer each. It has a connection of its own, so that large answers do not stand in the way of messages.
import { headers, type Msg } from 'nats';
import { z } from 'zod';
import { firstIssue, KeelsonError, plainError } from '#machines/errors.ts';
import { limits } from '#machines/message.ts';
import { subjectNames } from './bus-subjects.ts';
import type { Clock } from './clock.ts';
import type { MakeId } from './ids.ts';
import type { Log } from './log.ts';
import { connectNats } from './nats-connection.ts';
import { readJson, writeJson } from './plain-json.ts';

export interface QueryServiceOptions {
  url: string; token: string; company: string;
  /** What may be asked. */
  names: readonly string[];
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
  clock: Clock; makeId: MakeId; log: Log;
}

const name = 'keelson-store';
/** Of what is asked and answered, not of Keelson. */
const version = '1.0.0';
const queue = 'q';

/** Starts answering. Rejects with BUS_DOWN. */
export async function startQueryService({ url, token, company, names, query, clock, makeId, log }: QueryServiceOptions): Promise<{ stop(): Promise<void> }> {
  const nc = await connectNats({ url, token, name: 'store queries' });
  const subject = subjectNames(company).query;
  const requestSchema = z.strictObject({ name: z.enum(names as [string, ...string[]]), args: z.record(z.string(), z.unknown()).default({}) });
  const base = { name, id: makeId(), version, metadata: { company } };
  const started = new Date(clock.now()).toISOString();
  const counted = { num_requests: 0, num_errors: 0, last_error: '', processing_time: 0 };

  const endpoint = { name: 'query', subject, queue_group: queue };
  const about: Record<string, () => object> = {
    PING: () => ({ type: 'io.nats.micro.v1.ping_response', ...base }),
    INFO: () => ({ type: 'io.nats.micro.v1.info_response', ...base, description: 'Named reads of the store', endpoints: [{ ...endpoint, metadata: { names: names.join(' ') } }] }),
    STATS: () => ({ type: 'io.nats.micro.v1.stats_response', ...base, started, endpoints: [{ ...endpoint, ...counted, average_processing_time: Math.trunc(counted.processing_time / Math.max(counted.num_requests, 1)) }] }),
  };
  for (const [verb, describe] of Object.entries(about)) {
    for (const place of [verb, `${verb}.${name}`, `${verb}.${name}.${base.id}`]) nc.subscribe(`$SRV.${place}`, { callback: (error, m) => void (error ?? m.respond(JSON.stringify(describe()))) });
  }

  const ask = async (m: Msg): Promise<string> => {
    const request = requestSchema.safeParse(readJson(m.data));
    if (!request.success) throw new KeelsonError('BAD_ARGUMENT', `the request does not fit: ${firstIssue(request.error)}`, { hint: 'Send JSON, {"name": "status", "args": {}}.' });
    const result = (await query(request.data.name, request.data.args)) ?? null;
    const text = writeJson({ result });
    const bytes = Buffer.byteLength(text);
    if (bytes > limits.bodyBytes) throw new KeelsonError('BAD_ARGUMENT', `the answer has ${bytes} bytes; a message holds ${limits.bodyBytes}`, { hint: 'Ask for a page: a smaller `limit`, then what comes after it.' });
    return text;
  };
  const answer = async (m: Msg): Promise<void> => {
    const from = performance.now();
    counted.num_requests++;
    try {
      m.respond(await ask(m));
    } catch (error) {
      const { code, message } = plainError(error);
      counted.num_errors++;
      counted.last_error = message;
      const h = headers();
      // What the client can put right is 4xx.
      h.set('Nats-Service-Error-Code', error instanceof KeelsonError && error.disposition === 'fail' ? '400' : '500');
      h.set('Nats-Service-Error', message.replaceAll(/[\r\n]+/g, ' '));
      m.respond(JSON.stringify({ error: { code, message, hint: error instanceof KeelsonError ? error.hint : '' } }), { headers: h });
    } finally {
      counted.processing_time += Math.round((performance.now() - from) * 1e6);
    }
  };
  nc.subscribe(subject, {
    queue,
    callback(error, m) {
      if (!error) answer(m).catch((reason: unknown) => log.warn(plainError(reason), 'an answer could not be sent'));
    },
  });
  await nc.flush();
  return { stop: async () => { if (!nc.isClosed()) await nc.drain(); } };
}
