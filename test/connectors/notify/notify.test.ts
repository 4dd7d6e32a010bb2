// Goal: the operator hears of everything that waits, at most once each, and nothing waits for the notifying. Method: the real store and
// bus, and an HTTP server that takes what ntfy's documentation describes.
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { systemClock, type Clock } from '#actors/clock.ts';
import { silentLog, type Log } from '#actors/log.ts';
import { startNotify, type NotifyOptions } from '#connectors/notify/notify.ts';
import { settingsSchema } from '#connectors/notify/ntfy.ts';
import { emptyCommit } from '#machines/commit.ts';
import type { Intent } from '#machines/records.ts';
import { startNtfy, type NtfyFixture } from '#test/kit/ntfy.ts';
import { startWorld, type World } from '#test/kit/world.ts';

let world: World;
let made = 0;
before(async () => { world = await startWorld({ machines: [] }); });
after(() => world.stop());

const unique = (kind = 'ap') => `${kind}-${++made}`;
const write = (intents: Intent[]) => world.store.commit({ ...emptyCommit(`test:${++made}`, Date.now(), 'host/test', {}), intents });
const ask = (id: string, over: Partial<Intent> = {}) => write([{ id, kind: 'approval', state: 'input-required', summary: `Send an offer (${id})`, data: { risk: 'high', payload: {}, payloadHash: 'h' }, ...over }]);
const close = (id: string) => write([{ id, kind: 'approval', state: 'completed' }]);
/** What earlier tests left waiting is not this one's business. */
const settle = async () => { for (const { id, kind } of (await world.store.query('inbox', {})) as { id: string; kind: Intent['kind'] }[]) await write([{ id, kind, state: 'completed' }]); };

async function start(t: TestContext, ntfy: Pick<NtfyFixture, 'url'>, over: Partial<NotifyOptions> & { when?: string[]; reportAt?: string } = {}) {
  const settings = settingsSchema.parse({ url: ntfy.url, topic: 'keelson-test', when: over.when ?? ['approval', 'escalation'], ...(over.reportAt ? { reportAt: over.reportAt } : {}) });
  const running = await startNotify({
    settings, token: null, store: world.store, bus: world.bus, clock: systemClock, log: silentLog, fetch, random: () => 0, linkOf: ({ id }) => `https://desk.studio-voss.example/decide/${id}`,
    pauseMs: { gather: 20, first: 20, max: 40 }, ...over,
  });
  t.after(running.stop);
  return running;
}
const server = async (t: TestContext, options: { token?: string } = {}) => {
  const ntfy = await startNtfy(options);
  t.after(ntfy.stop);
  return ntfy;
};
const count = (ntfy: NtfyFixture, n: number) => world.until(`${n} notifications`, async () => ntfy.messages.length >= n);
/** Something later that is told shows that what came before was looked at. */
const afterwards = async (ntfy: NtfyFixture) => {
  const id = unique('later');
  await ask(id);
  await world.until('the later one', async () => ntfy.messages.some(({ message }) => message?.includes(`(${id})`)));
};

test('an approval is told once, by its summary, its risk and the way to it', async (t) => {
  await settle();
  const ntfy = await server(t, { token: 'tk_secret' });
  await start(t, ntfy, { token: 'tk_secret' });
  const id = unique();
  await ask(id);
  await count(ntfy, 1);
  assert.deepEqual(ntfy.messages, [{ topic: 'keelson-test', title: 'Approval needed', message: `Send an offer (${id})`, priority: 4, tags: ['approval', 'risk-high'], click: `https://desk.studio-voss.example/decide/${id}` }]);
  // A reminder is the same item asked about again.
  await write([{ id, kind: 'approval', state: 'input-required', summary: 'Reminder: Send an offer' }]);
  await afterwards(ntfy);
  assert.equal(ntfy.messages.filter(({ click }) => click?.endsWith(`/${id}`)).length, 1);
});

