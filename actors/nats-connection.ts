// One way to connect: whoever holds a connection gets it back by itself, for ever.
import { connect, type NatsConnection } from 'nats';
import { KeelsonError } from '#machines/errors.ts';

/** Rejects with BUS_DOWN when nobody answers now. */
export function connectNats({ url, token, name }: { url: string; token: string; name: string }): Promise<NatsConnection> {
  return connect({ servers: url, token, name, noAsyncTraces: true, maxReconnectAttempts: -1, reconnectTimeWait: 250 }).catch((cause: Error) => {
    throw new KeelsonError('BUS_DOWN', `no answer from nats-server at ${url}: ${cause.message}`, { cause });
  });
}
