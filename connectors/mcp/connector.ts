// Tools of MCP servers as actions, one connector per server: `mcp-notes.create-note`. What a server says about itself is believed in
// nothing: tools are called only as the operator pinned them, whether one merely reads is in the operator's settings, and its
// results are text from outside.
import type { CallToolResult, Tool } from '@modelcontextprotocol/client';
import { hashJson } from '#actors/hash.ts';
import type { Control, Plan } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import { action, type Action, type Connector } from '../connector.ts';
import { argumentsSchema } from './arguments.ts';
import { oneLine, ToolError, toFailure } from './failure.ts';
import { isPinned, pinOf, pinsOf, verbOf } from './pins.ts';
import { withServer, type Eras, type Incident } from './session.ts';
import { pinsSchema, secretsOf, settingsSchema, type McpPins, type McpServer, type McpSettings, type PinnedTool } from './settings.ts';

export { changed, pinsOf, type Change } from './pins.ts';
export { pinsSchema, secretNames, settingsSchema, type McpPins, type McpSettings, type PinnedTool } from './settings.ts';

const textChars = 100_000;

/**
 * One connector per server that has pinned tools. Nothing is connected to before a tool is called. Throws BAD_CONFIG when pins or
 * settings do not fit each other.
 */
export function createMcpConnectors(settings: McpSettings, { pins, secrets }: { pins: McpPins; secrets: Record<string, string> }): Connector[] {
  const { servers } = settingsSchema.parse(settings);
  const known = pinsSchema.parse(pins);
  const eras: Eras = new Map();
  return servers.filter(({ name }) => Object.keys(known[name] ?? {}).length > 0).map((server) => connectorFor(server, known[server.name]!, secrets, eras));
}

/** What a server of the settings has now, for the operator to look at and to pin. Throws SEND_DEFERRED or SEND_REFUSED. */
export async function listMcpTools(settings: McpSettings, serverName: string, { secrets, signal }: { secrets: Record<string, string>; signal: AbortSignal }): Promise<Tool[]> {
  const server = settingsSchema.parse(settings).servers.find(({ name }) => name === serverName);
  if (!server) throw new KeelsonError('NOT_FOUND', `there is no MCP server '${serverName}'`, { hint: 'connectors/mcp.json lists them.' });
  const incident: Incident = { tooLarge: false, retryAfter: null };
  const mine = own(server, secrets);
  try {
    return await withServer(server, { secrets: mine, signal, eras: new Map(), incident }, (session) => session.tools());
  } catch (error) {
    throw toFailure(error, { server: server.name, called: false, effect: 'read', incident, hide: hider(mine) });
  }
}

function connectorFor(server: McpServer, pins: Record<string, PinnedTool>, secrets: Record<string, string>, eras: Eras): Connector {
  const bad = (message: string) => new KeelsonError('BAD_CONFIG', `connectors/mcp.json: server '${server.name}': ${message}`, { hint: 'Run `keelson mcp pin` again, or correct the file.' });
  const { refused } = pinsOf(Object.values(pins));
  const misplaced = Object.entries(pins).find(([key, pin]) => key !== pin.name);
  if (misplaced) throw bad(`the pinned tool '${misplaced[0]}' is called '${misplaced[1].name}'`);
  if (refused[0]) throw bad(`the pinned tool '${refused[0].tool}': ${refused[0].reason}`);
  const stray = [...server.reads, ...Object.keys(server.content)].find((tool) => !Object.hasOwn(pins, tool));
  if (stray !== undefined) throw bad(`it names the tool '${stray}', which is not pinned`);
  const name = `mcp-${server.name}`;
  return {
    name,
    // Another program, other rights or another word about a tool is another thing to say yes to.
    version: hashJson({ server, pins }).slice(0, 16),
    hosts: server.url === undefined ? [] : [new URL(server.url).host],
    secrets: secretsOf(server),
    actions: Object.values(pins).map((pin) => toolAction(name, server, pin, own(server, secrets), eras)),
  };
}

