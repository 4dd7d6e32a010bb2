import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tempDir } from './temp-store.ts';

const script = fileURLToPath(import.meta.resolve('#test/store/full-disk.ts'));
const canMount = spawnSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs /mnt']).status === 0;

test('on a full disk commits are STORE_FULL, reads go on, nothing acknowledged is lost, and writing resumes', { skip: canMount ? false : 'NOT TESTED HERE: a small file system needs root and `unshare -m`' }, (t) => {
  const dir = tempDir();
  const { status, stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o size=16m tmpfs "$1" && exec "$2" "$3" "$1"', 'sh', dir, process.execPath, script], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const { beforeFull, ...found } = JSON.parse(stdout) as { beforeFull: number };
  t.diagnostic(`${beforeFull} commits before the disk was full`);
  assert.ok(beforeFull > 50);
  assert.deepEqual(found, {
    codes: ['STORE_FULL'],
    whileFull: { lost: 0, reads: true, verified: true, opens: true },
    afterwards: { again: ['written'], lost: 0 },
    reopened: { lost: 0, verified: true, integrity: 'ok', factsWithoutCommit: 0 },
  });
});
