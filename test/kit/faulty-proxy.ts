// Stands between a client and a real HTTP server and does what networks and servers do to each other: a reply lost after the request
// was executed, a 500 after executing, silence, an endless reply. One fault, for the next request of a method, or as long as set.
import { createServer, request as requestHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  /** Executed; the connection ends without a reply. */
  | { kind: 'lose-reply' }
  /** Executed; the reply says otherwise. */
  | { kind: 'answer-after'; status: number }
  /** Not executed. */
  | { kind: 'answer'; status: number; headers?: Record<string, string>; body?: string }
  /** Not executed, never answered. */
  | { kind: 'silence' }
  /** Not executed; a reply of so many bytes. */
  | { kind: 'flood'; bytes: number }
  /** Executed; after so many bytes of its reply nothing more comes, or the connection is torn. */
  | { kind: 'half'; bytes: number; ends: 'silence' | 'tear' };

export interface FaultyProxy {
  url: string;
  /** Requests that changed something at the server, by their status. */
  writes(): number;
  /** The next request whose method fits meets the fault; `reached` settles then. */
  once(method: RegExp, fault: Fault): Promise<void>;
  always(fault: Fault | null): Promise<void>;
  stop(): Promise<void>;
}

const changing = /^(PUT|POST|DELETE|PATCH)$/;

/** `target`: http://127.0.0.1:PORT. `isWrite` says which successful requests count as a change; by default all that write. */
export async function startFaultyProxy(target: string, isWrite: (request: IncomingMessage, body: string) => boolean = ({ method = '' }) => changing.test(method)): Promise<FaultyProxy> {
  let writes = 0;
  let next: { method: RegExp; fault: Fault; reached(): void } | null = null;
  let standing: { fault: Fault; reached(): void } | null = null;

  const server = createServer((request, response) => {
    const hit = next?.method.test(request.method ?? '') ? next : standing;
    if (hit !== null && hit === next) next = null;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      hit?.reached();
      const body = Buffer.concat(chunks);
      if (hit?.fault.kind === 'answer') return void response.writeHead(hit.fault.status, hit.fault.headers).end(hit.fault.body ?? '');
      if (hit?.fault.kind === 'silence') return;
      if (hit?.fault.kind === 'flood') return flood(response, hit.fault.bytes);
      forward(request, body, response, hit?.fault ?? null);
    });
  });

  const forward = (request: IncomingMessage, body: Buffer, response: ServerResponse, fault: Fault | null) => {
    const onward = requestHttp(new URL(request.url ?? '/', target), { method: request.method, headers: { ...request.headers, host: new URL(target).host }, agent: false }, (reply) => {
      const status = reply.statusCode ?? 500;
      if (status < 300 && isWrite(request, body.toString())) writes += 1;
      if (fault === null) {
        response.writeHead(status, reply.headers);
        reply.pipe(response);
        return;
      }
      if (fault.kind === 'half') return half(reply, response, fault);
      reply.resume().once('end', () => {
        if (fault.kind === 'answer-after') response.writeHead(fault.status).end();
        else response.socket?.destroy();
      });
    });
    onward.once('error', () => response.socket?.destroy());
    onward.end(body);
  };

  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    writes: () => writes,
    once: (method, fault) => new Promise((reached) => void (next = { method, fault, reached })),
    always: (fault) => new Promise((reached) => {
      standing = fault === null ? null : { fault, reached };
      if (fault === null) reached();
    }),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

/** What a reply has more than this is never heard. */
function half(reply: IncomingMessage, response: ServerResponse, { bytes, ends }: { bytes: number; ends: 'silence' | 'tear' }): void {
  let left = bytes;
  response.writeHead(reply.statusCode ?? 500, reply.headers);
  reply.on('error', () => undefined).on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    const piece = chunk.subarray(0, left);
    left -= piece.length;
    response.write(piece, () => {
      if (left <= 0 && ends === 'tear') response.socket?.destroy();
    });
  });
}

function flood(response: ServerResponse, bytes: number): void {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let left = bytes;
  response.writeHead(200, { 'content-type': 'text/xml' });
  const write = () => {
    while (left > 0 && !response.destroyed) {
      left -= chunk.length;
      if (!response.write(chunk)) return;
    }
    response.end();
  };
  response.on('drain', write).on('error', () => undefined);
  write();
}
