// `keelson connectors …`: the ways out, and the switch between sandbox and live.
import type { Command } from 'commander';
import type { ConnectorView, ModeState } from '#connectors/console/desk-connectors.ts';
import { oneLine, table } from './cli-output.ts';
import type { Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';

export function addConnectorCommands(program: Command, define: Define): void {
  const connectors = program.command('connectors').description('ways out: what is set up, and which are in the sandbox');

  define(connectors.command('list', { isDefault: true }).description('every connector, what it lacks and how it stands'), async ({ dataDir, out }) => {
    const all = await (await connectToServer(dataDir)).get<ConnectorView[]>('/api/connectors');
    out.result(all, (list) => table(['NAME', 'MODE', 'ACTIONS', 'DONE', 'FAILED', 'LACKS', 'NOTE'], list.map((c) => [
      c.name, c.isSetUp ? c.mode : 'not set up', String(c.actions.length), String(c.ended['done'] ?? 0), String(c.ended['failed'] ?? 0),
      c.secrets.filter(({ isSet }) => !isSet).map(({ name }) => name).join(', '), oneLine(c.mode === 'sandbox' ? c.reason : c.note, 60),
    ])));
  });

  define(connectors.command('sandbox').argument('<name>').description('from now on its operations are made as dry runs; what waits in earnest waits on').option('--reason <text>', 'why', ''), async ({ dataDir, out }, name: string, { reason }: { reason: string }) => {
    const state = await (await connectToServer(dataDir)).post<ModeState>(pathOf(name), { mode: 'sandbox', reason });
    out.result(state, () => `${name} is in the sandbox: nothing of it leaves. Lift it: keelson connectors live ${name}`);
  });

  define(connectors.command('live').argument('<name>').description('its operations reach the world again; what was proposed in the sandbox stays dry').option('--reason <text>', 'why', ''), async ({ dataDir, out }, name: string, { reason }: { reason: string }) => {
    // Who types the name has confirmed it.
    const state = await (await connectToServer(dataDir)).post<ModeState>(pathOf(name), { mode: 'live', reason, confirm: name });
    out.result(state, () => `${name} is live: what is approved from now on leaves.`);
  });
}

const pathOf = (name: string) => `/api/connectors/${encodeURIComponent(name)}/mode`;
