// Goal: nothing that an attacker can write or a name server can answer makes a request leave for where it must not. Method: addresses
// in every form known for getting past such a check, against a listener on all addresses of this computer that counts connections.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createHostRules, readUrl } from '#connectors/host-rules.ts';
import { createSafeFetch } from '#connectors/safe-fetch.ts';
import { KeelsonError } from '#machines/errors.ts';
import { startRude } from '#test/kit/rude-http.ts';

/** Written by an attacker, where any public host is allowed. PORT is that of the listener. */
const written: [why: RegExp, ...urls: string[]][] = [
  [/an address and no name|not https|not named/, 'https://127.0.0.1/', 'https://127.0.0.1:PORT/', 'http://127.0.0.1:PORT/', 'https://10.0.0.1/', 'https://192.168.1.1/', 'https://172.16.0.1/', 'https://169.254.169.254/latest/meta-data/', 'https://100.100.100.200/', 'https://0.0.0.0:PORT/', 'https://255.255.255.255/', 'https://224.0.0.1/', 'https://[::1]:PORT/', 'https://[::]:PORT/', 'https://[fe80::1]/', 'https://[fd00:ec2::254]/', 'https://[ff02::1]/', 'https://[64:ff9b::7f00:1]/', 'https://[2002:7f00:1::]/', 'https://[::7f00:1]/', 'https://8.8.8.8/'],
  [/would be read as 127\.0\.0\.1/, 'https://2130706433:PORT/', 'https://0x7f000001:PORT/', 'https://017700000001:PORT/', 'https://0x7f.0.0.1:PORT/', 'https://0177.0.0.1:PORT/', 'https://127.1:PORT/', 'https://127.0.1:PORT/', 'https://127.000.000.001:PORT/', 'https://0x7f.1:PORT/', 'https://%31%32%37.0.0.1:PORT/', 'https://１２７.0.0.1:PORT/', 'https://127。0。0。1:PORT/', 'https://127.0.0.1.:PORT/', 'https://①②⑦.0.0.1:PORT/'],
  [/would be read as/, 'https://[::ffff:127.0.0.1]:PORT/', 'https://[0:0:0:0:0:0:0:1]:PORT/', 'https://[::127.0.0.1]:PORT/', 'https://[64:ff9b::127.0.0.1]/', 'https://2852039166/', 'https://0/', 'https://lo%63alhost:PORT/', 'https://ⓛocalhost:PORT/', 'https://loc­alhost:PORT/', 'https://shop.example:0443/', 'https://ｓhop.example/', 'https:////127.0.0.1:PORT/'],
  [/dot at the end|ends with a dot/, 'https://localhost./', 'https://shop.example./'],
  [/local network|not named/, 'https://localhost/', 'https://LOCALHOST/', 'https://router/', 'https://localhost:PORT/'],
  [/user in front/, 'https://shop.example@127.0.0.1:PORT/', 'https://user:pass@shop.example/', 'https://@127.0.0.1:PORT/', 'https://shop.example:443@127.0.0.1/', 'https://shop.example%2F@127.0.0.1/'],
  [/backslash|control character|blank/, 'https://shop.example\\@127.0.0.1:PORT/', 'https:\\\\127.0.0.1:PORT/', 'https://127.0.0.1\t:PORT/', 'https://shop.example\r\nHost: 127.0.0.1/', ' https://shop.example/', 'https://shop.example /', 'https://127.0.0.1\0.shop.example/'],
  [/no https address/, 'ftp://shop.example/', 'file:///etc/passwd', 'gopher://127.0.0.1:PORT/_x', 'javascript:alert(1)', 'data:text/html,x', 'ws://shop.example/', '//127.0.0.1/', '/etc/passwd', '', 'https:127.0.0.1', 'https:/127.0.0.1:PORT/', 'https://', 'https://[::1', 'https://[fe80::1%25eth0]/', 'blob:https://shop.example/1', 'https://shop.example:99999/'],
  [/more than 4000/, `https://shop.example/${'a'.repeat(5_000)}`],
  [/not https/, 'http://shop.example/'],
  [/port 8443 .* is not named/, 'https://shop.example:8443/', 'https://shop.example:8443'],
  [/several scripts/, 'https://shоp.example/', 'https://аpple.example/', 'https://xn--shp-ted.example/'],
].map(([why, ...urls]) => [why as RegExp, ...(urls as string[])]);

