// Goal: a browser hears of every commit once and in order, or is told to look anew; and no browser, however it behaves, costs the server more
// than a bounded amount of memory. Method: the real server on a free port, raw HTTP readers, and a feed that the test announces into.
import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import test, { after, before } from 'node:test';
import { systemClock } from '#actors/clock.ts';
import { silentLog } from '#actors/log.ts';
import { startConsole, type ConsoleOptions } from '#connectors/console/server.ts';
import { openStreams, type Streams } from '#connectors/console/stream.ts';
import type { AnnouncedCommit, Announcement } from '#machines/changes.ts';

const token = 't'.repeat(64);
const past = '6b1f0c6e-past';
let head = 1_500_000;
let announce: (announcement: Announcement) => void = () => {};
/** When set, the store cannot be read. */
let isAway = false;
/** What the stream wrote down. */
const logged: unknown[] = [];
let streams: Streams;
let server: Awaited<ReturnType<typeof startConsole>>;

const commitOf = (seq: number, records = 0, entity = 'person/a'): AnnouncedCommit => ({ seq, at: seq, id: `m-${seq}`, actor: 'mail/1', rev: 1, outcome: 'applied', records: Array.from({ length: records }, (_, n) => ({ kind: 'fact', id: `f-${seq}-${n}`, entity, predicate: 'person.email', label: 'system' })) });
const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
function commit(count = 1, records = 0, entity?: string): number {
  const seen = head;
  head += count;
  announce({ after: seen, last: head, changes: range(seen + 1, head).map((seq) => commitOf(seq, records, entity)) });
  return head;
}

async function start(): Promise<void> {
  const query = async (name: string, args: Record<string, unknown>) => {
    if (isAway) throw new Error('the store is away');
    return name === 'changes' ? range(Number(args['after']) + 1, Math.min(head, Number(args['after']) + 500)).map((seq) => commitOf(seq)) : null;
  };
  streams = openStreams({ bus: { onChanges: (task) => ((announce = task), { stop: async () => {} }), onReconnect: () => {} }, query, head, past, clock: systemClock, log: { ...silentLog, info: (...said: unknown[]) => void logged.push(said) }, stuckMs: 500 });
  server = await startConsole({ port: 0, token, streams, query, log: silentLog, ready: async () => true, receiveMail: async () => null, desk: {}, actors: {}, pausing: {}, parked: {}, effects: {}, policies: {}, fork: async () => ({}), erase: async () => ({}) } as unknown as ConsoleOptions);
}
before(start);
after(async () => {
  await streams.stop();
  await server.stop();
});

interface Heard { event: string; id: string | null; data: unknown }
interface Reader { status: number; heard: Heard[]; answer: IncomingMessage; isOver(): boolean; until(what: string, is: (heard: Heard[]) => boolean): Promise<Heard[]>; leave(): Promise<void> }

async function until(what: string, is: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !is(); i++) await systemClock.sleep(10);
  assert.ok(is(), `waited in vain for: ${what}`);
}

function read({ after: asked, isLazy = false }: { after?: string; isLazy?: boolean } = {}): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const sent = get(`${server.url}/api/events`, { agent: false, headers: { authorization: `Bearer ${token}`, ...(asked === undefined ? {} : { 'last-event-id': asked }) } }, (answer) => {
      const heard: Heard[] = [];
      let rest = '';
      let isOver = false;
      answer.on('close', () => (isOver = true));
      if (isLazy) answer.pause();
      else answer.setEncoding('utf8').on('data', (text: string) => {
        const blocks = (rest + text).split('\n\n');
        rest = blocks.pop()!;
        for (const block of blocks) {
          const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
          if (field('event')) heard.push({ event: field('event')!, id: field('id'), data: JSON.parse(field('data')!) as unknown });
        }
      });
      answer.on('error', () => {});
      resolve({
        status: answer.statusCode ?? 0, heard, answer, isOver: () => isOver,
        async until(what, is) {
          await until(what, () => is(heard));
          return heard;
        },
        async leave() {
          sent.destroy();
          await until('the end', () => isOver);
        },
      });
    });
    sent.on('error', reject);
  });
}
const seqs = (heard: Heard[]) => heard.flatMap(({ event, data }) => (event === 'commits' ? (data as AnnouncedCommit[]).map(({ seq }) => seq) : []));
const has = (event: string) => (heard: Heard[]) => heard.some((one) => one.event === event);

test('every commit comes once and in order, and a name with which to go on', async () => {
  const reader = await read();
  await reader.until('hello', has('hello'));
  assert.equal(reader.heard[0]!.id, `${past}:${head}`, 'who loses the connection before the first commit can go on, too');
  const first = head + 1;
  for (let i = 0; i < 30; i++) commit(10);
  await reader.until('the commits', (heard) => seqs(heard).at(-1) === head);
  assert.deepEqual(seqs(reader.heard), range(first, head));
  assert.equal(reader.heard.at(-1)!.id, `${past}:${head}`);
  assert.ok(reader.heard.length < 20, `${reader.heard.length} events for 300 commits`);
  await reader.leave();
});

