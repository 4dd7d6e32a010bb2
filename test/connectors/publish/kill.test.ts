// The publishing process is killed at any moment, ten times: afterwards each page is whole or not there, and repeating the operations
// that had begun gives every page once, in the list and in the feed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { parseHTML } from 'linkedom';
import { randomFrom } from '#test/kit/random.ts';
import { page, phasesOf, startSite } from './publish-kit.ts';

const random = randomFrom(2_026);

for (let round = 0; round < 10; round += 1) test(`killed in the middle of publishing, round ${round}`, async (t) => {
  const { folder, connector } = startSite(t);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'publisher.ts'), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const [last, spins] = [3 + random.int(8), random.int(6_000)];
  let begun = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    begun = Number(line) + 1;
    if (begun < last) continue;
    // Somewhere inside of this operation: so many turns of our loop later.
    for (let n = 0; n < spins; n += 1) await new Promise(setImmediate);
    child.kill('SIGKILL');
    break;
  }
  await exited;
  const pages = () => readdirSync(folder).filter((name) => /^page-\d+\.html$/.test(name));
  for (const name of pages()) assert.ok(readFileSync(join(folder, name), 'utf8').endsWith('</html>\n'), `${name} is whole`);
  // It may have begun more before it died.
  const count = Math.max(begun, pages().length + 1);
  for (let n = 0; n < count; n += 1) {
    const one = phasesOf(connector, 'publish.site', { ...page, slug: `page-${n}`, title: `page-${n}` }, `operation/${n}`);
    await one.commit(await one.prepare());
  }
  const expected = Array.from({ length: count }, (_, n) => `page-${n}`).toSorted();
  assert.deepEqual(pages().toSorted(), expected.map((name) => `${name}.html`));
  const listed = [...parseHTML(readFileSync(join(folder, 'index.html'), 'utf8')).document.querySelectorAll('li a')].map(({ textContent }) => String(textContent));
  assert.deepEqual(listed.toSorted(), expected);
  assert.equal(readFileSync(join(folder, 'feed.xml'), 'utf8').match(/<item>/g)?.length, count);
  assert.deepEqual(readdirSync(join(folder, '.drafts')), []);
});
