// W4: what 100,000 actors at rest cost a server that starts: memory above that of an empty company, and the time until it is ready. The
// baseline is as many actors live in one process.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machineKey } from '#machines/define.ts';
import { emptyCommit } from '#machines/commit.ts';
import { mailMachine } from '#machines/pipelines/mail.ts';
import { createPrivateCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { makeCompany, type Company } from '#test/kit/server.ts';
import { median, toResult, type Result, type Say } from './measure.ts';

const dormant = 100_000;
const groups = 250;
const starts = 3;

/** Through the committer, so that it is what a company of that age has. */
async function fill(dataDir: string): Promise<void> {
  const database = await openDatabase(join(dataDir, 'keelson.db'));
  const committer = await createPrivateCommitter(database);
  const machine = machineKey(mailMachine);
  for (let from = 0; from < dormant; from += groups) {
    await Promise.all(Array.from({ length: groups }, async (_, i) => {
      const actor = `mail/m-${from + i}`;
      const record = JSON.stringify({ address: actor, machine, structure: '', rev: 0, status: 'active', parent: null, snapshot: { value: 'asking', context: { doc: 'x'.repeat(900) }, children: {} }, children: {}, timers: {} });
      const commit = emptyCommit(`bench:${actor}`, Date.now(), actor, { message: { kind: 'event', event: { type: 'PING' } } });
      const written = await committer.commit({ ...commit, step: { rev: 0, machine, status: 'active', value: '"asking"', parent: null, record } });
      if (written.outcome !== 'written') throw new Error(`${actor}: ${JSON.stringify(written)}`);
    }));
  }
  await database.close();
}

function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024;
}

/** Several starts, because one is noisy. */
async function measureStart(company: Company): Promise<{ mb: number; readyMs: number }> {
  const seen: { mb: number; readyMs: number }[] = [];
  for (let i = 0; i < starts; i++) {
    const from = performance.now();
    const { pid } = await company.up();
    const readyMs = performance.now() - from;
    seen.push({ mb: residentMb(pid), readyMs });
    await company.down();
  }
  return { mb: median(seen.map(({ mb }) => mb)), readyMs: median(seen.map(({ readyMs }) => readyMs)) };
}

export async function measureDormant(say: Say): Promise<Result[]> {
  if (process.platform !== 'linux') {
    say('W4 reads /proc and is left out here');
    return [];
  }
  const company = makeCompany();
  try {
    const empty = await measureStart(company);
    await fill(company.dataDir);
    const full = await measureStart(company);
    say(`${dormant} actors at rest: ${Math.round(full.mb)} MB, empty ${Math.round(empty.mb)} MB; ready after ${Math.round(full.readyMs)} ms, empty ${Math.round(empty.readyMs)} ms`);
    const live = spawnSync(process.execPath, [fileURLToPath(new URL('./live-actors.ts', import.meta.url)), String(dormant)], { encoding: 'utf8' });
    if (live.status !== 0) throw new Error(`the baseline of W4 ended with ${live.status}: ${live.stderr}`);
    return [
      toResult({ id: 'W4', unit: 'MB above empty', value: full.mb - empty.mb, baseline: Number(live.stdout), timesMs: [full.readyMs] }),
      toResult({ id: 'W4.ready', unit: 'ms', value: full.readyMs, baseline: empty.readyMs, timesMs: [full.readyMs] }),
    ];
  } finally {
    await company.remove();
  }
}
