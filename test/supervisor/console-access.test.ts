// Goal: a company is opened to other computers on purpose only, its own CLI reaches it all the same, and the token for automation decides
// nothing. Method: the real server on all addresses of this computer, with a certificate made for the test.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fetchFor } from '#supervisor/cli-trust.ts';
import type { RunFile } from '#supervisor/company.ts';
import { makeCompany, runCli } from '#test/kit/server.ts';

const company = makeCompany();
const certificate = (name: string) => {
  const [cert, key] = [`${company.dataDir}-${name}.pem`, `${company.dataDir}-${name}.key`];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=desk.example', '-addext', 'subjectAltName=DNS:desk.example', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  chmodSync(key, 0o600);
  return { cert, key };
};
const own = certificate('own');
const tls = ['--tls-cert', own.cert, '--tls-key', own.key];
let run: RunFile;
let ask: typeof fetch;
const tokenOf = (name: string) => readFileSync(join(company.dataDir, name), 'utf8').trim();
const call = (token: string, method: string, path: string, body = '{}') => ask(`${run.api}${path}`, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, ...(method === 'GET' ? {} : { body }) });

test('another address than that of this computer is refused in one line, without TLS and without the flag', async () => {
  const wrong: [string[], RegExp][] = [
    [['--listen', '0.0.0.0'], /needs --tls-cert FILE and --tls-key FILE and --allow-remote/],
    [['--listen', '::', '--allow-remote'], /needs --tls-cert FILE and --tls-key FILE\./],
    [['--listen', 'desk.example', ...tls], /needs --allow-remote\./],
    [['--listen', '0.0.0.0', '--allow-remote', '--tls-cert', own.cert], /TLS needs both/],
    [['--listen', '0.0.0.0', '--allow-remote', '--tls-cert', own.cert, '--tls-key', '/nowhere'], /\/nowhere cannot be read/],
  ];
  for (const [args, says] of wrong) {
    const { code, stderr } = await runCli(['up', '--data', company.dataDir, ...args]);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, says);
    assert.equal(stderr.trim().split('\n').length, 1);
  }
  chmodSync(own.key, 0o644);
  assert.match((await runCli(['up', '--data', company.dataDir, '--listen', '0.0.0.0', '--allow-remote', ...tls])).stderr, /can be read by everybody\. Run: chmod 600/);
  chmodSync(own.key, 0o600);
  assert.ok(!existsSync(company.dataDir), 'no company was made for it');
});

test('with TLS and the flag it listens elsewhere; the CLI trusts that very certificate and no other', async () => {
  await company.up({}, ['--listen', '0.0.0.0', '--allow-remote', ...tls]);
  run = JSON.parse(readFileSync(join(company.dataDir, 'run.json'), 'utf8')) as RunFile;
  ask = await fetchFor(run);
  assert.match(run.console, /^https:\/\/desk\.example:\d+$/);
  const { url } = await company.json<{ url: string }>('console');
  assert.ok(url.startsWith(`${run.console}/#code=`));
  await assert.rejects(fetch(`${run.api}/healthz`), 'a certificate that nobody vouches for');
  const other = await fetchFor({ certificate: readFileSync(certificate('other').cert, 'utf8') });
  await assert.rejects(other(`${run.api}/healthz`));
});

test('automation is refused every route of the operator\'s, at most ten of a minute are recorded, and nothing is done', async () => {
  const { paths } = (await (await call(tokenOf('token'), 'GET', '/openapi.json')).json()) as { paths: Record<string, Record<string, { description?: string }>> };
  const operators = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).filter(([, { description = '' }]) => description.includes('operator')).map(([method]) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, 'x') })));
  assert.ok(operators.length > 12);
  const head = async () => ((await (await call(tokenOf('token'), 'GET', '/api/query/head')).json()) as { seq: number }).seq;
  const headBefore = await head();
  for (const { method, path } of operators) {
    const answer = await call(tokenOf('automation-token'), method, path);
    assert.equal(answer.status, 403, `${method} ${path}`);
    assert.equal(((await answer.json()) as { error: { code: string } }).error.code, 'FORBIDDEN');
  }
  const recorded = await company.until('ten refusals', 10_000, async () => {
    const all = (await (await call(tokenOf('token'), 'GET', `/api/query/decisions?args=${encodeURIComponent('{"what":"access"}')}`)).json()) as { outcome: string }[];
    return all.length >= 10 && all;
  });
  assert.deepEqual([recorded.length, new Set(recorded.map(({ outcome }) => outcome))], [10, new Set(['refused'])]);
  assert.equal(await head(), headBefore + 10, 'nothing else was written');
});

test('what automation starts is not the operator\'s word: nobody vouches for where it goes', async () => {
  const payload = { from: { address: 'hello@studio-voss.example', name: 'Desk' }, to: { address: 'new@customer.example', name: 'New' }, subject: 'Hello', text: 'Hello', inReplyTo: null, references: [] };
  const vouched = async (token: string, id: string) => {
    const body = JSON.stringify({ machine: 'operation', key: id, input: { id, action: 'mail.send', payload, summary: id } });
    const started = await call(token, 'POST', '/api/runs', body);
    assert.equal(started.status, 200, await started.clone().text());
    const items = () => call(tokenOf('token'), 'GET', '/api/query/inbox').then((answer) => answer.json() as Promise<{ summary: string; data: { control: { kind: string; vouchedBy: string | null }[] } }[]>);
    const item = await company.until(`${id} in the inbox`, 20_000, async () => (await items()).find(({ summary }) => summary.includes(id)));
    return item.data.control.find(({ kind }) => kind === 'recipient')!.vouchedBy;
  };
  assert.equal(await vouched(tokenOf('token'), 'by-hand'), 'you proposed it');
  assert.equal(await vouched(tokenOf('automation-token'), 'by-program'), null);
});

test('no token stands in a log, in run.json or in what a sign-in link says', async () => {
  for (const name of ['keelson.log', 'store.log', 'run.json']) {
    const text = readFileSync(join(company.dataDir, name), 'utf8');
    for (const token of [tokenOf('token'), tokenOf('automation-token')]) assert.ok(!text.includes(token), name);
  }
});

after(() => company.remove());
