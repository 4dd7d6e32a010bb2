// Run by budget-killed.ts: `budget-runner.ts FILE URL KILL ROUND` calls models until it is killed, at the place that KILL names. Half of what an
// earlier round left open is tried again, as the queue would; the rest waits for the sweep.
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom } from '#test/kit/random.ts';
import { openCaller } from './budget-caller.ts';
import { perRunMicros, type Kill } from './budget-killed.ts';

const [file = '', url = '', text = '', round = ''] = process.argv.slice(2);
const { place, nth, seed } = JSON.parse(text) as Kill;
const random = randomFrom(seed + 1);
let seen = 0;
const die = () => process.kill(process.pid, 'SIGKILL');

const caller = await openCaller({
  file, url, budgets: { company: { perRunMicros }, workflows: {}, others: {} },
  around: (commit) => async (one) => {
    const [, moment] = /!(reserve|settle)$/.exec(one.id) ?? [];
    const isIt = moment !== undefined && place.endsWith(`-${moment}`) && ++seen === nth;
    if (!isIt) return commit(one);
    if (place.startsWith('before-')) die();
    const answer = commit(one);
    if (place.startsWith('in-')) {
      await sleep(random.next() * 4);
      die();
    }
    await answer;
    return die() as never;
  },
});

const open = (await caller.db.all<{ id: string }>('SELECT id FROM reservation ORDER BY id')).map(({ id }) => id.slice(0, id.lastIndexOf('/')));
const again = open.filter((job) => job.startsWith('mail/') && random.chance(0.5));
let next = 0;
await Promise.all(Array.from({ length: 6 }, async (_, i) => {
  while (next < 400) {
    const n = next++;
    const job = again[n] ?? `mail/r${round}-${i}#${n}.0`;
    await caller.ask(job, job.slice(0, job.indexOf('#')));
  }
}));
process.stderr.write('nobody killed it\n');
process.exit(3);
