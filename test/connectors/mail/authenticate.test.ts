// Goal: only mail that is cryptographically from the address it shows counts as such, and looking never holds up or fails anything.
// Method: real signatures with generated keys, a DNS in memory, and the ways in which senders are forged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authenticateMail, type AuthenticateOptions } from '#connectors/mail/authenticate.ts';
import { parseMail } from '#connectors/mail/parse.ts';
import { mailFrom, nowMs, sign, startDns } from './sender-kit.ts';

async function look(raw: string, options: Partial<AuthenticateOptions> = {}) {
  const bytes = Buffer.from(raw);
  const { mail } = await parseMail(bytes);
  return { mail, ...(await authenticateMail(bytes, mail.from, { resolve: startDns().resolve, nowMs, ...options })) };
}

const nina = 'Nina Holt <nina@holt.example>';

test('a mail signed by the domain of its sender passes', async () => {
  const { mail: _, ...found } = await look(await sign(mailFrom(nina)));
  assert.deepEqual(found, { passed: true, dkim: 'pass', spf: 'none', dmarc: 'pass', domain: 'holt.example', why: '' });
});

test('a signature of a subdomain passes where the domain allows it, and not where it wants its own name', async () => {
  assert.equal((await look(await sign(mailFrom(nina), { domain: 'mail.holt.example' }))).passed, true);
  assert.equal((await look(await sign(mailFrom('a@news.example'), { domain: 'news.example' }))).passed, true);
  assert.equal((await look(await sign(mailFrom('a@news.example'), { domain: 'mail.news.example' }))).passed, false);
});

const received = (ip: string, by = 'mx.studio-voss.example') => `Received: from mail.holt.example (mail.holt.example [${ip}]) by ${by} with ESMTPS; Mon, 23 Nov 2026 11:00:01 +0000`;
const path = (address: string) => `Return-Path: <${address}>`;
const attacks: [string, () => Promise<string> | string, RegExp][] = [
  ['not signed at all', () => mailFrom(nina), /not signed/],
  ['signed by another domain', () => sign(mailFrom(nina), { domain: 'evil.example' }), /another domain/],
  ['text changed on the way', async () => (await sign(mailFrom(nina))).replace('Hello Mara', 'Hello, pay'), /does not hold/],
  ['subject changed on the way', async () => (await sign(mailFrom(nina))).replace('Subject: Offer', 'Subject: Pay'), /does not hold/],
  ['sender changed on the way', async () => (await sign(mailFrom('x@evil.example'), { domain: 'evil.example' })).replace('From: x@evil.example', `From: ${nina}`), /does not hold|another domain/],
  ['a second From on top', async () => `From: ${nina}\r\n${await sign(mailFrom('x@evil.example'), { domain: 'evil.example' })}`, /more than one "from"/],
  ['a second Subject on top', async () => `Subject: Pay now\r\n${await sign(mailFrom(nina))}`, /more than one "subject"/],
  ['a second Content-Type on top', async () => `Content-Type: text/html\r\n${await sign(mailFrom(nina))}`, /more than one "content-type"/],
  ['a Reply-To that is not signed', async () => `Reply-To: x@evil.example\r\n${await sign(mailFrom(nina), { headers: 'from:subject:date' })}`, /does not cover/],
  ['a subject that is not signed', () => sign(mailFrom(nina), { headers: 'from:date' }), /does not cover/],
  ['two senders', () => sign(mailFrom(`x@evil.example, ${nina}`), { domain: 'evil.example' }), /different senders|DMARC|another/],
  ['two senders of one domain', () => sign(mailFrom(`eve@holt.example, ${nina}`)), /different senders/],
  ['text added under a length (l=)', async () => `${await sign(mailFrom(nina), { bodyBytes: 12 })}Pay to another account\r\n`, /does not cover/],
  ['a length (l=) with nothing added yet', () => sign(mailFrom(nina), { bodyBytes: 12 }), /does not cover/],
  ['an expired signature', () => sign(mailFrom(nina), { signedMs: nowMs - 7_200_000, expiresMs: nowMs - 3_600_000 }), /expired/],
  ['a key that was withdrawn', () => sign(mailFrom(nina), { selector: 'gone' }), /does not hold|not signed/],
  ['a key that is not there', () => sign(mailFrom(nina), { selector: 'none' }), /does not hold/],
  ['a domain that only tests its signatures', () => sign(mailFrom(nina), { selector: 'testing' }), /does not cover/],
  ['a domain without DMARC', () => sign(mailFrom('a@nodmarc.example'), { domain: 'nodmarc.example' }), /no DMARC/],
  ['a look-alike domain', () => sign(mailFrom('Nina Holt <nina@ho1t.example>'), { domain: 'holt.example' }), /no DMARC|another/],
  ['its own Authentication-Results', () => `Authentication-Results: mx.studio-voss.example; dkim=pass header.d=holt.example; spf=pass; dmarc=pass\r\n${mailFrom(nina)}`, /not signed/],
  ['its own ARC chain', () => `ARC-Seal: i=1; a=rsa-sha256; cv=none; d=holt.example; s=s1; b=AAAA\r\nARC-Authentication-Results: i=1; mx; dmarc=pass\r\nARC-Message-Signature: i=1; a=rsa-sha256; d=holt.example; s=s1; h=from; bh=AAAA; b=AAAA\r\n${mailFrom(nina)}`, /not signed/],
  ['its own Received lines', () => `${path('nina@holt.example')}\r\n${received('192.0.2.10', 'relay.evil.example')}\r\n${mailFrom(nina)}`, /not signed/],
  ['a Received line below the one of our server', () => `${received('198.51.100.66')}\r\n${path('nina@holt.example')}\r\n${received('192.0.2.10')}\r\n${mailFrom(nina)}`, /not signed/],
  ['a name at the greeting that looks like an address', () => `${path('nina@holt.example')}\r\nReceived: from x([192.0.2.10]) (unknown [198.51.100.66]) by mx.studio-voss.example\r\n${mailFrom(nina)}`, /not signed/],
  ['a passing SPF of another domain', () => `${path('bounce@evil.example')}\r\n${received('198.51.100.66')}\r\n${mailFrom(nina)}`, /not signed/],
];
for (const [what, make, why] of attacks) {
  test(`it does not pass: ${what}`, async () => {
    const found = await look(await make(), { receivedBy: 'mx.studio-voss.example' });
    assert.deepEqual([found.passed, found.why.match(why)?.length ?? found.why], [false, 1]);
  });
}

