// Goal: adding a forbid never widens, adding a permit never narrows, and neither the order of files nor of rules matters. Method: generated
// policies and requests; a failing case prints the seed to run it again.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import type { PolicyContext } from '#connectors/policy.ts';
import { actions, parse, request, rule } from './policy-kit.ts';

const scopes = ['principal, action, resource', 'principal == Agent::"mail", action, resource', 'principal, action in Action::"writes", resource', 'principal, action in Action::"reads", resource', 'principal, action == Action::"payments.charge", resource', 'principal, action, resource == Connector::"mail"'];
const conditions = ['context.approvals >= 1', 'context.tainted.isEmpty()', 'context.amountMinor <= 5000', 'context.recipientDomains.contains("holt.example")', 'context.supervised', 'context.risk == "high"', 'context.mode == "live"', 'context.approvals == 0', 'context.amountMinor * 9223372036854775807 > 1'];

const body = fc.record({ scope: fc.constantFrom(...scopes), when: fc.option(fc.constantFrom(...conditions)), unless: fc.option(fc.constantFrom(...conditions)) })
  .map(({ scope, when, unless }) => `(${scope})${when ? ` when { ${when} }` : ''}${unless ? ` unless { ${unless} }` : ''}`);
const rules = fc.array(fc.record({ effect: fc.constantFrom('permit', 'forbid'), body }), { maxLength: 6 });
const requests = fc.record({
  action: fc.constantFrom(...actions.map(({ name }) => name), 'no.such'),
  context: fc.record({ tainted: fc.subarray(['recipient', 'amount']), supervised: fc.boolean(), amountMinor: fc.constantFrom(0, 5_000, 5_001), mode: fc.constantFrom('live', 'dry-run'), risk: fc.constantFrom('low', 'high') } satisfies Partial<Record<keyof PolicyContext, unknown>>),
}).map(({ action, context }) => request(action, context));
const several = fc.array(requests, { minLength: 4, maxLength: 8 });

const textOf = (all: { effect: string; body: string }[], name = 'r') => all.map(({ effect, body: rest }, i) => rule(`${name}${i}`, `${effect} ${rest}`));
const width = { deny: 0, ask: 1, allow: 2 };

test('adding a forbid never widens an answer', async () => {
  await fc.assert(fc.asyncProperty(rules, body, several, async (some, more, asked) => {
    const [before, after] = await Promise.all([parse(textOf(some).join('')), parse({ own: textOf(some).join(''), more: rule('more', `forbid ${more}`) })]);
    for (const one of asked) assert.ok(width[after.decide(one).answer] <= width[before.decide(one).answer]);
  }), { numRuns: 60 });
});

test('adding a permit that can be evaluated never narrows an answer', async () => {
  await fc.assert(fc.asyncProperty(rules, body.filter((text) => !text.includes('*')), several, async (some, more, asked) => {
    const [before, after] = await Promise.all([parse(textOf(some).join('')), parse({ own: textOf(some).join(''), more: rule('more', `permit ${more}`) })]);
    for (const one of asked) assert.ok(width[after.decide(one).answer] >= width[before.decide(one).answer]);
  }), { numRuns: 60 });
});

test('neither the order of files nor that of rules, nor which file holds a rule, changes answer, rule, reason or lapse', async () => {
  const arrangements = fc.tuple(rules, several, fc.infiniteStream(fc.nat({ max: 2 })), fc.infiniteStream(fc.nat()));
  await fc.assert(fc.asyncProperty(arrangements, async ([some, asked, places, order]) => {
    const all = textOf(some);
    const moved: Record<string, string> = {};
    for (const one of all.map((text) => ({ text, at: order.next().value })).toSorted((a, b) => a.at - b.at)) {
      const file = `f${places.next().value}`;
      moved[file] = `${moved[file] ?? ''}${one.text}`;
    }
    const strip = ({ policy: { rule: decided }, answer, why, expiresAfterMs }: ReturnType<Awaited<ReturnType<typeof parse>>['decide']>) => ({ decided, answer, why, expiresAfterMs });
    const [one, other] = await Promise.all([parse(all.join('')), parse(Object.fromEntries(Object.entries(moved).toReversed()))]);
    for (const each of asked) assert.deepEqual(strip(one.decide(each)), strip(other.decide(each)));
  }), { numRuns: 60 });
});

test('what is tainted is never allowed, and neither is a write of a supervised run', async () => {
  await fc.assert(fc.asyncProperty(rules, several, async (some, asked) => {
    const policies = await parse(textOf(some).join(''));
    for (const one of asked) if (one.context.tainted.length > 0 || (one.context.supervised && one.action !== 'web.read')) assert.notEqual(policies.decide(one).answer, 'allow');
  }), { numRuns: 60 });
});

test('every answer names a rule of its set, or none, and its version', async () => {
  await fc.assert(fc.asyncProperty(rules, several, async (some, asked) => {
    const policies = await parse(textOf(some).join(''));
    for (const { policy, why } of asked.map(policies.decide)) {
      assert.ok(policy.id === 'none' ? policy.rule === 'no-rule' : policies.rules.some(({ id, file }) => id === policy.rule && file === policy.id));
      assert.equal(policy.version, policies.version);
      assert.ok(why.length > 0);
    }
  }), { numRuns: 60 });
});
