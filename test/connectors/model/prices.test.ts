// Goal: no call is free by ignorance, and what is reserved is at least what any call of its size can cost. Method: prices of the list, of the
// settings and assumed, against each other; the estimate against tokenizers that are as bad as they can be.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { tokensAtMost } from '#connectors/model/estimate.ts';
import { assumedPrice, priceOf } from '#connectors/model/prices.ts';

const openai = { wire: 'responses', baseUrl: 'https://api.openai.com/v1' } as const;
const local = { wire: 'chat', baseUrl: 'http://localhost:11434/v1' } as const;
const nothing = { prices: {}, unknownPrices: 'refuse' } as const;
const usage = (inputTokens: number, outputTokens: number, cachedInputTokens = 0) => ({ inputTokens, outputTokens, cachedInputTokens });

test('the list knows a model of OpenAI, and its cache is cheaper to read', async () => {
  const price = (await priceOf(nothing, openai, 'gpt-5.4-nano'))!;
  assert.equal(price.from, 'list');
  assert.equal(price.cost(usage(1_000_000, 1_000_000)), 1_450_000);
  assert.ok(price.cost(usage(1_000_000, 0, 900_000)) < price.cost(usage(1_000_000, 0)));
});

test('what is written to a cache may be dearer than what is read, and the most that can be is reserved', async () => {
  const price = (await priceOf(nothing, openai, 'gpt-6-luna'))!;
  assert.ok(price.most(100_000, 0) > price.cost(usage(100_000, 0)));
});

test('a price that nobody knows is refused, or assumed to be high', async () => {
  assert.equal(await priceOf(nothing, openai, 'no-such-model'), null);
  const price = (await priceOf({ prices: {}, unknownPrices: 'assume' }, openai, 'no-such-model'))!;
  assert.deepEqual([price.from, price.cost(usage(1_000_000, 1_000_000))], ['assumed', (assumedPrice.inputPerMillionUsd + assumedPrice.outputPerMillionUsd) * 1_000_000]);
});

test('a server on this computer has no price by the name of its model, and is free only when the company says so', async () => {
  assert.equal(await priceOf(nothing, local, 'gpt-5.4-nano'), null);
  const free = (await priceOf({ prices: { 'gpt-5.4-nano': { inputPerMillionUsd: 0, outputPerMillionUsd: 0 } }, unknownPrices: 'refuse' }, local, 'gpt-5.4-nano'))!;
  assert.deepEqual([free.from, free.most(1_000_000, 1_000_000)], ['settings', 0]);
});

test('the company\'s own price counts before the list', async () => {
  const price = (await priceOf({ prices: { 'gpt-5.4-nano': { inputPerMillionUsd: 7, outputPerMillionUsd: 0, cachedInputPerMillionUsd: 1 } }, unknownPrices: 'refuse' }, openai, 'gpt-5.4-nano'))!;
  assert.deepEqual([price.from, price.cost(usage(1_000_000, 5)), price.cost(usage(1_000_000, 0, 1_000_000))], ['settings', 7_000_000, 1_000_000]);
});

test('a router is found on the list by its address', async () => {
  assert.equal((await priceOf(nothing, { wire: 'chat', baseUrl: 'https://openrouter.ai/api/v1' }, 'openai/gpt-5-mini'))?.from, 'list');
});

test('less than a millionth is a millionth, and whatever is used within the bound costs no more than was reserved', async () => {
  for (const model of ['gpt-5.4-nano', 'gpt-6-luna', 'gpt-5-pro']) {
    const price = (await priceOf(nothing, openai, model))!;
    assert.ok(price.cost(usage(1, 0)) >= 1);
    fc.assert(fc.property(fc.nat(400_000), fc.nat(50_000), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (input, output, share, cached) => {
      const used = Math.floor(input * share);
      return used === 0 || price.cost(usage(used, Math.floor(output * share), Math.floor(used * cached))) <= price.most(input, output);
    }), { numRuns: 300, seed: 7 });
  }
});

test('a token for every byte is within the estimate, whatever is written', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 4 }), (system, texts) => {
    const turns = texts.map((content) => ({ role: 'user' as const, content: content.toWellFormed() }));
    const schema = { name: 'x', schema: { type: 'object', properties: { text: { type: 'string', description: system } } } };
    const bytes = Buffer.byteLength(system) + turns.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0) + Buffer.byteLength(JSON.stringify(schema));
    return tokensAtMost({ system, turns, schema, outputTokensMax: 5 }).input > bytes;
  }), { numRuns: 300, seed: 7 });
});
