import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '#actors/clock.ts';
import { watchMailbox, type ImapCursor, type WatchOptions } from '#connectors/mail/imap.ts';
import { KeelsonError } from '#machines/errors.ts';
import { dovecotMissing, startDovecot } from '#test/kit/dovecot.ts';

const missing = dovecotMissing();
const options = { skip: missing ?? false, timeout: 60_000 };
if (missing) console.error(`\n*** ${missing} ***\n`);

function mailNumber(number: number): string {
  return `From: a@example.com\r\nTo: user@example.com\r\nSubject: Mail ${number}\r\nMessage-ID: <${number}@example.com>\r\n\r\nText ${number}\r\n`;
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (condition()) return;
    await delay(25);
  }
  assert.fail('it did not happen within 15 s');
}

/** A running watch with what it took over, its log lines and its cursor. */
function watch(t: TestContext, imapUrl: string, over: Partial<WatchOptions> & { saved?: ImapCursor | null } = {}) {
  const abort = new AbortController();
  const subjects: string[] = [];
  const lines: string[] = [];
  const state = { saved: over.saved ?? null, sources: [] as string[] };
  const note = (fields: object, text: string): void => void lines.push(`${text} ${JSON.stringify(fields)}`);
  const done = watchMailbox({
    imapUrl, signal: abort.signal, pauseMs: { first: 20, max: 200 }, clock: systemClock, random: () => 0.5, log: { info: note, warn: note },
    onMail: async (raw, source) => {
      subjects.push(/^Subject: (.*)\r$/m.exec(Buffer.from(raw).toString())?.[1] ?? '');
      state.sources.push(source);
    },
    cursor: { load: async () => state.saved, save: async (cursor) => { state.saved = cursor; } },
    ...over,
  });
  const stop = async (): Promise<void> => { abort.abort(); await done; };
  t.after(stop);
  return { subjects, lines, state, stop };
}

test('mails already there and mails that arrive later are taken over once, in order', options, async (t) => {
  const server = await startDovecot();
  t.after(() => server.stop());
  server.deliver(mailNumber(1));
  server.deliver(mailNumber(2));
  const watching = watch(t, server.url);
  await until(() => watching.subjects.length === 2);
  server.deliver(mailNumber(3));
  await until(() => watching.subjects.length === 3);
  assert.deepEqual(watching.subjects, ['Mail 1', 'Mail 2', 'Mail 3']);
  assert.match(watching.state.sources[2] ?? '', /^imap:127\.0\.0\.1\/INBOX;UIDVALIDITY=\d+\/;UID=3$/);
  await until(() => watching.state.saved?.lastUid === 3);
  await watching.stop();
  assert.ok(watching.lines.some((line) => line.startsWith('mailbox watch stopped')));
  assert.ok(!watching.lines.join().includes('secret'));
  // Maildir keeps flags in the file name: "S" would be seen, "T" deleted.
  const names = ['new', 'cur'].flatMap((folder) => readdirSync(join(server.maildir, folder)));
  assert.equal(names.length, 3);
  assert.ok(names.every((name) => !/:2,.*[A-Z]/.test(name)), names.join());

  const again = watch(t, server.url, { saved: watching.state.saved });
  server.deliver(mailNumber(4));
  await until(() => again.subjects.length === 1);
  assert.deepEqual(again.subjects, ['Mail 4']);
});

test('a mail that could not be taken over is handed over again and the cursor waits for it', options, async (t) => {
  const server = await startDovecot();
  t.after(() => server.stop());
  server.deliver(mailNumber(1));
  let calls = 0;
  const watching = watch(t, server.url, {
    onMail: async () => {
      calls += 1;
      if (calls < 3) throw new Error('the store is full');
    },
  });
  await until(() => watching.state.saved?.lastUid === 1);
  assert.equal(calls, 3);
  assert.ok(watching.lines.some((line) => line.includes('the store is full')));
});

test('a server that goes away and comes back is connected again', options, async (t) => {
  const server = await startDovecot();
  t.after(() => server.stop());
  server.deliver(mailNumber(1));
  const watching = watch(t, server.url);
  await until(() => watching.subjects.length === 1);
  await server.pause();
  await until(() => watching.lines.some((line) => line.startsWith('mailbox failed')));
  server.deliver(mailNumber(2));
  await server.start();
  await until(() => watching.subjects.length === 2);
  assert.deepEqual(watching.subjects, ['Mail 1', 'Mail 2']);
  await until(() => watching.lines.some((line) => line.startsWith('mailbox is reachable again')));
});

test('stopping waits for the mail being taken over, and its cursor is saved', options, async (t) => {
  const server = await startDovecot();
  t.after(() => server.stop());
  server.deliver(mailNumber(1));
  server.deliver(mailNumber(2));
  let phase = 'idle';
  const watching = watch(t, server.url, {
    onMail: async () => {
      phase = 'taking';
      await delay(300);
      phase = 'taken';
    },
  });
  await until(() => phase === 'taking');
  await watching.stop();
  assert.equal(phase, 'taken');
  assert.equal(watching.state.saved?.lastUid, 1);
});

test('when the server numbers its mails anew, all are read again', options, async (t) => {
  const server = await startDovecot();
  t.after(() => server.stop());
  server.deliver(mailNumber(1));
  const watching = watch(t, server.url, { saved: { uidValidity: '1', lastUid: 900 } });
  await until(() => watching.subjects.length === 1);
  assert.ok(watching.lines.some((line) => line.includes('numbered its mails anew')));
  assert.notEqual(watching.state.saved?.uidValidity, '1');
});

test('a wrong password is logged without showing it, and tried again with the longest pause', options, async (t) => {
  const server = await startDovecot();
  t.after(() => server.stop());
  const watching = watch(t, server.url.replace('secret', 'hunter2'), { random: () => 1 });
  await until(() => watching.lines.some((line) => line.startsWith('mailbox refused the login')));
  assert.match(watching.lines.join('\n'), /"pauseMs":200/);
  assert.ok(!watching.lines.join().includes('hunter2'));
});

test('an unreachable server is tried again with growing pauses until the signal stops it', async (t) => {
  const watching = watch(t, 'imap://user:pw@127.0.0.1:1', { random: () => 1 });
  await until(() => watching.lines.length >= 4);
  await watching.stop();
  const pauses = watching.lines.flatMap((line) => /"pauseMs":(\d+)/.exec(line)?.[1] ?? []);
  assert.deepEqual(pauses.slice(0, 4), ['20', '40', '80', '160']);
});

test('an unusable URL is a configuration error that does not repeat the password', async (t) => {
  const { signal } = new AbortController();
  const nothing = { info: () => undefined, warn: () => undefined };
  const watching = watchMailbox({ imapUrl: 'pop3://u:secret@x', signal, clock: systemClock, random: () => 0, log: nothing, onMail: async () => undefined, cursor: { load: async () => null, save: async () => undefined } });
  await assert.rejects(watching, (error: unknown) => error instanceof KeelsonError && error.code === 'BAD_CONFIG' && !error.message.includes('secret'));
  t.diagnostic('BAD_CONFIG');
});
