// One declared call as an action: its request, what of it must be vouched for, and what an answer says about whether it was done.
import { z } from 'zod';
import { sha256 } from '#actors/hash.ts';
import type { Control, Found, Money, Performed, Plan } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { action, type Action, type Idempotency } from '../connector.ts';
import { statusError, type Effect } from '../http-errors.ts';
import { checkHeaders, type SafeAnswer, type SafeFetch, type SafeRequest } from '../safe-fetch.ts';
import { at, excerpt, readAnswer } from './answer.ts';
import { schemaFrom } from './json-schema.ts';
import type { DeclaredCall } from './openapi.ts';
import { readTemplate } from './template.ts';

interface Payload { params?: Record<string, unknown> | undefined; body?: unknown }
export interface CallPorts {
  fetch: SafeFetch;
  /** The value of the call's secret header, with its prefix; null when it has none. */
  credential: string | null;
  secret: string | null;
}

const repeatable: Idempotency = { kind: 'native', keyLifetimeMs: Number.MAX_SAFE_INTEGER };

/** Throws BAD_CONFIG for a call that can never be made or checked. */
export function callAction({ call, definitions }: DeclaredCall, { fetch, credential, secret }: CallPorts): Action<never> {
  const name = `http.${call.name}`;
  const effect: Effect = call.effect ?? (call.method === 'GET' ? 'read' : 'write');
  const template = readTemplate(call.url);
  const lookup = call.lookup && { ...call.lookup, template: readTemplate(call.lookup.url) };
  const input = inputOf({ call, definitions }, name);
  checkSettings({ call, definitions }, name, effect);
  const host = template.url.host;
  const values = ({ params = {} }: Payload, operationId: string) => ({ ...params, operation: operationKey(operationId) });
  const bodyOf = ({ body }: Payload, operationId: string) => (call.operationField === undefined ? body : { ...(body as object), [call.operationField]: operationKey(operationId) });

  const request = (payload: Payload, operationId: string): { url: string; request: SafeRequest } => {
    const body = bodyOf(payload, operationId);
    const headers = { accept: 'application/json', ...call.headers, ...(call.idempotencyHeader === undefined ? {} : { [call.idempotencyHeader]: operationKey(operationId) }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    return { url: template.fill(values(payload, operationId)), request: { method: call.method, headers, body: body === undefined ? null : JSON.stringify(body), effect, maxMs: call.maxMs } };
  };
  const withSecret = (headers: Record<string, string> = {}) => (call.secretHeader && credential !== null ? { ...headers, [call.secretHeader.header]: credential } : headers);
  const performed = (answer: SafeAnswer, operationId: string, ref: string | undefined, line: string): Performed => {
    const { value, note } = readAnswer(answer, { expects: call.answer, effect, host, secret });
    const found = at(value, ref);
    return { done: true, providerRef: typeof found === 'string' || typeof found === 'number' ? String(found).slice(0, 200) : operationKey(operationId), note: `${line}: ${answer.status}${note}`, result: { status: answer.status, body: value }, facts: [] };
  };

  return action<Payload>({
    name, title: call.title ?? `${call.method} ${host}${template.path}`, input, effect,
    risk: call.risk ?? (effect === 'read' ? 'low' : 'high'), reversible: call.reversible, money: call.money !== undefined,
    idempotency: effect === 'read' ? repeatable : call.idempotencyHeader !== undefined ? { kind: 'native', keyLifetimeMs: call.idempotencyHours * 3_600_000 } : lookup ? { kind: 'lookup' } : { kind: 'none' },
    async plan(payload, { operationId }) {
      const { url, request: { headers = {}, body } } = request(payload, operationId);
      const shown = [...Object.entries(headers).map(([key, value]) => `${key}: ${value}`), ...(call.secretHeader ? [`${call.secretHeader.header}: (the secret ${call.secretHeader.secret})`] : [])];
      return {
        summary: `${call.title ?? call.name}: ${call.method} ${host}${new URL(url).pathname}`,
        preview: [`${call.method} ${url}`, ...shown, ...(body ? ['', JSON.stringify(JSON.parse(body as string), null, 2)] : [])].join('\n'),
        risk: call.risk ?? (effect === 'read' ? 'low' : 'high'),
        reasons: [], enclosures: [], money: plannedMoney(payload, call.money),
        control: [{ kind: 'host', field: 'host', value: host, vouchedBy: 'declared in connectors/http.json' }, ...controlOf(payload, call)],
      } satisfies Plan;
    },
    async commit(payload, { operationId, signal, nowMs }) {
      const { url, request: sent } = request(payload, operationId);
      const answer = await fetch(url, { ...sent, headers: withSecret(sent.headers), signal });
      const error = statusError({ ...answer, host, effect, nowMs: nowMs(), keyed: call.idempotencyHeader !== undefined, says: excerpt(answer.body, secret) });
      if (error !== null) throw error;
      return performed(answer, operationId, call.ref, `${call.method} ${host}${new URL(url).pathname}`);
    },
    ...(lookup ? { lookup: async (payload: Payload, { operationId, signal, nowMs }): Promise<Found> => {
      const answer = await fetch(lookup.template.fill(values(payload, operationId)), { headers: withSecret({ accept: 'application/json', ...call.headers }), signal, maxMs: call.maxMs });
      const absent = (): Found => (lookup.absentIsFinal ? { found: 'absent', note: `${host} does not know it` } : { found: 'unclear', note: `${host} does not know it yet` });
      if (answer.status === 404 || answer.status === 410) return absent();
      const error = statusError({ ...answer, host, effect: 'read', nowMs: nowMs() });
      if (error?.code === 'SEND_DEFERRED') throw error;
      if (error !== null) return { found: 'unclear', note: error.message };
      const { value } = readAnswer(answer, { expects: 'json', effect: 'read', host, secret });
      const items = at(value, lookup.items);
      if (lookup.items !== undefined && !Array.isArray(items)) return { found: 'unclear', note: `the answer of ${host} has no list at ${lookup.items}` };
      if (Array.isArray(items) && items.length === 0) return absent();
      return { found: 'done', performed: performed({ ...answer, status: 200 }, operationId, lookup.ref, `found at ${host}`) };
    } } : {}),
  });
}

/** The operation's id as it may stand in any header, path or field. */
const operationKey = (operationId: string): string => (/^[\w.-]{1,100}$/.test(operationId) ? operationId : `k-${sha256(operationId).slice(0, 40)}`);

function inputOf({ call, definitions }: DeclaredCall, name: string): z.ZodType<Payload> {
  const plain = z.union([z.string(), z.number(), z.boolean()]);
  const params = [...readTemplate(call.url).params].filter(([key]) => key !== 'operation').map(([key, { optional }]) => {
    const given = call.params[key];
    const schema = given === undefined ? plain : schemaFrom(given, `the parameter '${key}' of ${name}`, { definitions });
    return [key, optional ? schema.optional() : schema] as const;
  });
  return z.strictObject({
    ...(params.length === 0 ? {} : { params: z.strictObject(Object.fromEntries(params)) }),
    ...(call.body === undefined ? {} : { body: schemaFrom(call.body, `the body of ${name}`, { definitions, without: call.operationField }) }),
  }) as unknown as z.ZodType<Payload>;
}

function checkSettings({ call }: DeclaredCall, name: string, effect: Effect): void {
  const refuse = (why: string) => new KeelsonError('BAD_CONFIG', `the call ${name} cannot be used: ${why}`);
  const params = readTemplate(call.url).params;
  const unused = Object.keys(call.params).find((key) => !params.has(key));
  if (unused !== undefined) throw refuse(`its parameter '${unused}' does not stand in its address`);
  if (call.method === 'GET' && call.body !== undefined) throw refuse('a GET has no body');
  if (call.money && (effect === 'read' || call.idempotencyHeader === undefined)) throw refuse("it moves money, so it needs an 'idempotencyHeader' by which its server does one thing per operation");
  if (call.operationField !== undefined && call.body === undefined) throw refuse("it has an 'operationField' and no body");
  if (call.lookup && call.operationField === undefined && !params.has('operation') && call.idempotencyHeader === undefined) throw refuse("its lookup finds nothing, because the request does not carry the operation: give it an 'operationField' or {operation} in its address");
  if (call.lookup && readTemplate(call.lookup.url).url.origin !== readTemplate(call.url).url.origin) throw refuse('its lookup asks another host');
  const foreign = call.lookup && [...readTemplate(call.lookup.url).params.keys()].find((key) => key !== 'operation' && !params.has(key));
  if (foreign !== undefined) throw refuse(`its lookup needs '${foreign}', which the call does not have`);
  try {
    checkHeaders({ ...call.headers, ...Object.fromEntries([call.idempotencyHeader, call.secretHeader?.header].filter((one) => one !== undefined).map((one) => [one, 'x'])) });
  } catch (error) {
    throw refuse((error as Error).message);
  }
  for (const { field } of [...call.control, ...Object.values(call.money ?? {}).map((one) => ({ field: one }))]) {
    const [where, key = ''] = field.split('.');
    if (where === 'params' ? !params.has(key) : call.body === undefined) throw refuse(`'${field}' is no part of its payload`);
  }
}

function controlOf(payload: Payload, { control, money }: DeclaredCall['call']): Control[] {
  const marked = control.flatMap(({ field, kind, vouched }) => {
    const value = at(payload, field);
    const each: [string, unknown][] = Array.isArray(value) ? value.map((one, n) => [`${field}.${n}`, one]) : value === undefined ? [] : [[field, value]];
    return each.map(([where, one]): Control => {
      const plain = typeof one === 'string' && kind !== 'path' ? one.toLowerCase() : (one as Control['value']);
      return { kind, field: where, value: plain, vouchedBy: vouched.includes(String(one)) ? 'listed in connectors/http.json' : null };
    });
  });
  const moved = moneyOf(payload, money);
  if (moved === null || money === undefined) return marked;
  const { payee, ...amount } = moved;
  return [...marked, { kind: 'amount', field: money.amountMinor, value: amount, vouchedBy: null }, { kind: 'payee', field: money.payee, value: payee.toLowerCase(), vouchedBy: null }];
}

function plannedMoney(payload: Payload, money: DeclaredCall['call']['money']): Plan['money'] {
  const moved = moneyOf(payload, money);
  return moved && { ...moved, moves: true };
}

function moneyOf(payload: Payload, money: DeclaredCall['call']['money']): Money | null {
  if (money === undefined) return null;
  const [amountMinor, currency, payee] = [at(payload, money.amountMinor), at(payload, money.currency), at(payload, money.payee)];
  if (!Number.isSafeInteger(amountMinor) || (amountMinor as number) <= 0) throw new KeelsonError('REFUSED', `${money.amountMinor} is no amount in minor units above zero`);
  if (typeof currency !== 'string' || !/^[A-Za-z]{3}$/.test(currency)) throw new KeelsonError('REFUSED', `${money.currency} is no currency like EUR`);
  if (typeof payee !== 'string' || payee === '') throw new KeelsonError('REFUSED', `${money.payee} names no payee`);
  return { amountMinor: amountMinor as number, currency: currency.toUpperCase(), payee };
}
