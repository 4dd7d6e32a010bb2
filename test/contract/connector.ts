// What every connector must do (connectors/connector.ts). Not a test by itself: a connector's test calls it with one good payload per
// action and what must be refused. With a provider double it performs them too, and proves that a lost reply doubles nothing.
//   test('the shop connector keeps the contract', (t) => connectorContract(t, { connector, good: { 'shop.order': { … } }, bad: { 'shop.order': [ … ] }, provider }));
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { inspect } from 'node:util';
import { z } from 'zod';
import type { Action, Call, Connector } from '#connectors/connector.ts';
import type { Documents } from '#connectors/documents.ts';
import { performedSchema, planSchema, reservationSchema, type Reservation } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { whyNotFact } from '#machines/predicates.ts';

/** Stands for the world that the connector reaches in the test. */
export interface Provider {
  /** How often the world was changed so far. A `prepare` is no change, its `commit` is one. */
  executed(): number | Promise<number>;
  /** The next write is executed, and its reply is lost. */
  loseNextReply?(): void;
  /** From now on requests are taken, not executed and not answered; `reached` when one is there. `end` may come twice. */
  silence?(): { reached: Promise<unknown>; end(): unknown };
}

export interface ConnectorContract {
  connector: Connector;
  /** Needed when a plan reads a document. */
  documents?: Documents;
  /** One payload per action; a function when each try needs its own: `(n) => ({ path: `note-${n}.txt` })`. */
  good: Record<string, unknown>;
  /** Payloads that schema or plan must refuse. */
  bad?: Record<string, unknown[]>;
  /** Why a write action has no control field. */
  uncontrolled?: Record<string, string>;
  /** The secrets the connector was made with: long, odd values that are looked for in plans, errors and results. */
  secrets?: Record<string, string>;
  /** Without it nothing is performed. */
  provider?: Provider;
  nowMs?(): number;
}

const noDocuments: Documents = { read: (id) => Promise.reject(new KeelsonError('NOT_FOUND', `there is no document '${id}'`)), keep: () => Promise.reject(new Error('this test keeps no documents')) };

