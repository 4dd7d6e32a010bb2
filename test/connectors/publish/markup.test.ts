// Text becomes paragraphs, headings, lists, emphasis and links, and nothing else, whatever it says.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { renderText } from '#connectors/publish/markup.ts';

const allowed = new Set(['H2', 'H3', 'H4', 'UL', 'LI', 'P', 'A', 'STRONG', 'EM', 'CODE']);

function check(text: string) {
  const html = renderText(text);
  const { document } = parseHTML(`<!doctype html><html><body>${html}</body></html>`);
  for (const element of document.body.querySelectorAll('*')) {
    assert.ok(allowed.has(element.tagName), `${element.tagName} in ${html}`);
    const names = [...element.attributes].map(({ name }) => name);
    assert.deepEqual(names, element.tagName === 'A' ? ['href'] : [], html);
    if (element.tagName === 'A') assert.match(element.getAttribute('href') ?? '', /^(?:https?:\/\/[^@]*$|mailto:)/);
  }
  assert.ok(!html.includes('<!--') && !/\[|\]/.test(html.replaceAll(/<a href="[^"]*">/g, '')), `a comment or a bracket in ${html}`);
  return document;
}

test('paragraphs, headings, lists, emphasis and links look as they are meant', () => {
  assert.equal(renderText('One\ntwo\n\n# Big\n\n- a\n- **b**\n\n*c* `d` [e](https://holt.example/?a=1&b=2)'), '<p>One\ntwo</p>\n<h2>Big</h2>\n<ul>\n<li>a</li>\n<li><strong>b</strong></li>\n</ul>\n<p><em>c</em> <code>d</code> <a href="https://holt.example/?a=1&amp;b=2">e</a></p>');
  assert.equal(renderText('2 * 3 * 4 < 5 & "6"'), '<p>2 <em> 3 </em> 4 &lt; 5 &amp; &quot;6&quot;</p>');
});

const corpus = [
  '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '<svg/onload=alert(1)>', '</p><iframe src=//evil.example>', '&lt;script&gt;', '&#60;script&#62;', '"><script>', "' onmouseover='alert(1)", '<!-- wp:html --><script></script><!-- /wp:html -->', '<![CDATA[<script>]]>', ']]><script>', '<style>*{}</style>', '<base href=//evil.example>', '<meta http-equiv=refresh content=0>',
  '[x](javascript:alert(1))', '[x](JaVaScRiPt:alert(1))', '[x](data:text/html,<script>)', '[x](vbscript:x)', '[x](https://holt.example@evil.example/)', '[x](https://a"onclick="alert(1))', '[x](https://a\tb)', '[x](//evil.example)', '[x](https://)', '[<b>x</b>](https://holt.example)', '[x](https://holt.example/<script>)', '[[x](https://a.example)](https://b.example)', '**<b>**', '`<b>`', '*<i>*', '# <script>', '- <script>', '- a\n<script>', '**a\nb**', '`a\n</code>`',
  '[gallery ids="1"]', '[embed]https://evil.example[/embed]', 'https://evil.example/oembed', '\\[x](https://a.example)', '{{constructor.constructor("x")()}}', '${7*7}', '<?php echo 1 ?>', '<%= 1 %>', '\u0001', '<scr\u0000ipt>', '＜script＞', '<a href="https://evil.example">x</a>', '[x](https://evil.example)(https://b.example)', '[x](mailto:a@b.example?bcc=c@d.example)', '*'.repeat(2_000), '['.repeat(2_000), '`'.repeat(2_001), '[a]('.repeat(1_000),
];
for (const text of corpus) test(`nothing in it becomes markup of its own: ${JSON.stringify(text.slice(0, 60))}`, () => void check(text));

test('a link that hides its host behind a user stays text', () => {
  assert.equal(check('[bank](https://bank.example@evil.example/)').querySelectorAll('a').length, 0);
});

test('what is no markup is read back as it was written', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('<', '>', '&', '"', "'", ';', '#', '/', ':', 'a', '=', ' ', '&amp;', '<script>', '<!--', '-->', '[', ']', 'http://x'), minLength: 1, maxLength: 80 }), (text) => {
    const paragraph = `x${text}x`;
    assert.equal(check(paragraph).querySelector('p')?.textContent, paragraph);
  }), { numRuns: 2_000 });
});

test('any text at all is harmless', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('\n', '# ', '- ', '*', '**', '`', '[', ']', '(', ')', 'https://a.example', 'javascript:', '<', '>', '"', 'b', ' ', '&'), maxLength: 60 }), (text) => void check(text)), { numRuns: 3_000 });
});
