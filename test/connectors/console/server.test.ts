// Goal: what is asked for reaches the desk as it was asked and nothing else does, and every failure has one shape. Method: the real
// server on a free port, raw HTTP requests, and a desk that writes down who called it.
import assert from 'node:assert/strict';
import test, { after, before, beforeEach } from 'node:test';
import { codes, KeelsonError } from '#machines/errors.ts';
import { asJson, assertError, bearer, routesOf, startSite, type Site } from './server-kit.ts';

let site: Site;
before(async () => {
  site = await startSite();
});
after(() => site.console.stop());
beforeEach(() => site.reset());
const send: Site['send'] = (...args) => site.send(...args);
const post: Site['post'] = (...args) => site.post(...args);

/** What takes JSON. */
const commands = async () => (await routesOf(site)).filter(({ method, path }) => method === 'POST' && !['/api/mail', '/api/session/end'].includes(path)).map(({ path }) => path);

test('readiness follows the store', async () => {
  assert.equal((await send('GET', '/readyz', bearer)).status, 200);
  site.state.isReady = false;
  const { status, json } = await send('GET', '/readyz', bearer);
  assert.deepEqual([status, json?.ok], [503, false]);
});

test('an unknown route or method is not found', async () => {
  for (const [method, path] of [['GET', '/nowhere'], ['GET', '/api/mail'], ['DELETE', '/api/inbox/x/approve'], ['POST', '/api/inbox/x/explode'], ['POST', '/api/inbox//approve'], ['GET', '/../etc/passwd']] as const) {
    assertError(await send(method, path, asJson), 404, 'NOT_FOUND');
  }
  assert.deepEqual(site.calls, []);
});

test('each answer reaches the desk with its id and nothing that was not asked for', async () => {
  await post('/api/inbox/ap-m-1%2F2/approve', { hash: 'abc', edit: 'text', commandId: 'c1', actor: 'operator/evil' });
  await post('/api/inbox/ap-1/reject', { reason: 'no' });
  await post('/api/inbox/q-1/respond', { text: 'invoice', reason: 'it says so' });
  await post('/api/operations/o-1/reconcile', { outcome: 'not-done', note: 'looked' });
  await post('/api/parked/retry', { actor: 'mail/m-1', commandId: 'c2' });
  await post('/api/fork', { actor: 'mail/m-1', at: 2, commandId: 'c3' });
  await post('/api/query', { name: 'status' });
  assert.deepEqual(site.calls, [
    ['approve', 'ap-m-1/2', { hash: 'abc', edit: 'text', commandId: 'c1' }], ['reject', 'ap-1', { reason: 'no' }], ['respond', 'q-1', { text: 'invoice', reason: 'it says so' }],
    ['reconcile', 'o-1', { outcome: 'not-done', note: 'looked' }], ['retryParked', { actor: 'mail/m-1' }], ['fork', { id: 'fork:c3', address: 'mail/m-1', at: 2 }], ['query', 'status', {}],
  ]);
});

test('a mail arrives byte for byte with the name of its source', async () => {
  const answer = await post('/api/mail', 'Subject: ü\r\n\r\nText', { ...bearer, 'content-type': 'message/rfc822', 'x-source': encodeURIComponent('Eingang/ä.eml#3') });
  assert.equal(answer.status, 200);
  await post('/api/mail', 'Subject: x\n\n', { ...bearer, 'content-type': 'message/rfc822' });
  assert.deepEqual(site.calls, [['mail', 'Subject: ü\r\n\r\nText', 'Eingang/ä.eml#3'], ['mail', 'Subject: x\n\n', 'http']]);
});

test('a source that is not encoded rightly is a wrong argument', async () => {
  assertError(await post('/api/mail', 'Subject: x\n\n', { ...bearer, 'content-type': 'message/rfc822', 'x-source': '%E0%A4%A' }), 400, 'BAD_ARGUMENT');
  assert.deepEqual(site.calls, []);
});

