// What the tests of the mail connector share: documents in memory, and servers whose reply can be lost on the way.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { sha256 } from '#actors/hash.ts';
import type { Action, Call, Connector } from '#connectors/connector.ts';
import type { Documents } from '#connectors/documents.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { OutgoingMail } from '#machines/mail.ts';

export const own = 'mara@studio-voss.example';
export const draft: OutgoingMail = {
  from: { address: own, name: 'Mara Voss' }, to: { address: 'Nina@holt.example', name: 'Nina Holt' },
  subject: 'Re: Angebot 12', text: 'Hallo Nina,\n\nim Anhang.\nMara\n', inReplyTo: '<1@holt.example>', references: ['<1@holt.example>'], expected: ['nina@holt.example'],
};

interface Kept { name: string; mediaType: string; bytes: Uint8Array }
export const pdf = { name: 'invoice-12.pdf', mediaType: 'application/pdf', bytes: Buffer.from('%PDF-1.7 of invoice 12') };

/** By artifact id; `read` answers whatever hash is asked for, so that a test can lie. */
export const documentsOf = (kept: Record<string, Kept>): Documents => ({
  async read(artifact) {
    const found = kept[artifact];
    if (!found) throw new KeelsonError('NOT_FOUND', `there is no document '${artifact}'`);
    return { artifact, ...found, hash: sha256(found.bytes), sizeBytes: found.bytes.length };
  },
  keep: () => Promise.reject(new Error('the mail connector keeps nothing')),
});

export const actionOf = (connector: Connector, name: string) => connector.actions.find((one) => one.name === name) as unknown as Action<OutgoingMail>;

export const callOf = (operationId: string, over: Partial<Call> = {}): Call & { reservation: null } =>
  ({ operationId, documents: documentsOf({ 'doc/invoice-12': pdf }), signal: new AbortController().signal, nowMs: () => Date.UTC(2026, 10, 23, 10), reservation: null, ...over });

export function folderIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-mail-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'outbox');
}

export interface Wire { port: number; loseNext(reply: RegExp, onLost?: () => void): void; loseNothing(): void; silence(): { reached: Promise<void>; end(): void }; stop(): Promise<void> }

/** Stands between client and server: it can cut the connection where a certain reply would have come, or carry nothing at all. */
export async function startWire(serverPort: number): Promise<Wire> {
  let lose: RegExp | null = null;
  let onLost = (): void => undefined;
  let silent: (() => void) | null = null;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    if (silent) return silent();
    const upstream = connect(serverPort, '127.0.0.1');
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    client.on('data', (chunk) => upstream.write(chunk));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    upstream.on('data', (chunk) => {
      if (lose?.test(chunk.toString('latin1'))) {
        lose = null;
        onLost();
        client.destroy();
      } else client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const end = () => {
    silent = null;
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    port: (server.address() as AddressInfo).port,
    loseNext(reply, lost = () => undefined) { lose = reply; onLost = lost; },
    loseNothing() { lose = null; },
    silence: () => ({ reached: new Promise((resolve) => { silent = resolve; }), end }),
    stop: () => { end(); return new Promise((resolve) => { server.close(() => resolve()); }); },
  };
}
