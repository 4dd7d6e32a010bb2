// How soon after a crash the operator is told of what nobody knows: a mail server takes the body of an approved mail and never answers,
// the process is killed, and started again. Measured from the moment when the server is ready until the doubt stands in the inbox. The
// baseline is the start itself.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '#store/database.ts';
import { generateMails } from '#test/kit/mails.ts';
import { makeCompany, type Company } from '#test/kit/server.ts';
import { startSmtp } from '#test/kit/smtp.ts';
import { median, toResult, type Result, type Say } from './measure.ts';

const rounds = 5;
const waitMs = 60_000;

interface Item { id: string; kind: string; actor: string }

export async function measureRecovery(say: Say): Promise<Result[]> {
  const company = makeCompany();
  const smtp = await startSmtp({ behaviour: 'hang' });
  const env = { KEELSON_SMTP_URL: smtp.url };
  const toldMs: number[] = [];
  const startMs: number[] = [];
  try {
    await company.up(env);
    const folder = join(company.dataDir, '..', 'mail');
    mkdirSync(folder);
    for (const { name, raw } of generateMails(120, 5).filter(({ category }) => category === 'inquiry').slice(0, rounds * 4)) writeFileSync(join(folder, `${name}.eml`), raw);
    await company.json('mail', 'import', folder);
    for (let round = 0; round < rounds; round++) {
      const draft = await company.until('a draft', waitMs, async () => (await company.json<Item[]>('inbox')).find(({ kind }) => kind === 'approval'));
      const bodies = smtp.mails.length;
      await company.json('approve', draft.id);
      await company.until('the body is at the mail server', waitMs, () => Promise.resolve(smtp.mails.length > bodies));
      await company.kill();
      const started = performance.now();
      await company.up(env);
      const ready = performance.now();
      await company.until('the doubt in the inbox', waitMs, () => isAsked(company, draft.actor));
      toldMs.push(performance.now() - ready);
      startMs.push(ready - started);
      say(`round ${round + 1}: ready after ${Math.round(startMs.at(-1)!)} ms, told ${Math.round(toldMs.at(-1)!)} ms later`);
    }
    return [toResult({ id: 'recovery', unit: 'ms', value: Math.max(...toldMs), baseline: median(startMs), timesMs: toldMs })];
  } finally {
    await company.remove();
    await smtp.stop();
  }
}

async function isAsked(company: Company, operation: string): Promise<boolean> {
  const db = await openDatabase(join(company.dataDir, 'keelson.db'), { readOnly: true });
  try {
    return (await db.all("SELECT 1 FROM intent WHERE actor = ? AND kind = 'escalation' AND state = 'input-required'", operation)).length > 0;
  } finally {
    await db.close();
  }
}