/** A server never gets the secret of another. */
const own = (server: McpServer, secrets: Record<string, string>) => Object.fromEntries(secretsOf(server).map((name) => {
  if (secrets[name] === undefined || secrets[name] === '') throw new KeelsonError('BAD_CONFIG', `the MCP server '${server.name}' needs the secret ${name}`, { hint: 'Set it, or take it out of connectors/mcp.json.' });
  return [name, secrets[name]];
}));

/** What a server was given comes back from it as often as it likes, and goes no further. */
const hider = (secrets: Record<string, string>) => (text: string) => Object.values(secrets).reduce((left, secret) => left.replaceAll(secret, '[secret]'), text);

function toolAction(connector: string, server: McpServer, pin: PinnedTool, secrets: Record<string, string>, eras: Eras): Action<never> {
  const hide = hider(secrets);
  const effect = server.reads.includes(pin.name) ? 'read' : 'write';
  return action<Record<string, unknown>>({
    name: `${connector}.${verbOf(pin.name)}`,
    title: oneLine(`${pin.name} of the MCP server ${server.name}: ${pin.description}`, 200),
    input: argumentsSchema(pin.inputSchema),
    effect, risk: effect === 'read' ? 'low' : 'high', reversible: effect === 'read', money: false,
    idempotency: effect === 'read' ? { kind: 'native', keyLifetimeMs: Number.MAX_SAFE_INTEGER } : { kind: 'none' },
    plan: (args) => Promise.resolve(planOf(server, pin, args, effect)),
    async commit(args, { signal }) {
      const incident: Incident = { tooLarge: false, retryAfter: null };
      let called = false;
      try {
        signal.throwIfAborted();
        const result = await withServer(server, { secrets, signal, eras, incident }, async (session) => {
          const tool = (await session.tools()).find((one) => one.name === pin.name);
          if (!tool || !isPinned({ [pin.name]: pin }, pinOf(tool))) throw new KeelsonError('REFUSED', `the MCP server '${server.name}' ${tool ? 'says something else about' : 'no longer has'} the tool '${pin.name}' than when it was pinned`, { hint: 'Look at it again with `keelson mcp pin`.' });
          signal.throwIfAborted();
          called = true;
          return session.call(tool, args);
        });
        const { text, leftOut, isCut } = textOf(result, hide);
        if (result.isError === true) throw new ToolError(`the tool reports an error: ${text}`);
        return { done: true, providerRef: `${server.name}/${pin.name}`, note: `${text.length} characters${isCut ? ', cut' : ''}`, result: { text, leftOut, isCut }, facts: [] };
      } catch (error) {
        throw toFailure(error, { server: server.name, called, effect, incident, hide });
      }
    },
  });
}

function planOf(server: McpServer, pin: PinnedTool, args: Record<string, unknown>, effect: 'read' | 'write'): Plan {
  const content = server.content[pin.name] ?? [];
  // Which argument decides where something goes is not known, so each does that the operator does not call content.
  const fields = Object.entries(args).filter(([name]) => !content.includes(name)).map(([name, value]): Control =>
    ({ kind: 'recipient', field: name, value: (typeof value === 'string' ? value : JSON.stringify(value)).toLowerCase(), vouchedBy: null }));
  const place: Control = { kind: 'host', field: 'server', value: server.url === undefined ? server.name : new URL(server.url).host, vouchedBy: 'named in connectors/mcp.json' };
  return {
    summary: `Call ${pin.name} of the MCP server '${server.name}'`,
    preview: `${pin.name} ${JSON.stringify(args, null, 2)}`,
    risk: effect === 'read' ? 'low' : 'high',
    reasons: effect === 'read' ? [] : ['what the tool does is known by the word of its server alone'],
    control: [place, ...fields], enclosures: [], money: null,
  };
}

/** Pictures, sounds and links to resources are counted and left out. */
function textOf({ content }: CallToolResult, hide: (text: string) => string): { text: string; leftOut: number; isCut: boolean } {
  const texts = content.filter((part) => part.type === 'text').map(({ text }) => text);
  const text = hide(texts.join('\n').toWellFormed());
  return { text: text.slice(0, textChars).toWellFormed(), leftOut: content.length - texts.length, isCut: text.length > textChars };
}
