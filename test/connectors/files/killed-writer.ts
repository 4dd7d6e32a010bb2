// Replaces one file again and again until it is killed: `killed-writer.ts ROOT DATA DOCUMENTS`. Says the number of each operation
// before it begins.
import { writeSync } from 'node:fs';
import type { Action } from '#connectors/connector.ts';
import { createFilesConnector } from '#connectors/files/connector.ts';
import { folderDocuments } from './folder-documents.ts';

const [folder, dataDir, documents] = process.argv.slice(2) as [string, string, string];
const connector = createFilesConnector({ roots: [{ name: 'work', folder, write: true }] }, { dataDir });
const write = connector.actions.find(({ name }) => name === 'files.write') as unknown as Action<unknown>;
for (let n = 0; ; n++) {
  writeSync(1, `${n}\n`);
  const call = { operationId: `operation/${n}`, documents: folderDocuments(documents), signal: new AbortController().signal, nowMs: Date.now, reservation: null };
  await write.commit({ root: 'work', path: 'a/report.txt', text: `${n}\n`.repeat(20_000), replace: true }, call);
}
