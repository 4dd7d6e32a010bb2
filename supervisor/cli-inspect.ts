// `inspect`: what actors do, for the tools that show XState actors. They listen on a WebSocket; this carries the server's stream there.
import type { Command } from 'commander';
import { KeelsonError } from '#machines/errors.ts';
import type { Define } from './cli-read.ts';
import { runningServer } from './cli-server.ts';
import { readToken } from './company.ts';

const loopback = ['localhost', '127.0.0.1', '[::1]'];

export function addInspectCommand(program: Command, define: Define): void {
  define(program.command('inspect').option('--to <url>', 'the WebSocket of a tool on this computer, ws://localhost:8080; without it each event is printed as a line of JSON').description('what actors do, as @statelyai/inspect tells it; the server must run with --inspect'), async ({ dataDir }, { to }: { to?: string }) => {
    const tell = to === undefined ? (text: string) => void process.stdout.write(`${text}\n`) : await connectTool(to);
    for await (const text of readEvents(dataDir)) tell(text);
  });
}

/** Resolves when the tool listens. What actors hold is nobody else's business, so the tool must be on this computer. */
async function connectTool(to: string): Promise<(text: string) => void> {
  const url = URL.parse(to);
  if (!url || url.protocol !== 'ws:' || !loopback.includes(url.hostname)) throw new KeelsonError('BAD_ARGUMENT', `--to must be a WebSocket of this computer, not '${to}'`, { hint: 'ws://localhost:8080 is where createInspectorServer of @statelyai/inspect/server listens.' });
  const socket = new WebSocket(url);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', () => reject(new KeelsonError('BAD_ARGUMENT', `no tool listens at ${to}`, { hint: 'Start it first: createInspectorServer() of @statelyai/inspect/server.' })));
  });
  socket.addEventListener('close', () => process.exit());
  return (text) => socket.send(text);
}

async function* readEvents(dataDir: string): AsyncGenerator<string> {
  const run = await runningServer(dataDir);
  if (!run) throw new KeelsonError('NOT_RUNNING', `no server is running for ${dataDir}`);
  const answer = await fetch(`${run.api}/inspect`, { headers: { authorization: `Bearer ${readToken(dataDir)}` } });
  if (!answer.ok || !answer.body) throw new KeelsonError('REFUSED', answer.status === 404 ? 'the server runs without --inspect' : `the server answered with status ${answer.status}`, { hint: 'Start it with: keelson up --inspect' });
  let rest = '';
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.startsWith('data: ')) yield line.slice('data: '.length);
  }
}
