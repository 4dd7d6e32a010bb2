// Commands that change something: they go to the running server, which is the only one that writes.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { readMails } from '#connectors/mail/sources.ts';
import { KeelsonError } from '#machines/errors.ts';
import { addFactCommands } from './cli-facts.ts';
import type { Define } from './cli-read.ts';
import { connectToServer, type Client } from './cli-server.ts';
import type { Output } from './cli-output.ts';

export interface Imported { imported: number; duplicates: number; rejected: { source: string; reason: string }[] }

const parallel = 16;
const progressEvery = 100;

/** Hands in every mail under a path; one that cannot be read is rejected with its source and reason, the rest goes on. */
export async function importMails(path: string, receive: (raw: Uint8Array, source: string) => Promise<{ outcome: string }>, say: (line: string) => void): Promise<Imported> {
  const result: Imported = { imported: 0, duplicates: 0, rejected: [] };
  let seen = 0;
  const mails = readMails(path);
  const work = async () => {
    for (;;) {
      const next = await mails.next();
      if (next.done) return;
      const { source, raw, problem } = next.value;
      try {
        if (!raw) throw new KeelsonError('BAD_MAIL', problem ?? 'nothing could be read');
        const { outcome } = await receive(raw, source);
        if (outcome === 'imported') result.imported++;
        else result.duplicates++;
      } catch (error) {
        if (!(error instanceof KeelsonError) || !['BAD_MAIL', 'BAD_ARGUMENT'].includes(error.code)) throw error;
        result.rejected.push({ source, reason: error.message });
      }
      if (++seen % progressEvery === 0) say(`${seen} mails read …`);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return result;
}

interface Decided { id: string; state: string; actor: string; value: unknown }

/** Gives the server an answer of the operator's and prints what came of it. */
export async function decide(dataDir: string, out: Output, call: (server: Client) => Promise<Decided>): Promise<void> {
  const decided = await call(await connectToServer(dataDir));
  out.result(decided, (d) => `${d.id}: ${d.state}${d.value ? ` · ${d.actor} is now ${JSON.stringify(d.value)}` : ''}. See: keelson ops`);
}

export function addActCommands(program: Command, define: Define): void {
  const mail = program.command('mail').description('mail in');
  define(mail.command('import').argument('<path>', 'an .eml or mbox file, a Maildir, or a folder of them').description('hand mail to the running company'), async ({ dataDir, out }, path: string) => {
    const server = await connectToServer(dataDir);
    const imported = await importMails(path, (raw, source) => server.postMail(raw, source), (line) => process.stderr.write(`${line}\n`));
    out.result(imported, (r) => [`${r.imported} imported, ${r.duplicates} already known, ${r.rejected.length} rejected`, ...r.rejected.map((x) => `  rejected ${x.source}: ${x.reason}`), 'Next: keelson inbox'].join('\n'));
  });

  const because = (reason: string | undefined) => (reason === undefined ? {} : { reason });
  const item = (id: string, answer: string) => `/api/inbox/${encodeURIComponent(id)}/${answer}`;

  define(program.command('approve').argument('<id>').description('yes to exactly what the inbox shows')
    .option('--edit <file>', 'send this text instead (plain text, or JSON with text and subject)').option('--reason <text>', 'why it was edited; kept with the correction').option('--hash <payloadHash>', 'only if the payload still has this hash'), async ({ dataDir, out }, id: string, { edit, reason, hash }: { edit?: string; reason?: string; hash?: string }) => {
    if (reason !== undefined && edit === undefined) throw new KeelsonError('BAD_ARGUMENT', '--reason says why the text was edited; give it together with --edit');
    const body = { ...(edit === undefined ? {} : { edit: readText(edit) }), ...because(reason), ...(hash ? { hash } : {}) };
    await decide(dataDir, out, (server) => server.post(item(id, 'approve'), body));
  });
  define(program.command('reject').argument('<id>').description('no, with the reason').requiredOption('--reason <text>'), async ({ dataDir, out }, id: string, options: { reason: string }) => {
    await decide(dataDir, out, (server) => server.post(item(id, 'reject'), { reason: options.reason }));
  });
  define(program.command('respond').argument('<id>').description('answer a question, or give another text for a draft').requiredOption('--text <text>').option('--reason <text>', 'why the draft was no good'), async ({ dataDir, out }, id: string, { text, reason }: { text: string; reason?: string }) => {
    await decide(dataDir, out, (server) => server.post(item(id, 'respond'), { text, ...because(reason) }));
  });

  addFactCommands(program, define);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new KeelsonError('BAD_ARGUMENT', `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}