test('another content type is refused on every route', async () => {
  for (const contentType of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', 'text/plain; application/json', '']) {
    for (const path of await commands()) assertError(await post(path, '{}', { ...bearer, ...(contentType ? { 'content-type': contentType } : {}) }), 400, 'BAD_ARGUMENT', path);
  }
  assert.deepEqual(site.calls, []);
  assert.equal((await post('/api/query', { name: 'status' }, { ...bearer, 'content-type': 'application/json; charset=utf-8' })).status, 200);
});

test('a body that is no JSON, or not of the right shape, is named', async () => {
  for (const body of ['', '{', '"', 'reason=no', '{"reason": "no"', '\u0000']) assertError(await post('/api/inbox/ap-1/reject', body), 400, 'BAD_ARGUMENT');
  for (const body of [null, [], 7, {}, { reason: '' }, { reason: 7 }, { reason: ['no'] }, { reason: 'no', commandId: '' }, { reason: 'no', commandId: 'c'.repeat(101) }]) assertError(await post('/api/inbox/ap-1/reject', body), 400, 'BAD_ARGUMENT');
  assertError(await post('/api/operations/o-1/reconcile', { outcome: 'maybe' }), 400, 'BAD_ARGUMENT');
  for (const body of [{}, { id: 'm', actor: 'a/b' }, { id: '' }]) assertError(await post('/api/parked/retry', body), 400, 'BAD_ARGUMENT');
  for (const body of [{}, { actor: '' }, { actor: 'a/b', at: -1 }, { actor: 'a/b', at: 1.5 }]) assertError(await post('/api/fork', body), 400, 'BAD_ARGUMENT');
  assertError(await post('/api/inbox/ap-1/respond', { text: '' }), 400, 'BAD_ARGUMENT');
  assertError(await post('/api/query', { name: 'status', args: [] }), 400, 'BAD_ARGUMENT');
  assert.deepEqual(site.calls, []);
});

test('a fact and a remark reach the desk, with dates as moments', async () => {
  const fact = await post('/api/facts', { entity: 'product/logo', predicate: 'product.name', value: 'Logo', from: '2026-05-01', to: '2026-06-01T02:00:00+02:00', commandId: 'c1', label: 'system' });
  assert.deepEqual([fact.status, fact.json], [200, { fact: 'f-1-0', entity: 'product/logo', predicate: 'product.name', contradiction: null }]);
  const remark = await post('/api/annotations', { kind: 'fact', id: 'f-1-0', text: 'as on the phone', reason: 'she called' });
  assert.deepEqual([remark.status, remark.json], [200, { annotation: 'a-1-0', target: { kind: 'fact', id: 'f-1-0' } }]);
  assert.deepEqual(site.calls, [
    ['addFact', { entity: 'product/logo', predicate: 'product.name', value: 'Logo', from: Date.UTC(2026, 4, 1), to: Date.UTC(2026, 5, 1), correct: false, confidence: 1, commandId: 'c1' }],
    ['annotate', { kind: 'fact', id: 'f-1-0', text: 'as on the phone', reason: 'she called' }],
  ]);
});

test('a fact or remark of the wrong shape is named and not handed on', async () => {
  const fact = { entity: 'product/logo', predicate: 'product.name', value: 'Logo' };
  for (const [wrong, path] of [[{ value: undefined }, 'value'], [{ from: 'yesterday' }, 'from'], [{ changesFrom: '2026-02-30' }, 'changesFrom'], [{ confidence: 2 }, 'confidence'], [{ entity: 7 }, 'entity'], [{ correct: 'yes' }, 'correct']] as const) {
    const answer = await post('/api/facts', { ...fact, ...wrong });
    assertError(answer, 400, 'BAD_ARGUMENT');
    assert.match(answer.json!.error!.message, new RegExp(`^${path}: `));
  }
  for (const wrong of [{ kind: 'mail', id: 'x', text: 'x' }, { kind: 'fact', id: 'x', text: '' }, { kind: 'fact', text: 'x' }]) assertError(await post('/api/annotations', wrong), 400, 'BAD_ARGUMENT');
  assert.deepEqual(site.calls, []);
});

