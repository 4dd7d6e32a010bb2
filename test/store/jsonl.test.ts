import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { readCopies } from '#store/copies.ts';
import { findErased, rememberErased } from '#store/erased.ts';
import { appendLine, readLines } from '#store/jsonl.ts';
import { noteRestore, readHeads } from '#supervisor/main-heads.ts';
import { withCode } from '#test/contract/database.ts';
import { commitOf, tempDir, tempStore } from './temp-store.ts';

const schema = z.object({ n: z.number() });
const read = (file: string) => readLines(file, schema, 'Mend it.').map(({ n }) => n);
const fresh = () => join(tempDir(), 'lines.jsonl');

test('no file has no lines, and what is appended is read, in order', () => {
  const file = fresh();
  assert.deepEqual(read(file), []);
  for (const n of [1, 2, 3]) appendLine(file, { n });
  assert.deepEqual(read(file), [1, 2, 3]);
  assert.equal(statSync(file).mode & 0o077, 0);
});

test('wherever a crash cuts the last line, the lines before are read, and the next line is whole', () => {
  const [first, last] = ['{"n":1}\n', '{"n":22}\n'];
  for (let cut = 0; cut <= last.length; cut++) {
    const file = fresh();
    writeFileSync(file, first + last.slice(0, cut));
    const kept = cut >= last.length - 1 ? [1, 22] : [1];
    assert.deepEqual(read(file), kept, `cut at ${cut}`);
    appendLine(file, { n: 3 });
    assert.deepEqual(read(file), [...kept, 3], `cut at ${cut}, then one more`);
  }
});

test('any other line that cannot be read is refused with file, line and hint', () => {
  for (const [text, line] of [['{"n":1}\nhalf\n{"n":2}\n', 2], ['{"n":"1"}\n{"n":2}\n', 1], ['{"n":1}\n{"n":\n', 2]] as const) {
    const file = fresh();
    writeFileSync(file, text);
    assert.throws(() => read(file), (error) => withCode('BAD_CONFIG', new RegExp(`line ${line} of .*lines\\.jsonl cannot be read`))(error) && (error as { hint?: string }).hint === 'Mend it.');
  }
});

test('heads of the chain are read without half a line at the end, and a restore is noted after it', () => {
  const file = fresh();
  writeFileSync(file, '{"seq":1,"hash":"a"}\n{"seq":9,"hash":"b"}\n{"seq":12,"ha');
  assert.deepEqual(readHeads(file), [{ seq: 1, hash: 'a' }, { seq: 9, hash: 'b' }]);
  noteRestore(file, { seq: 5, hash: 'c' }, 0);
  assert.deepEqual(readHeads(file), [{ seq: 1, hash: 'a' }, { seq: 5, hash: 'c' }]);
  writeFileSync(file, '{"seq":1}\n{"seq":9,"hash":"b"}\n');
  assert.throws(() => readHeads(file), withCode('BAD_CONFIG', /line 1 of /));
});

test('copies and names of the erased are read without half a line at the end, and not without another', async () => {
  const { db, dir, committer } = await tempStore();
  await committer.commit(commitOf('a', { facts: ['person/a@x.org', 'person/b@x.org'].map((entity) => ({ entity, predicate: 'name', value: 'x', label: 'operator', confidence: 1 })) }));
  rememberErased(dir, { id: 'e1', entity: 'person/a@x.org' }, 0);
  appendFileSync(join(dir, 'erased.jsonl'), '{"id":"e2","sa');
  assert.deepEqual(await findErased(dir, db), ['person/a@x.org']);
  for (let i = 0; i < 2; i++) rememberErased(dir, { id: 'e2', entity: 'person/b@x.org', addresses: ['b@x.org', 'b@y.org'] }, 0);
  assert.deepEqual(await findErased(dir, db), ['person/a@x.org', 'person/b@x.org']);
  assert.equal(readFileSync(join(dir, 'erased.jsonl'), 'utf8').split('\n').length, 4, 'one line for each name, once');
  appendFileSync(join(dir, 'erased.jsonl'), 'x\n');
  await assert.rejects(findErased(dir, db), withCode('BAD_CONFIG', /line 4 of .*erased\.jsonl/));
  writeFileSync(join(dir, 'copies.jsonl'), '{"kind":"backup","path":"/x","at":"now"}\n{"kind":"exp');
  assert.deepEqual(readCopies(dir).map(({ path }) => path), ['/x']);
});
