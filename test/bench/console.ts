// C1: does the console keep up? 10,000 actors in the store and 500 commits a second for 20 s while a browser shows the list of actors; beside
// it the same page while nothing is written. Paint, lag of the newest shown commit, long tasks, frames, bytes of the stream, the app's size.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { headers, connect } from 'nats';
import type { Page } from 'playwright-core';
import { builtDir } from '#connectors/console/pages.ts';
import { emptyCommit } from '#machines/commit.ts';
import { machineKey } from '#machines/define.ts';
import { mailMachine } from '#machines/pipelines/mail.ts';
import { createPrivateCommitter } from '#store/commit.ts';
import { openDatabase } from '#store/database.ts';
import { startBrowser, visit } from '#test/kit/browser.ts';
import { makeCompany } from '#test/kit/server.ts';
import { median, percentile, type Result, type Say } from './measure.ts';

const actors = 10_000;
const perSecond = 500;
const seconds = 20;
const groups = 500;
const tickMs = 20;

interface Seen { lagsMs: number[]; longTasks: number; longMs: number; frames: number; bytes: number; commits: number; events: number; resyncs: number; ms: number }

/** Through the committer, so that they are what a company of that age has. */
async function fill(dataDir: string): Promise<void> {
  const database = await openDatabase(join(dataDir, 'keelson.db'));
  const committer = await createPrivateCommitter(database);
  const machine = machineKey(mailMachine);
  for (let from = 0; from < actors; from += groups) {
    await Promise.all(Array.from({ length: groups }, async (_, i) => {
      const actor = `mail/m-${String(from + i).padStart(5, '0')}`;
      const record = JSON.stringify({ address: actor, machine, structure: '', rev: 0, status: 'active', parent: null, snapshot: { value: 'asking', context: { doc: 'x'.repeat(900) }, children: {} }, children: {}, timers: {} });
      const written = await committer.commit({ ...emptyCommit(`bench:${actor}`, Date.now(), actor, { message: { kind: 'event', event: { type: 'PING' } } }), step: { rev: 0, machine, status: 'active', value: '"asking"', parent: null, record } });
      if (written.outcome !== 'written') throw new Error(`${actor}: ${JSON.stringify(written)}`);
    }));
  }
  await database.close();
}

/** Runs in the page before anything of ours: counts what the stream brings and how the page feels meanwhile. A commit is on the screen with the frame after the one in which it is drawn. */
const instrument = `
  const none = () => ({ lagsMs: [], longTasks: 0, longMs: 0, frames: 0, bytes: 0, commits: 0, events: 0, resyncs: 0 });
  globalThis.seen = none();
  globalThis.forget = () => void Object.assign(seen, none(), { from: performance.now() });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) Object.assign(seen, { longTasks: seen.longTasks + 1, longMs: seen.longMs + duration });
  }).observe({ entryTypes: ['longtask'] });
  const frame = () => (seen.frames++, requestAnimationFrame(frame));
  requestAnimationFrame(frame);
  globalThis.EventSource = class extends EventSource {
    constructor(url) {
      super(url);
      this.addEventListener('resync', () => seen.resyncs++);
      this.addEventListener('commits', ({ data }) => {
        const commits = JSON.parse(data);
        const newest = commits.at(-1).at;
        Object.assign(seen, { bytes: seen.bytes + data.length, commits: seen.commits + commits.length, events: seen.events + 1 });
        requestAnimationFrame(() => requestAnimationFrame(() => void seen.lagsMs.push(Date.now() - newest)));
      });
    }
  };
`;

async function look(page: Page, work: () => Promise<void>): Promise<Seen> {
  await page.evaluate('forget()');
  await work();
  return page.evaluate('({ ...seen, ms: performance.now() - seen.from })');
}

