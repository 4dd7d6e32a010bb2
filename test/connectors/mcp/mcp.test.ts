// Goal: a tool of an MCP server is called once, as the operator pinned it, with arguments that were checked, and whatever the server
// does ends in a named code. Method: a real server of the other half of the SDK, as hostile as it can be, as a program and over HTTP.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Action, Connector } from '#connectors/connector.ts';
import { changed, createMcpConnectors, listMcpTools, pinsOf, secretNames, settingsSchema, type McpSettings } from '#connectors/mcp/connector.ts';
import type { Performed } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { connectorContract } from '#test/contract/connector.ts';
import { mcpCalls, mcpProgram, startMcpHttp, type McpHttp, type McpMode } from '#test/kit/mcp-server.ts';

const home = mkdtempSync(join(tmpdir(), 'keelson-mcp-'));
const stops: McpHttp[] = [];
after(async () => {
  for (const server of stops) await server.stop();
  rmSync(home, { recursive: true, force: true });
});
let logs = 0;
const newLog = () => join(home, `calls-${++logs}`);
const signal = () => AbortSignal.timeout(60_000);
const secret = 'canary-token-77e1-never-to-be-seen';

const first = { servers: [{ name: 'notes', ...mcpProgram('normal', newLog()) }] };
const pins = { notes: pinsOf(await listMcpTools(first, 'notes', { secrets: {}, signal: signal() })).pins };

interface Place { connector: Connector; log: string; run(verb: string, args: object, signal?: AbortSignal): Promise<Performed>; plan(verb: string, args: object): ReturnType<Action<unknown>['plan']>; parse(verb: string, args: unknown): boolean }
function place(server: Partial<McpSettings['servers'][number]>, { secrets = {}, log = newLog() }: { secrets?: Record<string, string>; log?: string } = {}): Place {
  const [connector] = createMcpConnectors({ servers: [{ name: 'notes', ...server }] }, { pins, secrets });
  const documents = { read: () => Promise.reject(new Error('no')), keep: () => Promise.reject(new Error('no')) };
  const actionOf = (verb: string) => connector!.actions.find(({ name }) => name === `mcp-notes.${verb}`) as unknown as Action<unknown>;
  const call = { operationId: 'operation/1', documents, nowMs: Date.now, reservation: null };
  return {
    connector: connector!, log,
    run: (verb, args, until = signal()) => actionOf(verb).commit(actionOf(verb).input.parse(args), { ...call, signal: until }),
    plan: (verb, args) => actionOf(verb).plan(actionOf(verb).input.parse(args), call),
    parse: (verb, args) => actionOf(verb).input.safeParse(args).success,
  };
}
const program = (mode: McpMode, server: Partial<McpSettings['servers'][number]> = {}, secrets: Record<string, string> = {}) => {
  const log = newLog();
  return place({ ...mcpProgram(mode, log), ...server }, { secrets, log });
};
async function http(mode: McpMode, answer?: Parameters<typeof startMcpHttp>[2], server: Partial<McpSettings['servers'][number]> = {}, secrets: Record<string, string> = {}) {
  const log = newLog();
  const running = await startMcpHttp(mode, log, answer);
  stops.push(running);
  return { ...place({ url: running.url, ...server }, { secrets, log }), running };
}

