// An HTTP server on a free port that misbehaves as it is told, and counts connections and requests that it took in whole.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RudeRequest { method: string; path: string; headers: IncomingMessage['headers']; body: string }
export type Manners = (response: ServerResponse, request: RudeRequest) => void;

export interface RudeServer {
  /** http://127.0.0.1:PORT */
  url: string;
  host: string;
  port: number;
  requests: RudeRequest[];
  /** TCP connections so far. */
  connections(): number;
  behave(manners: Manners): void;
  stop(): Promise<void>;
}

/** Listens on every address of this computer, so that whatever leads here by another name is counted too. */
export async function startRude(manners: Manners = (response) => void response.end('ok')): Promise<RudeServer> {
  let current = manners;
  let connections = 0;
  const requests: RudeRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const whole = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
      requests.push(whole);
      current(response, whole);
    });
  });
  server.on('connection', () => void (connections += 1));
  await new Promise<void>((resolve) => void server.listen(0, '::', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, port, requests,
    connections: () => connections,
    behave: (next) => void (current = next),
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
