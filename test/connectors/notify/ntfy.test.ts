// Goal: what is published arrives at a real ntfy server as it was meant, and its refusals are understood. Method: ntfy itself; the stand-in
// of the other tests gets the same and must say the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publish, type Notification } from '#connectors/notify/ntfy.ts';
import { startNtfy } from '#test/kit/ntfy.ts';
import { ntfyMissing, startNtfyServer } from '#test/kit/ntfy-server.ts';

const missing = ntfyMissing();
if (missing) console.error(`\n*** ${missing} ***\n`);

const notification: Notification = { title: 'Approval needed: „Grüße“ 🚀', message: 'Send an offer\n• and so on', priority: 4, tags: ['approval', 'risk-high'], click: 'https://desk.studio-voss.example/decide/abc.def' };
const { signal } = new AbortController();

test('a real server and the stand-in take and refuse the same', { skip: missing ?? false, timeout: 60_000 }, async (t) => {
  const real = await startNtfyServer();
  t.after(real.stop);
  const double = await startNtfy({ token: real.token });
  t.after(double.stop);
  for (const { url } of [real, double]) {
    const send = (token: string | null, over: Partial<Notification> = {}, topic = 'desk') => publish({ url, topic }, token, { ...notification, ...over }, { fetch, signal });
    assert.deepEqual(await send(real.token), { outcome: 'sent' });
    for (const refused of [await send('tk_wrong'), await send(null), await send(real.token, {}, 'a/b'), await send(real.token, { priority: 9 })]) assert.equal(refused.outcome, 'refused');
    // The longest digest there can be.
    assert.deepEqual(await send(real.token, { message: 'ü'.repeat(1_750) }), { outcome: 'sent' });
  }
  const [first, second] = await real.poll('desk');
  const { title, message, priority, tags, click } = first ?? {};
  assert.deepEqual({ title, message, priority, tags, click }, notification);
  assert.equal(second?.['message'], 'ü'.repeat(1_750));
  assert.equal(second?.['attachment'], undefined);
});

test('a server that cannot be reached is later, one that hangs up or says nonsense is unknown', async (t) => {
  const ntfy = await startNtfy();
  t.after(ntfy.stop);
  const send = (url: string) => publish({ url, topic: 'desk' }, null, notification, { fetch, signal });
  const away = await startNtfy();
  await away.stop();
  for (const url of [away.url, 'http://name.invalid']) assert.equal((await send(url)).outcome, 'later', url);
  ntfy.next('drop', 500, 502, 418, 429);
  assert.deepEqual([await send(ntfy.url), await send(ntfy.url), await send(ntfy.url), await send(ntfy.url), await send(ntfy.url)].map(({ outcome }) => outcome), ['unknown', 'unknown', 'unknown', 'refused', 'later']);
  assert.equal((await publish({ url: ntfy.url, topic: 'desk' }, null, notification, { fetch, signal: AbortSignal.abort() })).outcome, 'unknown');
});