const fails = (code: string, message = /./) => (error: unknown) => {
  assert.ok(error instanceof KeelsonError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};
const textOf = ({ result }: Performed) => (result as { text: string }).text;
const good = { title: 'Offer', text: 'for Anna' };

test('a server as a program keeps the contract', (t) => {
  const { connector, log } = program('normal', { reads: ['search', 'environment'] });
  return connectorContract(t, {
    connector,
    good: { 'mcp-notes.add-note': good, 'mcp-notes.search': { query: 'Anna', limit: 3 }, 'mcp-notes.environment': {} },
    bad: { 'mcp-notes.add-note': [{}, { title: '' }, { title: 'a', bcc: 'x@evil.example' }, { title: 1 }, [], null], 'mcp-notes.search': [{ query: 'a', limit: 51 }], 'mcp-notes.environment': [{ more: 1 }] },
    provider: { executed: () => mcpCalls(log).filter(({ tool }) => tool === 'add_note').length },
  });
});

test('a server over HTTP keeps the contract, whether or not it answers, and gets its token', { timeout: 120_000 }, async (t) => {
  let silence: { reached: () => void } | null = null;
  let lose = false;
  const { connector, log, running } = await http('modern', (body, _request, response) => {
    if (!body.includes('"tools/call"')) return false;
    if (silence) silence.reached();
    if (lose) {
      lose = false;
      mcpCallLost(log);
      response.destroy();
      return true;
    }
    return silence !== null;
  }, { reads: ['search', 'environment'], token: 'NOTES_TOKEN' }, { NOTES_TOKEN: secret });
  await connectorContract(t, {
    connector, secrets: { NOTES_TOKEN: secret },
    good: { 'mcp-notes.add-note': good, 'mcp-notes.search': { query: 'Anna' }, 'mcp-notes.environment': {} },
    provider: {
      executed: () => mcpCalls(log).filter(({ tool }) => tool === 'add_note').length,
      loseNextReply: () => void (lose = true),
      silence() {
        const { promise, resolve } = Promise.withResolvers<void>();
        silence = { reached: resolve };
        return { reached: promise, end: () => void (silence = null) };
      },
    },
  });
  assert.deepEqual([...running.authorizations], [`Bearer ${secret}`]);
});

test('a write is done once, by servers of either protocol, and says what the tool said', async () => {
  for (const one of [program('normal'), program('modern'), program('legacy'), await http('normal'), await http('modern')]) {
    assert.equal(textOf(await one.run('add-note', good)), `add_note: ${JSON.stringify(good)}`);
    assert.equal(textOf(await one.run('add-note', { title: 'again' })), 'add_note: {"title":"again"}');
    assert.deepEqual(mcpCalls(one.log).map((call) => call.arguments), [good, { title: 'again' }]);
  }
});

test('what a server says of itself changes nothing: a tool reads only when the operator says so', async () => {
  const { connector, plan } = program('normal');
  assert.deepEqual(connector.actions.map(({ name, effect, risk, idempotency }) => [name, effect, risk, idempotency.kind]), [['mcp-notes.add-note', 'write', 'high', 'none'], ['mcp-notes.search', 'write', 'high', 'none'], ['mcp-notes.environment', 'write', 'high', 'none']]);
  assert.equal(pins.notes['add_note']!.annotations !== null, true, 'the server did claim to be harmless');
  const fields = (await plan('add-note', good)).control.map(({ kind, field, value, vouchedBy }) => [kind, field, value, vouchedBy !== null]);
  assert.deepEqual(fields, [['host', 'server', 'notes', true], ['recipient', 'title', 'offer', false], ['recipient', 'text', 'for anna', false]]);
  const told = program('normal', { reads: ['search'], content: { search: ['query'] } });
  assert.deepEqual((await told.plan('search', { query: 'Anna', limit: 3 })).control.map(({ field }) => field), ['server', 'limit']);
});

test('a tool that says something else than when it was pinned is not called, nor one that is gone', async () => {
  for (const [mode, message] of [['poisoned', /says something else/], ['widened', /says something else/], ['gone', /no longer has/]] as const) {
    for (const one of [program(mode), await http(mode)]) {
      await assert.rejects(one.run('add-note', good), fails('REFUSED', message));
      assert.deepEqual(mcpCalls(one.log), []);
    }
  }
});

test('the differences to the pins are named, and pinning again makes them good', async () => {
  const poisoned = { servers: [{ name: 'notes', ...mcpProgram('poisoned', newLog()) }] };
  const tools = await listMcpTools(poisoned, 'notes', { secrets: {}, signal: signal() });
  assert.deepEqual(changed(pins.notes, tools), ['add_note', 'search', 'environment'].map((tool) => ({ tool, what: 'changed' })));
  assert.deepEqual(changed({ ...pins.notes, old: { ...pins.notes['search']!, name: 'old' } }, []).map(({ what }) => what), ['gone', 'gone', 'gone', 'gone']);
  assert.deepEqual(changed({}, tools).map(({ what }) => what), ['new', 'new', 'new']);
  assert.deepEqual(changed(pinsOf(tools).pins, tools), []);
  const [again] = createMcpConnectors(poisoned, { pins: { notes: pinsOf(tools).pins }, secrets: {} });
  assert.notEqual(again!.version, place(mcpProgram('poisoned', '')).connector.version, 'another word is another version');
  for (const { title } of again!.actions) assert.ok(title.length <= 200 && !/[\n\r]/.test(title));
});

test('an answer without end is named so, a read as refused, a write as unknown', { timeout: 120_000 }, async () => {
  for (const one of [program('huge', { reads: ['search'] }), await http('huge', undefined, { reads: ['search'] })]) {
    await assert.rejects(one.run('search', { query: 'a' }), fails('SEND_REFUSED', /too large/));
    await assert.rejects(one.run('add-note', good), fails('SEND_UNKNOWN', /too large/));
    assert.equal(mcpCalls(one.log).length, 2);
  }
});

test('no answer in time: unknown for a write, to be tried again for a read; and the program is ended, however rude', { timeout: 120_000 }, async () => {
  for (const one of [program('silent', { reads: ['search'] }), program('rude', { reads: ['search'] }), await http('silent', undefined, { reads: ['search'] })]) {
    const afterCall = async (calls: number) => {
      const stop = new AbortController();
      void (async () => {
        while (mcpCalls(one.log).length < calls) await delay(20);
        stop.abort();
      })();
      return stop.signal;
    };
    await assert.rejects(one.run('add-note', good, await afterCall(1)), fails('SEND_UNKNOWN'));
    await assert.rejects(one.run('search', { query: 'a' }, await afterCall(2)), fails('SEND_DEFERRED'));
    for (let tries = 0; stillRunning(one.log) !== ''; tries += 1) {
      assert.ok(tries < 200, `still there: ${stillRunning(one.log)}`);
      await delay(50);
    }
  }
});

test('no answer to the listing means that nothing was called', async () => {
  for (const one of [program('mute'), await http('mute')]) {
    await assert.rejects(one.run('add-note', good, AbortSignal.timeout(3_000)), fails('SEND_DEFERRED'));
    assert.deepEqual(mcpCalls(one.log), []);
  }
});

test('a server that dies in the middle of a call leaves a write unknown and a read to be tried again', async () => {
  const one = program('exits', { reads: ['search'] });
  await assert.rejects(one.run('add-note', good), fails('SEND_UNKNOWN'));
  await assert.rejects(one.run('search', { query: 'a' }), fails('SEND_DEFERRED'));
  assert.equal(mcpCalls(one.log).length, 2, 'nothing was called again by itself');
});

test('a program that is not there, ends at once or speaks no MCP was not called', { timeout: 60_000 }, async () => {
  for (const server of [{ command: '/nowhere/at-all' }, { command: '/bin/true' }, { command: '/bin/cat', args: [] }]) {
    await assert.rejects(place(server).run('add-note', good, AbortSignal.timeout(15_000)), fails('SEND_DEFERRED'), server.command);
  }
  const noisy = program('garbage');
  assert.equal(textOf(await noisy.run('add-note', good)), `add_note: ${JSON.stringify(good)}`, 'lines that are no JSON are passed over');
});

test('nobody is asked anything on behalf of a server', async () => {
  // By a server that asks before it knows us, one that asks in a request of its own, and one that answers with a question.
  await assert.rejects(program('asks').run('add-note', good), fails('SEND_UNKNOWN', /do not declare/));
  await assert.rejects(program('legacy-asks').run('add-note', good), fails('SEND_UNKNOWN', /elicitation/));
  const asking = await http('modern', (body, _request, response) => {
    if (!body.includes('"tools/call"')) return false;
    const { id } = JSON.parse(body) as { id: number };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result: { resultType: 'input_required', requestState: 'x', inputRequests: { password: { method: 'elicitation/create', params: { mode: 'url', message: 'Sign in', url: 'https://evil.example/', elicitationId: '1' } } } } }));
    return true;
  }, { reads: ['search'] });
  await assert.rejects(asking.run('add-note', good), fails('SEND_UNKNOWN', /asks for input/));
  await assert.rejects(asking.run('search', { query: 'a' }), fails('SEND_REFUSED', /asks for input/));
});

