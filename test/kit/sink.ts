// Stands at every address an attacker could name: counts who comes and what is said, and answers nothing.
import { createServer, type AddressInfo } from 'node:net';

export interface Sink { port: number; connections: number; bytes: number; stop(): Promise<void> }

export async function startSink(): Promise<Sink> {
  const open = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sink.connections += 1;
    open.add(socket);
    socket.on('data', (chunk) => (sink.bytes += chunk.length)).on('error', () => {}).on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const sink: Sink = {
    port: (server.address() as AddressInfo).port, connections: 0, bytes: 0,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    }),
  };
  return sink;
}
