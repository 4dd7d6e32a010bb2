// Run by frozen-store.test.ts: `frozen-writer.ts OPTIONS` is a store. Each line on stdin is the id of a commit, each line on stdout
// what became of it.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { emptyCommit } from '#machines/commit.ts';
import { plainError } from '#machines/errors.ts';
import { startStore } from '#store/actor.ts';
import type { StoreOptions } from '#store/protocol.ts';

const store = await startStore(JSON.parse(process.argv[2]!) as StoreOptions);
const say = (line: string) => writeSync(1, `${line}\n`);
store.onExit(({ code, message, hint }) => {
  writeSync(2, `${code}: ${message}. ${hint}\n`);
  setImmediate(() => process.exit(1)); // what waits for an answer hears of it in the same turn
});
createInterface({ input: process.stdin }).on('line', (id) => {
  store.commit({ ...emptyCommit(id, 1_790_000_000_000, 'order/1', {}), facts: [{ entity: 'person/a@x.org', predicate: 'name', value: id, label: 'system', confidence: 1 }] })
    .then(({ outcome }) => say(`${id} ${outcome}`), (error: unknown) => say(`${id} ${plainError(error).code}`));
});
say('ready');