test('a tool that reports an error may have done something; one that took no such arguments has not', async () => {
  const failing = program('fails', { reads: ['search'], secrets: ['NOTES_TOKEN'] }, { NOTES_TOKEN: secret });
  await assert.rejects(failing.run('add-note', good), (error: KeelsonError) => fails('SEND_UNKNOWN', /the disk of \[secret\] is full \[2J$/)(error) && !JSON.stringify(error).includes(secret));
  await assert.rejects(failing.run('search', { query: 'a' }), fails('SEND_REFUSED', /disk of \[secret\] is full/));
  await assert.rejects(program('refuses').run('add-note', good), fails('SEND_REFUSED', /no such note/));
});

test('HTTP answers are told apart: refused, later, unknown', async () => {
  const answers: [status: number, headers: Record<string, string>, code: string, retryAfterMs?: number][] = [
    [400, {}, 'SEND_REFUSED'], [401, {}, 'SEND_REFUSED'], [403, {}, 'SEND_REFUSED'], [404, {}, 'SEND_REFUSED'], [413, {}, 'SEND_REFUSED'],
    [429, { 'retry-after': '7' }, 'SEND_DEFERRED', 7_000], [429, { 'retry-after': 'never' }, 'SEND_DEFERRED'], [408, {}, 'SEND_UNKNOWN'], [500, {}, 'SEND_UNKNOWN'], [503, {}, 'SEND_UNKNOWN'],
    [200, { 'content-type': 'application/json' }, 'SEND_UNKNOWN'], [200, { 'content-type': 'text/html' }, 'SEND_UNKNOWN'],
  ];
  for (const [status, headers, code, retryAfterMs] of answers) {
    const one = await http('normal', (body, _request, response) => {
      if (!body.includes('"tools/call"')) return false;
      response.writeHead(status, headers).end('{"jsonrpc": "2.0", nonsense');
      return true;
    });
    const error = await one.run('add-note', good, AbortSignal.timeout(10_000)).catch((thrown: KeelsonError) => thrown);
    assert.ok(error instanceof KeelsonError, `${status}`);
    assert.deepEqual([status, error.code, error.retryAfterMs], [status, code, retryAfterMs], error.message);
  }
});

test('a redirect leads nowhere, and nothing of it carries the token', async () => {
  const other = await http('normal');
  for (const status of [301, 302, 307, 308]) {
    const one = await http('normal', (_body, _request, response) => {
      response.writeHead(status, { location: other.running.url }).end();
      return true;
    }, { token: 'NOTES_TOKEN' }, { NOTES_TOKEN: secret });
    await assert.rejects(one.run('add-note', good), (error: KeelsonError) => /^SEND_(REFUSED|DEFERRED)$/.test(error.code));
  }
  assert.deepEqual([...other.running.authorizations, ...mcpCalls(other.log)], []);
});

test('a program gets a small environment, its own secrets, and another folder than ours', async () => {
  process.env['KEELSON_CANARY'] = 'should not be seen';
  const one = program('normal', { secrets: ['NOTES_TOKEN'] }, { NOTES_TOKEN: secret, STRIPE_KEY: 'of another connector' });
  const text = textOf(await one.run('environment', {}));
  const { NOTES_TOKEN, cwd, ...seen } = JSON.parse(text) as Record<string, string>;
  assert.deepEqual([NOTES_TOKEN, cwd === process.cwd()], ['[secret]', false], 'and what it was given does not come back');
  assert.deepEqual(Object.keys(seen).filter((name) => !['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER'].includes(name)), []);
});

test('pictures and links of a result are left out and counted', async () => {
  assert.deepEqual((await program('pictures').run('add-note', good)).result, { text: 'a picture', leftOut: 2, isCut: false });
});

test('settings that leave something open are refused', () => {
  const server = (given: object) => settingsSchema.safeParse({ servers: [{ name: 'notes', ...given }] }).success;
  assert.equal(server({ url: 'https://mcp.example/v1' }), true);
  assert.equal(server({ url: 'http://[::1]:3000/mcp' }), true);
  for (const bad of [{}, { command: 'a', url: 'https://mcp.example/' }, { url: 'http://mcp.example/' }, { url: 'http://127.example.com/' }, { url: 'http://10.0.0.1/' }, { url: 'https://user:pass@mcp.example/' }, { url: 'file:///etc/passwd' }, { url: 'https://mcp.example/', secrets: ['A'] }, { command: 'a', token: 'A' }, { command: 'a', shell: true }, { command: 'a', secrets: ['lower'] }, { name: 'Notes', command: 'a' }]) assert.equal(server(bad), false, JSON.stringify(bad));
  assert.equal(settingsSchema.safeParse({ servers: [{ name: 'a', command: 'a' }, { name: 'a', command: 'b' }] }).success, false);
  assert.deepEqual(secretNames({ servers: [{ name: 'a', command: 'a', secrets: ['A', 'B'] }, { name: 'b', url: 'https://mcp.example/', token: 'B' }] }), ['A', 'B']);
  const make = (servers: McpSettings['servers'], given = {}) => () => createMcpConnectors({ servers }, { pins, secrets: given });
  assert.throws(make([{ name: 'notes', command: 'a', reads: ['sarch'] }]), fails('BAD_CONFIG', /'sarch', which is not pinned/));
  assert.throws(make([{ name: 'notes', command: 'a', secrets: ['NOTES_TOKEN'] }]), fails('BAD_CONFIG', /needs the secret NOTES_TOKEN/));
  assert.deepEqual(make([{ name: 'unpinned', command: 'a' }])(), [], 'a server that nobody pinned has no actions');
});

test('tools whose arguments cannot be checked, or whose names meet, are not pinned', async () => {
  const tool = (inputSchema: object, name = 'a') => ({ name, description: '', inputSchema: { type: 'object', ...inputSchema } });
  const cyclic = { properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { type: 'object', properties: { a: { $ref: '#/$defs/a' } } } } };
  const doubling = { properties: { x: { $ref: '#/$defs/d0' } }, $defs: Object.fromEntries(Array.from({ length: 28 }, (_, n) => [`d${n}`, { anyOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] }]).concat([['d28', { type: 'string' } as never]])) };
  let deep: object = { type: 'string' };
  for (let n = 0; n < 100; n++) deep = { type: 'array', items: deep };
  for (const bad of [{ not: { required: ['a'] } }, { if: {} }, { patternProperties: { '^(a+)+$': {} } }, { properties: { a: { $ref: 'https://evil.example/schema' } } }, { properties: { a: { $ref: '#/nowhere' } } }, { properties: { a: { type: ['array', 'array'] } } }, { properties: { a: { allOf: [{}, {}] } } }, { properties: [] }, { properties: { a: 'string' } }, { type: 'array' }, { unevaluatedProperties: false }, { description: 'x'.repeat(70_000) }, cyclic, doubling, { properties: { a: deep } }, JSON.parse('{"properties": {"__proto__": {"type": "string"}}}') as object]) {
    const { pins: none, refused } = pinsOf([tool(bad)]);
    assert.deepEqual([Object.keys(none), refused.length], [[], 1], JSON.stringify(bad).slice(0, 100));
  }
  for (const name of ['', 'a\nb', '../a', '__proto__', 'a'.repeat(129), '---', 'ünder']) assert.equal(pinsOf([tool({}, name)]).refused.length, name === '../a' ? 0 : 1, name);
  assert.deepEqual(pinsOf([tool({}, 'Add Note'), tool({}, 'add_note')]).refused, [{ tool: 'add_note', reason: "'Add Note' is called 'add-note' too" }]);
  const many = { servers: [{ name: 'notes', ...mcpProgram('many', newLog()) }] };
  const { pins: kept, refused } = pinsOf(await listMcpTools(many, 'notes', { secrets: {}, signal: signal() }));
  assert.deepEqual([Object.keys(kept).length, refused.length], [200, 100]);
});