/** Until the first rows of the list are drawn, in ms from the beginning of the navigation. */
async function firstPaint(page: Page, url: string): Promise<number> {
  await page.goto(url);
  await page.getByRole('listitem').first().waitFor();
  return page.evaluate('new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now())))');
}

const appBytes = () => (readdirSync(builtDir, { recursive: true }) as string[]).filter((name) => /\.(js|css|html)$/.test(name) && statSync(join(builtDir, name)).isFile()).reduce((sum, name) => sum + gzipSync(readFileSync(join(builtDir, name)), { level: 9 }).length, 0);
const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

export async function measureConsole(say: Say): Promise<Result[]> {
  const company = makeCompany();
  const browser = await startBrowser();
  try {
    await company.up();
    await company.down();
    await fill(company.dataDir);
    const run = (await company.up()) as Awaited<ReturnType<typeof company.up>> & { company: string };
    const token = readFileSync(join(company.dataDir, 'token'), 'utf8').trim();
    const nc = await connect({ servers: run.nats, token });
    const { context, page } = await visit(browser, { api: run.api, token });
    await context.addInitScript({ content: instrument });
    const paints: number[] = [];
    for (let i = 0; i < 5; i++) paints.push(await firstPaint(page, `${run.api}/actors`));
    say(`${actors} actors: the list stands ${Math.round(median(paints))} ms after the address was opened (${paints.map(Math.round).join(', ')})`);

    const idle = await look(page, () => sleep(5_000));
    const busy = await look(page, async () => {
      const began = Date.now();
      for (let sent = 0; sent < perSecond * seconds;) {
        const due = Math.min(perSecond * seconds, Math.floor(((Date.now() - began) * perSecond) / 1_000));
        for (; sent < due; sent++) {
          const h = headers();
          h.set('ce-id', `bench-${sent}`);
          // Mails that wait ignore it, which is a commit of its own.
          nc.publish(`ks.${run.company}.msg.mail.m-${String(sent % actors).padStart(5, '0')}.bench.1`, '{"kind":"event","event":{"type":"BENCH"}}', { headers: h });
        }
        await sleep(tickMs);
      }
      await nc.flush();
    });
    const rate = (busy.commits * 1_000) / busy.ms;
    const frames = (seen: Seen) => (seen.frames * 1_000) / seen.ms;
    say(`${Math.round(rate)} commits/s shown in ${busy.events} bundles; lag p50 ${Math.round(median(busy.lagsMs))} ms, p99 ${Math.round(percentile(busy.lagsMs, 99))} ms; ${busy.resyncs} resyncs`);
    say(`frames/s ${Math.round(frames(busy))} (idle ${Math.round(frames(idle))}); long tasks ${busy.longTasks}, ${Math.round(busy.longMs)} ms of ${Math.round(busy.ms)} (idle ${idle.longTasks}); the stream ${Math.round(busy.bytes / busy.ms)} kB/s`);
    const size = appBytes();
    say(`the app: ${Math.round(size / 1_000)} kB gzipped, all screens`);
    await nc.close();
    const number = (id: string, unit: string, value: number, baseline: number, timesMs: number[] = []): Result => ({ id, unit, value: Math.round(value), baseline: Math.round(baseline), ratio: baseline === 0 ? 0 : Math.round((value / baseline) * 1_000) / 1_000, p50Ms: Math.round(median(timesMs)), p99Ms: Math.round(percentile(timesMs, 99)) });
    return [
      number('C1.paint', 'ms', median(paints), 1_000, paints), number('C1.commits', '/s', rate, perSecond, busy.lagsMs), number('C1.frames', '/s', frames(busy), frames(idle)),
      number('C1.long', 'ms of long tasks', busy.longMs, idle.longMs), number('C1.stream', 'B/s', (busy.bytes * 1_000) / busy.ms, 0), number('C1.resyncs', '', busy.resyncs, 0), number('C1.app', 'B gzipped', size, 80_000),
    ];
  } finally {
    await browser.close();
    await company.remove();
  }
}
