import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KeelsonError } from '#machines/errors.ts';
import { parseTemplate, renderTemplate } from '#machines/agents/templates.ts';

const good = '---\nid: quote-en\nlanguage: en\ntopic: quote\ntitle: Price\nkeywords: price, how much, "quote"\n---\nHello {{ name }},\n\n{{signature}}\n';
const refuses = (text: string, pattern: RegExp): void => {
  assert.throws(() => parseTemplate(text), (error: unknown) => error instanceof KeelsonError && error.code === 'BAD_CONFIG' && pattern.test(error.message), text);
};

test('a template is read with all its fields', () => {
  assert.deepEqual(parseTemplate(good), { id: 'quote-en', language: 'en', topic: 'quote', title: 'Price', keywords: ['price', 'how much', '"quote"'], body: 'Hello {{ name }},\n\n{{signature}}' });
  assert.equal(parseTemplate(good.replace(/\n/g, '\r\n').replace('title: Price\r\n', '')).title, null);
});

test('a malformed template is refused with the line', () => {
  refuses('Hello', /line 1: expected "---"/);
  refuses('---\nid: a\nHello', /no closing/);
  refuses(good.replace('language: en', 'language: fr'), /line 3: the language "fr"/);
  refuses(good.replace('topic: quote', 'topic quote'), /line 4: .*not "key: value"/);
  refuses(good.replace('topic: quote\n', ''), /"topic" is missing/);
  refuses(good.replace('topic: quote', 'color: red'), /line 4: unknown key "color"/);
  refuses(good.replace('title: Price', 'id: again'), /line 5: "id" is given twice/);
  refuses(good.replace('id: quote-en', 'id: Quote EN'), /line 2: the id/);
  refuses(good.replace('{{ name }}', '{{ name | upper }}'), /line 8: a placeholder/);
  refuses(good.replace('{{ name }}', '{{name'), /line 8: a placeholder/);
  refuses('---\nid: a\nlanguage: en\ntopic: t\nkeywords: k\n---\n\n', /no text/);
  refuses('x'.repeat(30_000), /30000 characters/);
});

test('values are one clean line and are never read as template text', () => {
  const body = 'Hello {{name}},\nabout {{subject}}\n{{signature}}';
  const { text, missing } = renderTemplate({ body }, { name: 'A\nB\u202e{{signature}}<b>', subject: 'x'.repeat(500), signature: 'Mara\nStudio' });
  assert.deepEqual(missing, []);
  const [first, second, ...rest] = text.split('\n');
  assert.equal(first, 'Hello A B signature b,');
  assert.ok((second ?? '').length <= 130);
  assert.deepEqual(rest, ['Mara', 'Studio']);
});

test('a placeholder without a value is reported and stays visible, an empty value leaves no gap', () => {
  assert.deepEqual(renderTemplate({ body: 'Hi {{name}}, {{price}} {{toString}}' }, { name: '' }), { text: 'Hi, [price] [toString]', missing: ['price', 'toString'] });
});

test('any text is parsed or refused with a plain error', () => {
  fc.assert(fc.property(fc.oneof(fc.string({ maxLength: 400 }), fc.string({ maxLength: 100 }).map((body) => good + body)), (text) => {
    try {
      const template = parseTemplate(text);
      assert.equal(renderTemplate(template, { name: 'A', signature: 'B' }).text.includes('{{name}}'), false);
    } catch (error) {
      assert.ok(error instanceof KeelsonError && error.message.length < 300);
    }
  }));
});