test('JSON that would not survive storage is refused in one line, on every route', async () => {
  const bodies = [
    '{"reason": NaN}', '{"reason": "no", "x": Infinity}', '{"reason": "no", "__proto__": {"commandId": "c"}}', '{"reason": "no", "x": [{"__proto__": 1}]}',
    '{"reason": "half \\ud83d"}', '{"reason": "no", "\\udc00": 1}', `{"reason": "no", "x": ${'['.repeat(64)}${']'.repeat(64)}}`, `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
  ];
  for (const body of [...bodies, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]) {
    for (const path of await commands()) {
      const answer = await send('POST', path, asJson, body);
      assertError(answer, 400, 'BAD_ARGUMENT', path);
      assert.match(answer.json!.error!.message, /^the body[^\n]+$/);
    }
  }
  assert.deepEqual(site.calls, []);
});

test('a body that is too large is refused, and the server goes on', async () => {
  assertError(await post('/api/inbox/ap-1/reject', { reason: 'x'.repeat(1024 * 1024) }), 400, 'BAD_ARGUMENT');
  assert.deepEqual(site.calls, []);
  assert.equal((await send('GET', '/healthz', bearer)).status, 200);
});

test('actors are told by their address, also one with a slash in it', async () => {
  await post('/api/actors/order%2F1/send', { type: 'PAY', fields: { sum: 1 } });
  await post('/api/actors/order%2F1/order', { order: { do: 'skip' } });
  await post('/api/runs', { machine: 'order' });
  assert.deepEqual(site.calls, [['send', 'order/1', { type: 'PAY', fields: { sum: 1 } }], ['order', 'order/1', { order: { do: 'skip' } }], ['run', 'order', { machine: 'order', input: {} }, 'operator']]);
  assertError(await post('/api/actors/order%2F1/order', { order: { do: 'explode' } }), 400, 'BAD_ARGUMENT');
});

test('what would wait for a paused company is refused with the way out; reading goes on', async () => {
  assert.equal((await post('/api/pause', { reason: 'holiday' })).status, 200);
  for (const path of ['/api/inbox/ap-1/approve', '/api/runs', '/api/actors/order%2F1/send']) {
    const answer = await post(path, {});
    assertError(answer, 409, 'REFUSED');
    assert.match(answer.json!.error!.hint, /keelson resume/);
  }
  assert.deepEqual(site.calls, []);
  assert.equal((await post('/api/query', { name: 'status' })).status, 200);
  assert.equal((await post('/api/resume', {})).status, 200);
  assert.equal((await post('/api/inbox/ap-1/approve', {})).status, 200);
});

const failures: [() => never, number, string][] = [
  [() => { throw new KeelsonError('NOT_FOUND', 'there is no inbox item'); }, 404, 'NOT_FOUND'],
  [() => { throw new KeelsonError('REFUSED', 'it has changed'); }, 409, 'REFUSED'],
  [() => { throw new KeelsonError('BAD_MAIL', 'no header'); }, 400, 'BAD_MAIL'],
  [() => { throw new KeelsonError('STORE_FULL', 'no space'); }, 503, 'STORE_FULL'],
  [() => { throw new KeelsonError('STORE_FAILED', 'away'); }, 503, 'STORE_FAILED'],
  [() => { throw new KeelsonError('BUS_DOWN', 'away'); }, 503, 'BUS_DOWN'],
  [() => { throw new KeelsonError('TIMEOUT', 'no answer'); }, 503, 'TIMEOUT'],
  [() => { throw new KeelsonError('MACHINE_FAILED', 'it threw'); }, 500, 'MACHINE_FAILED'],
  [() => { throw new TypeError('x is not a function'); }, 500, 'TypeError'],
];
for (const [throwIt, status, code] of failures) {
  test(`a failure ${code} is told as ${status} with what to do, never with a stack`, async () => {
    site.state.fail = throwIt;
    const answer = await post('/api/inbox/ap-1/approve', {});
    assertError(answer, status, code);
    assert.equal(answer.json?.error?.hint, code in codes ? codes[code as keyof typeof codes].hint : '');
    assert.doesNotMatch(answer.text, /\n\s+at |\.ts:\d/);
  });
}

test('a port that is taken is a wrong setting', async () => {
  await assert.rejects(startSite({ port: site.port }), (error) => error instanceof KeelsonError && error.code === 'BAD_CONFIG' && /--port/.test(error.hint));
});