test('what waited before the start is told, what was told before a restart is not', async (t) => {
  await settle();
  const ntfy = await server(t);
  const [early, late] = [unique(), unique()];
  await ask(early);
  const first = await start(t, ntfy);
  await count(ntfy, 1);
  await first.stop();
  await ask(late);
  await start(t, ntfy);
  await count(ntfy, 2);
  await afterwards(ntfy);
  assert.deepEqual(ntfy.messages.map(({ click }) => click?.split('/').at(-1)).slice(0, 2), [early, late]);
  assert.equal(ntfy.messages.length, 3);
});

test('two processes that follow the same store tell it once between them', async (t) => {
  await settle();
  const ntfy = await server(t);
  await start(t, ntfy);
  await start(t, ntfy);
  for (let n = 0; n < 4; n += 1) await ask(unique());
  await afterwards(ntfy);
  await settle();
  await afterwards(ntfy);
  const links = ntfy.messages.flatMap(({ click, message }) => (click ? [click] : message?.match(/https:\S+/g) ?? []));
  assert.equal(new Set(links).size, links.length, links.join());
});

test('only what the settings name is told', async (t) => {
  await settle();
  const ntfy = await server(t);
  await start(t, ntfy, { when: ['escalation'] });
  await ask(unique());
  await ask(unique('q'), { kind: 'question' });
  const id = unique('op');
  await ask(id, { kind: 'escalation', data: { risk: 'low' } });
  await count(ntfy, 1);
  assert.deepEqual(ntfy.messages.map(({ title, priority, tags }) => ({ title, priority, tags })), [{ title: 'Needs you', priority: 4, tags: ['escalation', 'risk-low'] }]);
});

test('more than five at once are one notification that has the way to each', async (t) => {
  await settle();
  const ntfy = await server(t);
  const ids = Array.from({ length: 12 }, () => unique());
  await write(ids.map((id): Intent => ({ id, kind: 'approval', state: 'input-required', summary: `Offer ${id} ${'ü'.repeat(400)}`, data: { risk: 'medium' } })));
  await start(t, ntfy);
  await count(ntfy, 1);
  const [{ title, message = '', click } = {}] = ntfy.messages;
  assert.deepEqual([title, click], ['12 things wait for you', undefined]);
  assert.match(message, /^• Approval needed: Offer ap-\d+ ü+…\nhttps:\/\/desk\.studio-voss\.example\/decide\/ap-\d+\n•[^]*\nand \d+ more$/);
  assert.ok(Buffer.byteLength(message) < 4_096);
  await afterwards(ntfy);
  assert.equal(ntfy.messages.length, 2);
});

test('a summary cannot add lines, hide anything or fill the phone', async (t) => {
  await settle();
  const ntfy = await server(t);
  await start(t, ntfy);
  await ask(unique(), { summary: `Answer “x\r\nApproved\u2028already\u202e!\u200b\u0000” ${'y'.repeat(5_000)}` });
  await count(ntfy, 1);
  const message = ntfy.messages[0]?.message ?? '';
  assert.match(message, /^Answer “x Approved already ! ” y+…$/);
  assert.equal(message.length, 200);
});

test('a server that is away, overloaded or slow to say yes is tried again, and gets it once', async (t) => {
  await settle();
  const ntfy = await server(t);
  const pauses: number[] = [];
  const clock: Clock = { ...systemClock, sleep: (ms, signal) => { pauses.push(ms); return systemClock.sleep(Math.min(ms, 20), signal); } };
  ntfy.next({ status: 429, headers: { 'retry-after': '120' } }, 503);
  await start(t, ntfy, { clock });
  await ask(unique());
  await count(ntfy, 1);
  assert.equal(ntfy.requests(), 3);
  assert.ok(pauses.includes(120_000), 'Retry-After is honoured');
  await ntfy.pause();
  await ask(unique());
  await world.until('a refused connection', async () => pauses.length > 5);
  await ntfy.start();
  await count(ntfy, 2);
});

test('when nobody can tell whether it arrived it is not sent again, and the next one is', async (t) => {
  await settle();
  const ntfy = await server(t);
  const errors: string[] = [];
  const log: Log = { ...silentLog, error: ((_: object, text: string) => void errors.push(text)) as Log['error'] };
  await start(t, ntfy, { log });
  ntfy.next('drop');
  const id = unique();
  await ask(id);
  await count(ntfy, 1);
  await afterwards(ntfy);
  assert.equal(ntfy.messages.filter(({ click }) => click?.endsWith(`/${id}`)).length, 1);
  assert.deepEqual(errors, ['a notification may not have arrived']);
});

