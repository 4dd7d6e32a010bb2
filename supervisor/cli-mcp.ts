// `keelson mcp …`: what MCP servers say they can do, and the operator's word that they may be called as they say it. What is pinned
// is what was looked at: the hash that `list` shows is what `pin` takes.
import type { Command } from 'commander';
import { hashJson } from '#actors/hash.ts';
import { changed, listMcpTools, pinsOf, type PinnedTool } from '#connectors/mcp/connector.ts';
import { KeelsonError } from '#machines/errors.ts';
import { visible } from './cli-output.ts';
import type { Define } from './cli-read.ts';
import { readConfig } from './config.ts';
import { readSecrets } from './connector-settings.ts';
import { readMcp, writePins } from './main-mcp.ts';

interface Seen { server: string; hash: string; pinned: boolean; tools: (PinnedTool & { state: string })[]; gone: string[]; refused: { tool: string; reason: string }[] }
const listMs = 60_000;

export function addMcpCommands(program: Command, define: Define): void {
  const mcp = program.command('mcp').description('tools of MCP servers: what they say they do, and which of them may be called');

  define(mcp.command('list').argument('<server>', 'as connectors/mcp.json names it').description('starts or asks the server and shows every word that it says about its tools'), async ({ dataDir, out }, server: string) => {
    out.result(await look(dataDir, server), render);
  });

  define(mcp.command('pin').argument('<server>').argument('<hash>', 'the hash that `keelson mcp list` showed').description('lets the tools be called as they were shown; takes effect with the next start'), async ({ dataDir, out }, server: string, hash: string) => {
    const seen = await look(dataDir, server);
    if (seen.hash !== hash) throw new KeelsonError('REFUSED', `the MCP server '${server}' says something else now than when it was shown as ${hash}`, { hint: `Look again: keelson mcp list ${server}` });
    const { pins } = readOrFail(dataDir);
    writePins(dataDir, { ...pins, [server]: Object.fromEntries(seen.tools.map(({ state: _, ...tool }) => [tool.name, tool])) });
    out.result({ server, hash, tools: seen.tools.length }, () => `pinned: ${seen.tools.length} tools of '${server}'. They can be called from the next start on; whether they may is a matter of policies/.`);
  });
}

async function look(dataDir: string, server: string): Promise<Seen> {
  const { settings, pins, secrets } = readOrFail(dataDir);
  const listed = await listMcpTools(settings, server, { secrets, signal: AbortSignal.timeout(listMs) });
  const { pins: now, refused } = pinsOf(listed);
  const changes = changed(pins[server] ?? {}, listed);
  const tools = Object.values(now).map((tool) => ({ ...tool, state: changes.find((change) => change.tool === tool.name)?.what ?? 'pinned' }));
  const gone = changes.filter(({ what }) => what === 'gone').map(({ tool }) => tool);
  return { server, hash: hashJson(now).slice(0, 16), pinned: gone.length === 0 && tools.every(({ state }) => state === 'pinned'), tools, gone, refused };
}

function readOrFail(dataDir: string) {
  const config = readConfig(dataDir);
  const mcp = readMcp(dataDir, (names) => readSecrets(config, names));
  if (!mcp) throw new KeelsonError('NOT_FOUND', 'there is no connectors/mcp.json in the company folder', { hint: 'See docs/connectors/mcp.md.' });
  return mcp;
}

function render({ server, hash, pinned, tools, gone, refused }: Seen): string {
  return [
    ...tools.flatMap(({ name, state, title, description, inputSchema, annotations }) => [
      `${state.padEnd(8)} ${visible(name)}${title === null ? '' : ` (${visible(title)})`}`,
      ...visible(description).split('\n').map((line) => `           ${line}`),
      `           takes ${visible(JSON.stringify(inputSchema))}`,
      ...(annotations === null ? [] : [`           says of itself ${visible(JSON.stringify(annotations))}`]), '',
    ]),
    ...gone.map((name) => `gone     ${visible(name)}`),
    ...refused.map(({ tool, reason }) => `left out ${visible(tool)}: ${visible(reason)}`),
    pinned ? `All of it is pinned (${hash}).` : `Let them be called as shown: keelson mcp pin ${server} ${hash}`,
  ].join('\n');
}
