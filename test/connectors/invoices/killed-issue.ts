// A process that dies when the number is on disk and the document is not.
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#actors/clock.ts';
import type { Action } from '#connectors/connector.ts';
import { createDocuments } from '#connectors/documents.ts';
import { createInvoicesConnector, type InvoiceSettings } from '#connectors/invoices/connector.ts';
import type { Order } from '#machines/invoice.ts';
import { startStore } from '#store/actor.ts';
import { orderOf } from './kit.ts';

const { dataDir, bus, settings } = JSON.parse(process.argv[2]!) as { dataDir: string; bus: { url: string; token: string; company: string }; settings: InvoiceSettings };
const store = await startStore({ dataDir, bus, logFile: join(dataDir, 'store.log'), logLevel: 'warn', permissions: {} });
const [issue] = createInvoicesConnector({ settings, store }).actions as unknown as [Action<Order>];
const documents = createDocuments({ store, clock: systemClock, from: 'connector/invoices' });
const dies: typeof documents = {
  ...documents,
  keep: () => {
    writeSync(1, 'number taken\n');
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  },
};
await issue.commit(orderOf(), { operationId: 'op/killed', documents: dies, signal: new AbortController().signal, nowMs: () => systemClock.now(), reservation: null });
