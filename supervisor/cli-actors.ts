// Commands about single actors: hand one an event, start a run, hold it, help it on after a failure, end it.
import type { Command } from 'commander';
import type { Told } from '#connectors/console/desk-actors.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Order } from '#machines/hold.ts';
import { oneLine, type Output } from './cli-output.ts';
import type { Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';
import type { Paused } from './main-pause.ts';

export function addActorCommands(program: Command, define: Define): void {
  const post = async (dataDir: string, out: Output, path: string, body: object) => {
    const told = await (await connectToServer(dataDir)).post<Told>(path, body);
    out.result(told, render);
  };
  const of = (address: string, what: string) => `/api/actors/${encodeURIComponent(address)}/${what}`;
  const order = (dataDir: string, out: Output, address: string, what: Order) => post(dataDir, out, of(address, 'order'), { order: what });

  define(program.command('send').argument('<address>').argument('<type>').argument('[json]', 'the fields of the event', '{}').description('hand an actor an event'), async ({ dataDir, out }, address: string, type: string, json: string) => {
    await post(dataDir, out, of(address, 'send'), { type, fields: parse(json) });
  });
  define(program.command('run').argument('<pipeline>', 'a machine: id, or id@version').argument('[json]', 'its input', '{}').description('start a run').option('--key <key>', 'its name; one that was used before starts nothing'), async ({ dataDir, out }, machine: string, json: string, { key }: { key?: string }) => {
    await post(dataDir, out, '/api/runs', { machine, input: parse(json), ...(key === undefined ? {} : { key }) });
  });
  define(program.command('cancel').argument('<id>', 'an actor, or an item of the inbox').description('end a run, with everything it started and asked'), async ({ dataDir, out }, id: string) => {
    await post(dataDir, out, of(id, 'cancel'), {});
  });
  define(program.command('pause').argument('[actor]', 'without one: the whole company').option('--reason <text>', 'kept with it', '').description('stand still; what comes waits'), async ({ dataDir, out }, address: string | undefined, { reason }: { reason: string }) => {
    if (address !== undefined) return order(dataDir, out, address, { do: 'pause', reason });
    out.result(await (await connectToServer(dataDir)).post<Paused>('/api/pause', { reason }), () => 'The company stands still; what comes waits. Go on: keelson resume');
  });
  define(program.command('resume').argument('[actor]', 'without one: the whole company').description('go on after a pause'), async ({ dataDir, out }, address: string | undefined) => {
    if (address !== undefined) return order(dataDir, out, address, { do: 'resume' });
    out.result(await (await connectToServer(dataDir)).post<Paused>('/api/resume', {}), () => 'The company goes on.');
  });
  define(program.command('retry').argument('<actor>').description('try again what failed'), ({ dataDir, out }, address: string) => order(dataDir, out, address, { do: 'retry' }));
  define(program.command('skip').argument('<actor>').description('go on without what failed'), ({ dataDir, out }, address: string) => order(dataDir, out, address, { do: 'skip' }));
  define(program.command('continue').argument('<actor>').argument('<json>', 'an event, the result of the part that failed, or the input of a start').description('go on with this instead of what failed'), ({ dataDir, out }, address: string, json: string) => order(dataDir, out, address, { do: 'replace', with: parse(json) as never }));
  define(program.command('stop').argument('<actor>').description('end an actor as failed; whoever waits for it hears so').option('--reason <text>', 'kept with it', ''), ({ dataDir, out }, address: string, { reason }: { reason: string }) => order(dataDir, out, address, { do: 'stop', reason }));
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    throw new KeelsonError('BAD_ARGUMENT', `'${oneLine(json, 40)}' is not JSON: ${(cause as Error).message}`, { cause });
  }
}

const render = ({ address, outcome, note, value, status }: Told) => `${address}: ${outcome}${note ? ` (${oneLine(note)})` : ''}${status && status !== 'active' ? ` · ${status}` : ''}${value === null || value === undefined ? '' : ` · now ${JSON.stringify(value)}`}`;
