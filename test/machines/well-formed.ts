// Is this XML, strictly? For files of ours without doctype, comments and CDATA.
import assert from 'node:assert/strict';

const token = /<\?xml [^?<>]*\?>|<\/([^\s<>/]+)>|<([^\s<>/="']+)((?:\s+[^\s<>/="']+="[^"<]*")*)\s*(\/?)>|([^<]+)/guy;
const notAllowed = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
const openEntity = /&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i;

export function assertWellFormed(text: string, what: string): void {
  assert.doesNotMatch(text, notAllowed, `${what}: a character that XML has not`);
  assert.doesNotMatch(text, openEntity, `${what}: an ampersand that begins no entity`);
  const open: string[] = [];
  let end = 0;
  for (const { 0: whole, 1: closed, 2: opened, 3: attributes = '', 4: isEmpty, index } of text.matchAll(token)) {
    end = index + whole.length;
    if (closed !== undefined) assert.equal(open.pop(), closed, `${what}: </${closed}> closes something else`);
    if (opened === undefined) continue;
    const names = Array.from(attributes.matchAll(/\s([^\s="]+)="[^"]*"/g), ([, name]) => name);
    assert.equal(new Set(names).size, names.length, `${what}: <${opened}> has an attribute twice`);
    if (isEmpty !== '/') open.push(opened);
  }
  assert.equal(end, text.length, `${what}: not XML from ${JSON.stringify(text.slice(end, end + 60))}`);
  assert.deepEqual(open, [], `${what}: not closed`);
}