test('a name that shows another address passes only for the address it is from', async () => {
  const { passed, domain, mail } = await look(await sign(mailFrom('"nina@holt.example" <x@evil.example>'), { domain: 'evil.example' }));
  assert.deepEqual([passed, domain, mail.from?.address], [true, 'evil.example', 'x@evil.example']);
});

test('the server of the sender passes too, when our own server says who handed it over and nobody else does', async () => {
  const raw = `${path('nina@holt.example')}\r\n${received('192.0.2.10')}\r\n${mailFrom(nina)}`;
  const { passed, dkim, spf, dmarc } = await look(raw, { receivedBy: 'MX.studio-voss.example' });
  assert.deepEqual({ passed, dkim, spf, dmarc }, { passed: true, dkim: 'none', spf: 'pass', dmarc: 'pass' });
  assert.equal((await look(raw)).passed, false);
});

test('DNS that fails, is slow or never answers ends in words, within the time', async () => {
  const signed = await sign(mailFrom(nina));
  const broken = await look(signed, { resolve: () => Promise.reject(Object.assign(new Error('server failure'), { code: 'ESERVFAIL' })) });
  assert.deepEqual([broken.passed, broken.why], [false, 'it could not be checked: DNS did not answer']);
  const silent = await look(signed, { resolve: () => new Promise(() => undefined), timeoutMs: 50 });
  assert.deepEqual([silent.passed, silent.dmarc, silent.why], [false, 'temperror', 'it could not be checked within 50 ms']);
  const odd = await look(signed, { resolve: () => Promise.resolve([['\0'.repeat(1_000)], 'x', null] as never) });
  assert.equal(odd.passed, false);
});

test('a mail with many signatures causes no lookups, and no mail causes many', async () => {
  const dns = startDns();
  const many = Array.from({ length: 11 }, (_, i) => `DKIM-Signature: v=1; a=rsa-sha256; d=d${i}.victim.example; s=s; h=from; bh=AAAA; b=AAAA\r\n`).join('');
  const { passed, why } = await look(many + mailFrom(nina), { resolve: dns.resolve });
  assert.deepEqual([passed, why, dns.asked], [false, 'it has more than 10 signatures', []]);
  const deep = startDns();
  await look(await sign(mailFrom(`a@${'x.'.repeat(100)}holt.example`)), { resolve: deep.resolve });
  assert.ok(deep.asked.length <= 60, String(deep.asked.length));
});

test('whatever the bytes are, there is an answer', async () => {
  const resolve = startDns().resolve;
  const good = Buffer.from(await sign(mailFrom(nina)));
  for (let at = 0; at < good.length; at += 37) {
    const cut = good.subarray(0, at);
    const flipped = Buffer.from(good);
    flipped[at] = (flipped[at] ?? 0) ^ 0x15;
    for (const bytes of [cut, flipped, Buffer.concat([Buffer.from('\r\n\r\n'), good])]) {
      const found = await authenticateMail(bytes, { address: 'nina@holt.example', name: '' }, { resolve, nowMs });
      if (bytes !== flipped) assert.equal(found.passed, false);
    }
  }
  for (const address of ['', '@', 'nina', 'a@b@c', 'x'.repeat(400), 'nina@holt.example\0']) assert.equal((await authenticateMail(good, { address, name: '' }, { resolve, nowMs })).passed, false);
  assert.equal((await authenticateMail(good, null, { resolve, nowMs })).passed, false);
});
