// The main job under load: 1,000 mails over HTTP into the real server, until each has reached its waiting or final state. The
// baseline is reading the same mails with the same parser, one after the other, and keeping nothing.
import { parseMail } from '#connectors/mail/parse.ts';
import { generateMails } from '#test/kit/mails.ts';
import { makeCompany } from '#test/kit/server.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MailRun { mailsPerSecond: number; importPerSecond: number; parsePerSecond: number; waiting: number }

export async function measureMails(count: number): Promise<MailRun> {
  const company = makeCompany();
  try {
    const mails = generateMails(count, 3);
    const folder = join(company.dataDir, '..', 'mail');
    mkdirSync(folder);
    for (const { name, raw } of mails) writeFileSync(join(folder, `${name}.eml`), raw);
    const parsing = performance.now();
    for (const { raw } of mails) await parseMail(raw);
    const parsePerSecond = (count * 1000) / (performance.now() - parsing);

    await company.up();
    const started = performance.now();
    const { imported } = await company.json<{ imported: number }>('mail', 'import', folder);
    if (imported !== count) throw new Error(`${imported} of ${count} mails were imported`);
    const importPerSecond = (count * 1000) / (performance.now() - started);
    const status = await company.until('every mail waits or has ended', 120_000, async () => {
      const now = await company.json<{ inFlight: number; waiting: number }>('status');
      return now.inFlight === 0 && now;
    });
    return { mailsPerSecond: (count * 1000) / (performance.now() - started), importPerSecond, parsePerSecond, waiting: status.waiting };
  } finally {
    await company.remove();
  }
}