export async function connectorContract(t: { test: (name: string, run: (t: TestContext) => void | Promise<void>) => unknown }, { connector, documents = noDocuments, good, bad = {}, uncontrolled = {}, secrets = {}, provider, nowMs = Date.now }: ConnectorContract): Promise<void> {
  const actions = connector.actions as unknown as Action<unknown>[];
  let made = 0;
  const parse = ({ name, input }: Action<unknown>) => input.parse(typeof good[name] === 'function' ? (good[name] as (n: number) => unknown)(++made) : good[name]);
  const call = (operationId: string, signal = new AbortController().signal): Call => ({ operationId, documents, signal, nowMs });
  const keepsSecrets = <T>(value: T, where: string): T => {
    const text = inspect(value, { depth: 8, maxStringLength: null, maxArrayLength: null });
    for (const [name, secret] of Object.entries(secrets)) assert.ok(!text.includes(secret), `${where} shows the secret ${name}`);
    return value;
  };
  const failure = async (work: Promise<unknown>, where: string): Promise<KeelsonError> => {
    const error = await work.then((value) => assert.fail(`${where} succeeded with ${inspect(value)}`), (thrown: unknown) => thrown);
    assert.ok(error instanceof KeelsonError, `${where} threw no KeelsonError: ${inspect(error)}`);
    return keepsSecrets(error, `the error of ${where}`);
  };

  await t.test(`${connector.name}: the manifest is consistent`, () => {
    assert.match(connector.name, /^[a-z][a-z0-9-]*$/);
    assert.ok(connector.version.length > 0, 'a version is part of what is approved');
    for (const host of connector.hosts) assert.match(host, /^(\*|\[[0-9a-f:]+\](:\d+)?|[a-z0-9.-]+(:\d+)?)$/, 'a host is a name in small letters, with or without port, or *');
    for (const secret of connector.secrets) assert.match(secret, /^[A-Z][A-Z0-9_]*$/, 'a secret is named like an environment variable');
    assert.deepEqual(actions.map(({ name }) => name).toSorted(), Object.keys(good).toSorted(), 'one good payload per action, and no action twice');
    for (const { name, title, effect, money, idempotency, prepare, abort, lookup, input } of actions) {
      assert.ok(name.startsWith(`${connector.name}.`) && /\.[\w.-]+$/.test(name), `${name} is not <connector>.<verb>`);
      assert.match(title, /^.+$/, `${name} has no title of one line`);
      assert.equal(prepare === undefined, abort === undefined, `${name}: what prepare holds, abort lets go`);
      if (effect === 'read') assert.ok(!money && !prepare, `${name} reads, so it moves no money and holds nothing`);
      if (idempotency.kind === 'lookup') assert.ok(lookup, `${name} says 'lookup' and has none`);
      if (idempotency.kind === 'native') assert.ok(idempotency.keyLifetimeMs > 0, `${name}: the key lives for no time`);
      if (money) assert.ok(prepare !== undefined || idempotency.kind === 'native', `${name} moves money with neither two phases nor a key of the provider`);
      assert.deepEqual(openObjects(z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }), name), [], 'unknown fields must be refused: use z.strictObject');
    }
  });

  await t.test(`${connector.name}: a plan is pure, always the same, and names what must be vouched for`, async ({ mock }) => {
    const trap = (what: string) => (): never => assert.fail(`a plan must not ${what}`);
    mock.method(globalThis, 'fetch', trap('fetch'));
    mock.method(Socket.prototype, 'connect', trap('connect'));
    mock.timers.enable({ apis: ['Date'] });
    for (const one of actions) {
      const payload = parse(one);
      const plan = (now: number) => (mock.timers.setTime(now), one.plan(structuredClone(payload), { operationId: 'op/plan', documents: { ...documents, keep: trap('keep a document') } }));
      const first = keepsSecrets(await plan(1_000_000_000_000), `the plan of ${one.name}`);
      assert.deepEqual(await plan(1_900_000_000_000), first, `${one.name} plans differently at another time`);
      assert.deepEqual(planSchema.parse(JSON.parse(JSON.stringify(first))), first, `${one.name}: the plan is not the plain JSON of planSchema`);
      assert.ok(one.effect === 'read' || first.control.length > 0 || uncontrolled[one.name], `${one.name} names no control field, and 'uncontrolled' does not say why`);
      for (const { kind, field, value } of first.control) if (kind === 'recipient' || kind === 'host') assert.equal(JSON.stringify(value).toLowerCase(), JSON.stringify(value), `${one.name} ${field}: a ${kind} is compared in small letters`);
      assert.equal(first.money !== null, one.money, `${one.name}: plan.money and the manifest disagree`);
      if (first.money === null) continue;
      const { payee: _, moves: __, ...amount } = first.money;
      assert.deepEqual(first.control.find(({ kind }) => kind === 'amount')?.value, amount, `${one.name}: the amount is a control field`);
      assert.ok(first.control.some(({ kind }) => kind === 'payee'), `${one.name}: the payee is a control field`);
    }
  });

  for (const one of actions) for (const [n, payload] of (bad[one.name] ?? []).entries()) await t.test(`${one.name}: bad payload ${n} is refused`, async () => {
    const read = one.input.safeParse(payload);
    if (!read.success) return;
    const { code, message } = await failure((async () => one.plan(read.data, call('op/bad')))(), `the plan of ${inspect(payload)}`);
    assert.ok(code === 'REFUSED' || code === 'NOT_FOUND', `${code}: ${message}`);
  });
  if (!provider) return;

  for (const one of actions) {
    const id = (what: string) => `operation/contract-${one.name}#${what}`;
    const prepare = async (payload: unknown, operationId: string) => (one.prepare ? keepsSecrets(reservationSchema.parse(await one.prepare(payload, call(operationId))), `the reservation of ${one.name}`) : null);
    const commit = async (payload: unknown, operationId: string, reservation: Reservation | null, signal?: AbortSignal) => keepsSecrets(performedSchema.parse(await one.commit(payload, { ...call(operationId, signal), reservation })), `the result of ${one.name}`);
    /** It was done: the provider's key makes a repetition harmless, a lookup finds it, and neither changes the world. */
    const settles = async (payload: unknown, operationId: string, reservation: Reservation | null, refs: string[]) => {
      const before = await provider.executed();
      const found = await one.lookup?.(payload, { ...call(operationId), reservation });
      if (found) assert.equal(found.found, 'done', `${one.name}: lookup says ${inspect(found)}`);
      if (found?.found === 'done') refs.push(keepsSecrets(performedSchema.parse(found.performed), `what lookup of ${one.name} found`).providerRef);
      if (one.idempotency.kind === 'native') refs.push((await commit(payload, operationId, reservation)).providerRef);
      assert.deepEqual(refs, refs.map(() => refs[0]), `${one.name}: one effect has several references`);
      assert.equal(await provider.executed(), before, `${one.name} was executed again`);
    };

    await t.test(`${one.name}: what is done is done once, and found again by its operation id`, async () => {
      const [payload, before] = [parse(one), await provider.executed()];
      const reservation = await prepare(payload, id('1'));
      assert.equal((await prepare(payload, id('1')))?.ref, reservation?.ref, `${one.name}: prepared twice, something else is held`);
      assert.equal(await provider.executed(), before, `${one.name}: prepare does it already`);
      const { done, providerRef, facts } = await commit(payload, id('1'), reservation);
      for (const fact of facts) assert.deepEqual([fact.label, whyNotFact(fact, 'agent')], ['system', null], `${one.name}: ${inspect(fact)}`);
      assert.equal((await provider.executed()) - before, one.effect === 'write' && done ? 1 : 0, `${one.name}: times executed`);
      if (one.effect === 'write' && done) await settles(payload, id('1'), reservation, [providerRef]);
      assert.notEqual((await one.lookup?.(payload, { ...call(id('never')), reservation: null }))?.found, 'done', `${one.name}: lookup finds what never happened`);
    });

    if (provider.loseNextReply && one.effect === 'write') await t.test(`${one.name}: a lost reply is unknown, and settles without a second execution`, async () => {
      const [payload, before] = [parse(one), await provider.executed()];
      const reservation = await prepare(payload, id('lost'));
      provider.loseNextReply?.();
      assert.equal((await failure(commit(payload, id('lost'), reservation), `commit of ${one.name}`)).code, 'SEND_UNKNOWN');
      assert.equal((await provider.executed()) - before, 1, `${one.name}: times executed`);
      await settles(payload, id('lost'), reservation, []);
    });

    await t.test(`${one.name}: a call whose time is up says so, and what it held can be let go twice`, async () => {
      const [payload, before] = [parse(one), await provider.executed()];
      const reservation = await prepare(payload, id('late'));
      const late = async (signal: AbortSignal) => assert.match((await failure(commit(payload, id('late'), reservation, signal), `the aborted commit of ${one.name}`)).code, /^SEND_(DEFERRED|UNKNOWN)$/);
      await late(AbortSignal.abort());
      const [silence, controller] = [provider.silence?.(), new AbortController()];
      const pending = silence && late(controller.signal);
      await Promise.race([silence?.reached, pending]);
      controller.abort();
      await Promise.resolve(pending).finally(() => silence?.end());
      assert.equal(await provider.executed(), before, `${one.name} happened although its time was up`);
      if (reservation) for (const _ of [1, 2]) await one.abort?.(payload, { ...call(id('late')), reservation });
    });
  }
}

/** Where a JSON schema has an object that takes any field. A record is meant to. */
function openObjects(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties, additionalProperties } = schema as { properties?: object; additionalProperties?: unknown };
  return [...(properties !== undefined && additionalProperties !== false ? [path] : []), ...Object.entries(schema).flatMap(([key, value]) => openObjects(value, `${path}.${key}`))];
}