test('objects within arguments are closed too, references are followed, and no regular expression runs', () => {
  const { pins: made, refused } = pinsOf([{ name: 'a', description: '', inputSchema: { type: 'object', required: ['to'], properties: {
    to: { $ref: '#/$defs/person' }, pattern: { type: 'string', pattern: '^(a+)+$' }, rows: { type: 'array', items: { type: 'object', properties: { n: { type: 'number' } }, additionalProperties: true } },
    either: { anyOf: [{ type: 'string' }, { type: 'null' }] }, kind: { enum: ['x', 'y'] }, free: { type: 'object', additionalProperties: { type: 'number' } }, wrapped: { allOf: [{ $ref: '#/$defs/person' }], description: 'as pydantic writes it' },
  }, $defs: { person: { type: 'object', properties: { name: { type: 'string' } } } } } }]);
  assert.deepEqual(refused, []);
  const [connector] = createMcpConnectors({ servers: [{ name: 's', command: 'a' }] }, { pins: { s: made }, secrets: {} });
  const takes = (args: object) => (connector!.actions[0] as unknown as Action<unknown>).input.safeParse(args).success;
  assert.equal(takes({ to: { name: 'Anna' }, pattern: `${'a'.repeat(50)}!`, rows: [{ n: 1 }], either: null, kind: 'x', free: { any: 1 }, wrapped: { name: 'Bo' } }), true);
  for (const bad of [{}, { to: { name: 'Anna', bcc: 'x' } }, { to: {}, rows: [{ m: 1 }] }, { to: {}, kind: 'z' }, { to: {}, free: { any: '1' } }, { to: {}, wrapped: { bcc: 1 } }, { to: {}, either: 1 }]) assert.equal(takes(bad), false, JSON.stringify(bad));
});

function mcpCallLost(log: string): void {
  execFileSync('/bin/sh', ['-c', 'echo \'{"tool":"add_note","arguments":"and the reply was lost"}\' >> "$1"', 'sh', log]);
}

/** Programs of that log which still run. */
function stillRunning(log: string): string {
  return execFileSync('/bin/sh', ['-c', 'ps -eo pid,args | grep -F -- "$1" | grep -v grep || true', 'sh', log], { encoding: 'utf8' }).trim();
}