test('who was away goes on where it was, while others commit', async () => {
  const seen = head;
  commit(1_200);
  const reading = read({ after: `${past}:${seen}` });
  commit(5);
  const reader = await reading;
  commit(5);
  await reader.until('the rest', (heard) => seqs(heard).at(-1) === head);
  assert.deepEqual(seqs(reader.heard), range(seen + 1, head));
  assert.equal(has('resync')(reader.heard), false);
  await reader.leave();
});

for (const [what, id] of [['a million commits behind', () => `${past}:${head - 1_000_000}`], ['of another past', () => `other-past:${head - 1}`], ['of a time that never was', () => `${past}:${head + 5}`], ['with a number alone', () => String(head)], ['with a word', () => 'unknown']] as const) {
  test(`a browser that is ${what} looks anew and then follows`, async () => {
    const reader = await read({ after: id() });
    await reader.until('hello', has('hello'));
    assert.deepEqual(reader.heard.map(({ event }) => event), ['resync', 'hello']);
    const next = commit();
    await reader.until('the next commit', (heard) => seqs(heard).includes(next));
    assert.deepEqual(seqs(reader.heard), [next]);
    await reader.leave();
  });
}

test('when the store cannot be read, a browser that was away looks anew', async () => {
  isAway = true;
  const reader = await read({ after: `${past}:${head - 10}` });
  await reader.until('hello', has('hello'));
  isAway = false;
  assert.equal(reader.heard[0]!.event, 'resync');
  await reader.leave();
});

test('large commits come in several events, none of them huge', async () => {
  const reader = await read();
  await reader.until('hello', has('hello'));
  commit(8, 500);
  await reader.until('all of them', (heard) => seqs(heard).at(-1) === head);
  for (const { data } of reader.heard) assert.ok(JSON.stringify(data).length < 400_000);
  await reader.leave();
});

test('a browser that stops reading is cut off, and the others hear everything', async () => {
  const [lazy, reader] = await Promise.all([read({ isLazy: true }), read()]);
  await reader.until('hello', has('hello'));
  const first = head + 1;
  // Until the buffers of the system are full, and then longer than anybody may take.
  await until('the end of the lazy one', () => {
    if (logged.length === 0) commit(1, 100, `person/${'a'.repeat(2_000)}`);
    return logged.length > 0;
  });
  await reader.until('the newest commit', (heard) => seqs(heard).at(-1) === head || has('resync')(heard));
  if (!has('resync')(reader.heard)) assert.deepEqual(seqs(reader.heard), range(first, head));
  assert.equal(reader.isOver(), false);
  lazy.answer.resume();
  await until('the end, for the lazy one too', () => lazy.isOver());
  await reader.leave();
});

test('no more than 64 read at a time, and a place is free again when one leaves', async () => {
  const readers: Reader[] = [];
  for (let i = 0; i < 64; i++) readers.push(await read());
  assert.deepEqual([...new Set(readers.map(({ status }) => status))], [200]);
  const tooMany = await read();
  assert.equal(tooMany.status, 409);
  const last = commit(20);
  await Promise.all(readers.map((reader) => reader.until('the newest commit', (heard) => seqs(heard).includes(last))));
  await readers.pop()!.leave();
  let next = await read();
  for (let i = 0; next.status === 409 && i < 100; i++) {
    await systemClock.sleep(20);
    next = await read();
  }
  assert.equal(next.status, 200);
  await Promise.all([...readers, next].map((reader) => reader.leave()));
});

test('what is told besides is bounded, and does not move the place to go on from', async () => {
  const reader = await read();
  await reader.until('hello', has('hello'));
  for (let n = 0; n < 500; n++) streams.tell('bus', { n });
  const last = commit();
  await reader.until('the commit', (heard) => seqs(heard).includes(last));
  await reader.until('the rest', (heard) => heard.filter(({ event }) => event === 'bus').length > 0);
  const told = reader.heard.filter(({ event }) => event === 'bus');
  assert.ok(told.length <= 100, `${told.length} of 500`);
  assert.ok(told.every(({ id }) => id === null));
  await reader.leave();
});

test('the server stops although pages are open, and each of them notices', async () => {
  const readers = await Promise.all(range(1, 10).map(() => read()));
  await Promise.all(readers.map((reader) => reader.until('hello', has('hello'))));
  await streams.stop();
  await server.stop();
  await until('the end of all', () => readers.every((reader) => reader.isOver()));
  await start();
  const again = await read({ after: readers[0]!.heard[0]!.id! });
  await again.until('hello', has('hello'));
  assert.equal(has('resync')(again.heard), false, 'the same past goes on after a restart');
  await again.leave();
});