/** What a name server may answer for a host that the operator allowed by name. */
const answered: [why: RegExp, ...answers: string[][]][] = [
  [/this computer/, ['127.0.0.1'], ['127.255.255.254'], ['::1'], ['93.184.215.14', '127.0.0.1'], ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', '::1']],
  [/a private network/, ['10.1.2.3'], ['172.31.255.255'], ['192.168.0.1'], ['100.64.0.1'], ['100.127.255.254'], ['fc00::1'], ['fdff::1'], ['93.184.215.14', '10.0.0.1']],
  [/link-local/, ['169.254.169.254'], ['169.254.0.1']],
  [/metadata/, ['100.100.100.200'], ['168.63.129.16'], ['fd00:ec2::254']],
  [/this network/, ['0.0.0.0'], ['0.1.2.3']],
  [/multicast|reserved|broadcast/, ['224.0.0.251'], ['239.255.255.255'], ['240.0.0.1'], ['255.255.255.255']],
  [/protocol assignments|documentation|benchmarks|6to4/, ['192.0.0.192'], ['192.0.2.1'], ['198.51.100.1'], ['203.0.113.9'], ['198.19.255.255'], ['192.88.99.1'], ['2001::1'], ['2001:db8::1'], ['2002:7f00:1::'], ['3fff::1']],
  [/no public address/, ['::ffff:127.0.0.1'], ['::ffff:7f00:1'], ['::ffff:8.8.8.8'], ['64:ff9b::7f00:1'], ['64:ff9b:1::1'], ['fe80::1'], ['ff02::1'], ['::'], ['::7f00:1'], ['100::1'], ['5f00::1']],
  [/no address/, ['fe80::1%eth0'], ['not-an-address'], ['127.0.0.1 '], ['0x7f000001'], ['2130706433']],
].map(([why, ...answers]) => [why as RegExp, ...(answers as string[][])]);

const failure = async (work: Promise<unknown>): Promise<KeelsonError> => {
  const error = await work.then((value) => assert.fail(`it was allowed: ${JSON.stringify(value)}`), (thrown: unknown) => thrown);
  assert.ok(error instanceof KeelsonError, String(error));
  return error;
};

test('whatever way an address is written, nothing leaves for it', async (t) => {
  const sink = await startRude();
  t.after(sink.stop);
  // Should a check let something through, it ends at the listener.
  const fetch = createSafeFetch({ allowHosts: ['shop.example', '*'], resolve: async () => ['127.0.0.1'] });
  const vectors = written.flatMap(([why, ...urls]) => urls.map((url) => [why, url.replace('PORT', String(sink.port))] as const));
  assert.ok(vectors.length >= 60, `${vectors.length} vectors`);
  for (const [why, url] of vectors) {
    const error = await failure(fetch(url));
    assert.equal(error.code, 'REFUSED', url);
    assert.match(error.message, why, url);
  }
  assert.equal(sink.connections(), 0);
});

test('whatever a name server answers, nothing leaves for an address that is not public', async (t) => {
  const sink = await startRude();
  t.after(sink.stop);
  const vectors = answered.flatMap(([why, ...answers]) => answers.map((addresses) => [why, addresses] as const));
  assert.ok(vectors.length >= 40, `${vectors.length} vectors`);
  for (const [why, addresses] of vectors) {
    const error = await failure(createSafeFetch({ allowHosts: [`http://shop.example:${sink.port}`], resolve: async () => addresses })(`http://shop.example:${sink.port}/`));
    assert.equal(error.code, 'REFUSED', addresses.join());
    assert.match(error.message, why, addresses.join());
  }
  assert.equal(sink.connections(), 0);
});

test('a host of the own network is reached when its port is opened too, and only that one', async (t) => {
  const [open, closed] = [await startRude(), await startRude()];
  t.after(async () => void (await Promise.all([open.stop(), closed.stop()])));
  const fetch = createSafeFetch({ allowHosts: [`http://nas.example:${open.port}`, `http://nas.example:${closed.port}`, open.url], allowPrivate: [`nas.example:${open.port}`], resolve: async () => ['127.0.0.1'] });
  assert.equal((await fetch(`http://nas.example:${open.port}/`)).status, 200);
  assert.equal((await failure(fetch(`http://nas.example:${closed.port}/`))).code, 'REFUSED');
  assert.equal((await failure(fetch(open.url))).code, 'REFUSED', 'the same place by another name was not opened');
  assert.deepEqual([open.connections(), closed.connections()], [1, 0]);
});

test('no entry opens link-local, multicast or mapped addresses', async () => {
  for (const address of ['169.254.169.254', '0.0.0.0', '224.0.0.1', '::ffff:127.0.0.1', 'fe80::1', '64:ff9b::7f00:1', 'fd00:ec2::254']) {
    const error = await failure(createSafeFetch({ allowHosts: ['https://nas.example'], allowPrivate: ['nas.example:443'], resolve: async () => [address] })('https://nas.example/'));
    assert.equal(error.code, 'REFUSED', address);
  }
});

test('a name that leads elsewhere the second time is asked for once, and the connection goes to what was checked', async (t) => {
  const sink = await startRude();
  t.after(sink.stop);
  let asked = 0;
  // First checked as the loopback that is opened here, then as a metadata service; and the other way round.
  const rebinding = (first: string, then: string) => async () => [asked++ === 0 ? first : then];
  const settings = { allowHosts: [`http://shop.example:${sink.port}`], allowPrivate: [`shop.example:${sink.port}`] };
  assert.equal((await createSafeFetch({ ...settings, resolve: rebinding('127.0.0.1', '169.254.169.254') })(`http://shop.example:${sink.port}/`)).status, 200);
  assert.equal(asked, 1);

  asked = 0;
  // An address in the public part of IPv6 that nobody was given stands for the attacker's first answer.
  const rebound = createSafeFetch({ allowHosts: [`http://shop.example:${sink.port}`], resolve: rebinding('2000::1', '127.0.0.1') });
  const error = await failure(rebound(`http://shop.example:${sink.port}/`, { maxMs: 500 }));
  assert.equal(error.code, 'SEND_DEFERRED');
  assert.deepEqual([asked, sink.connections()], [1, 1], 'the second answer was never asked for, and nobody came');
});

test('each redirect is checked as if it had been asked for', async (t) => {
  const sink = await startRude();
  const [door, unlisted] = [await startRude(), await startRude()];
  t.after(async () => void (await Promise.all([sink.stop(), door.stop(), unlisted.stop()])));
  // The unlisted one could be connected to: only the list of hosts keeps it out.
  const fetch = createSafeFetch({ allowHosts: [door.url, `http://inner.example:${sink.port}`, 'shop.example'], allowPrivate: [door.host, unlisted.host], resolve: async () => ['127.0.0.1'] });
  const locations = [unlisted.url, 'http://169.254.169.254/latest/meta-data/', sink.url, `http://inner.example:${sink.port}/`, `//127.0.0.1:${sink.port}/`, `http://2130706433:${sink.port}/`, 'file:///etc/passwd', `http://user@${door.host}/`, `http://localhost.:${sink.port}/`, 'https://shop.example/', 'gopher://x/', 'http://[::1'];
  for (const location of locations) {
    door.behave((response) => response.writeHead(302, { location }).end());
    assert.equal((await failure(fetch(door.url))).code, 'SEND_REFUSED', location);
  }
  assert.deepEqual([sink.connections(), unlisted.connections()], [0, 0]);
});

test('a setting that names no host, or a host of the own network without its port, is refused at once', () => {
  for (const entry of ['', 'https://', 'shop.example/path', 'shop.example?x', 'user@shop.example', 'ftp://shop.example', '2130706433', 'shop.example.', '*.shop.example', 'a b']) {
    assert.throws(() => createHostRules({ allowHosts: [entry] }), { code: 'BAD_CONFIG' }, entry);
  }
  for (const entry of ['nas.example', '127.0.0.1', '::1', '*']) assert.throws(() => createHostRules({ allowHosts: [], allowPrivate: [entry] }), { code: 'BAD_CONFIG' }, entry);
});

test('a plain address is read as it stands, also with letters of one other script', () => {
  for (const [text, host] of [['https://shop.example', 'shop.example'], ['https://SHOP.example/a?b#c', 'shop.example'], ['https://shop.example:443/', 'shop.example'], ['https://münchen.example/', 'xn--mnchen-3ya.example'], ['https://пример.example/', 'xn--e1afmkfd.example'], ['http://nas.example:8080/', 'nas.example:8080'], ['https://[2606:4700::1]/', '[2606:4700::1]']]) {
    assert.equal(readUrl(text!).host, host);
  }
});