test('a wrong token, a redirect and a topic that is not ours are said in the log, and the token goes nowhere else', async (t) => {
  await settle();
  const ntfy = await server(t, { token: 'tk_right' });
  const elsewhere = await server(t);
  const lines: string[] = [];
  const log: Log = { ...silentLog, error: ((fields: object, text: string) => void lines.push(`${text} ${JSON.stringify(fields)}`)) as Log['error'] };
  await start(t, ntfy, { token: 'tk_wrong', log });
  await ask(unique());
  await world.until('the refusal', async () => lines.length === 1);
  ntfy.next({ status: 307, headers: { location: elsewhere.url } });
  await ask(unique());
  await world.until('the redirect', async () => lines.length === 2);
  assert.match(lines.join('\n'), /was refused; see connectors\/notify\.json .*answered 401/);
  assert.ok(!lines.join().includes('tk_wrong'));
  assert.equal(elsewhere.requests(), 0);
});

test('what was decided while the server was away is not told any more', async (t) => {
  await settle();
  const ntfy = await server(t);
  await ntfy.pause();
  let tries = 0;
  const log: Log = { ...silentLog, warn: () => { tries += 1; } };
  await start(t, ntfy, { log });
  const id = unique();
  await ask(id);
  await world.until('a try', async () => tries > 0);
  await close(id);
  await ntfy.start();
  await afterwards(ntfy);
  assert.equal(ntfy.messages.length, 1);
});

test('stopping ends a try that hangs', async (t) => {
  await settle();
  let hanging = false;
  const silent = ((_: unknown, { signal }: { signal: AbortSignal }) => new Promise((_resolve, reject) => {
    hanging = true;
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  })) as typeof fetch;
  const running = await start(t, { url: 'http://127.0.0.1:1' }, { fetch: silent });
  await ask(unique());
  await world.until('a hanging try', async () => hanging);
  await running.stop();
});

test('the daily report comes once a day after its time, also after a restart, and counts what waits', async (t) => {
  await settle();
  const ntfy = await server(t);
  let nowMs = Date.UTC(2027, 2, 1, 7, 29);
  let tick = () => {};
  const clock: Clock = { ...systemClock, now: () => nowMs, every: (_, task) => { tick = task; return () => {}; } };
  const when = ['report'];
  const first = await start(t, ntfy, { clock, when });
  assert.equal(ntfy.requests(), 0);
  nowMs += 60_000;
  tick();
  await count(ntfy, 1);
  tick();
  await first.stop();
  await ask(unique());
  const again = await start(t, ntfy, { clock, when });
  await again.stop();
  nowMs += 86_400_000;
  await start(t, ntfy, { clock, when });
  await count(ntfy, 2);
  assert.equal(ntfy.messages[0]?.message, 'Nothing waits for you.\nNo operation ended in the last 24 hours.');
  assert.match(ntfy.messages[1]?.message ?? '', /^1 waits for you, 1 of high risk; the oldest for \d+ h\./);
  assert.equal(ntfy.messages.length, 2);
});

test('settings that would give the token away or notify nobody are refused', () => {
  const good = { url: 'https://ntfy.studio-voss.example', topic: 'desk' };
  assert.deepEqual(settingsSchema.parse(good), { ...good, when: ['approval', 'escalation', 'report'], reportAt: '07:30', timeZone: 'UTC' });
  for (const bad of [{ url: 'http://ntfy.sh' }, { url: 'http://127.0.0.1.evil.example' }, { url: 'ftp://x.example' }, { topic: 'a/b' }, { topic: '' }, { when: [] }, { when: ['all'] }, { reportAt: '7:30' }, { timeZone: 'Mars/Base' }, { token: 'x' }]) {
    assert.equal(settingsSchema.safeParse({ ...good, ...bad }).success, false, JSON.stringify(bad));
  }
});
