// Run it:  keelson test
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { after } from 'node:test';
import { connectorContract } from 'keelson/testing';
import createParcels from './parcels.ts';

// Stands for the carrier: one label per key. It can lose a reply, and fall silent.
const labels = new Map<string, string>();
let lose = false;
let silent: (() => void) | null = null;
const carrier = createServer((request, response) => {
  if (silent) return silent();
  const key = String(request.headers['idempotency-key']);
  if (!labels.has(key)) labels.set(key, `L${labels.size}`);
  request.resume().once('end', () => {
    if (lose) response.destroy();
    else response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ id: labels.get(key), tracking: 'T-1' }));
    lose = false;
  });
});
await new Promise<void>((resolve) => carrier.listen(0, '127.0.0.1', resolve));
after(() => carrier.close());

const keys = { PARCELS_KEY: 'a-long-key-that-nobody-may-ever-see' };
const connector = createParcels({ url: `http://127.0.0.1:${(carrier.address() as AddressInfo).port}` }, keys);
const to = { name: 'Nina Holt', email: 'nina@holt.example', city: 'Kiel' };

test('the parcels connector keeps the contract', (t) => connectorContract(t, {
  connector, secrets: keys,
  good: { 'parcels.order': { to, grams: 500 } },
  bad: { 'parcels.order': [{ to, grams: 0 }, { to, grams: 500, insured: true }, { to: { ...to, email: 'nobody' }, grams: 500 }] },
  provider: {
    executed: () => labels.size,
    loseNextReply: () => void (lose = true),
    silence() {
      const { promise: reached, resolve } = Promise.withResolvers<void>();
      silent = resolve;
      return { reached, end: () => void (silent = null) };
    },
  },
}));
