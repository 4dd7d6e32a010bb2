// One connection to one MCP server, made for one use and ended after it: a program is started and stopped, nothing is left running,
// and what the server says it has is read on the very connection on which it is used. We offer it nothing: no sampling, no
// elicitation, no roots. What it sends is bounded, in bytes and in time.
import { tmpdir } from 'node:os';
import type { CallToolResult, Client, PriorDiscovery, Tool } from '@modelcontextprotocol/client';
import type { McpServer } from './settings.ts';

const answerBytes = 4_000_000;
const connectMs = 30_000;
const callMs = 120_000;

export interface Session {
  tools(): Promise<Tool[]>;
  call(tool: Tool, args: Record<string, unknown>): Promise<CallToolResult>;
}

/** What became known about the connection besides the error that was thrown. */
export interface Incident { tooLarge: boolean; retryAfter: string | null }

/** Which protocol each server spoke the last time: asking again would start its program twice. */
export type Eras = Map<string, PriorDiscovery>;

export async function withServer<T>(server: McpServer, { secrets, signal, eras, incident }: { secrets: Record<string, string>; signal: AbortSignal; eras: Eras; incident: Incident }, work: (session: Session) => Promise<T>): Promise<T> {
  const sdk = await import('@modelcontextprotocol/client');
  const stop = new AbortController();
  const tooLarge = () => {
    incident.tooLarge = true;
    stop.abort(new Error(`the answer has more than ${answerBytes} bytes`));
  };
  const client = new sdk.Client({ name: 'keelson', version: '1' }, {
    capabilities: {},
    inputRequired: { autoFulfill: false },
    versionNegotiation: { mode: 'auto', probe: { timeoutMs: 5_000 } },
    listMaxPages: 10,
    // What a tool says of its own results is not relied on, and compiling a foreign schema would be work for an attacker.
    jsonSchemaValidator: { getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }) },
  });
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a client has no other way to say it
  client.onerror = (error) => {
    if (/exceeded maximum size/.test(error.message)) tooLarge();
  };
  const bounded = AbortSignal.any([signal, stop.signal]);
  const limits = { signal: bounded, timeout: callMs, maxTotalTimeout: callMs };
  try {
    const prior = eras.get(server.name);
    const transport = server.url === undefined ? await startProgram(server, secrets) : new sdk.StreamableHTTPClientTransport(new URL(server.url), {
      fetch: fetchBounded(tooLarge, incident),
      requestInit: { redirect: 'error', headers: server.token === undefined ? {} : { authorization: `Bearer ${secrets[server.token]}` } },
      reconnectionOptions: { maxRetries: 0, initialReconnectionDelay: 1_000, maxReconnectionDelay: 1_000, reconnectionDelayGrowFactor: 1 },
    });
    await client.connect(transport, { signal: bounded, timeout: connectMs, ...(prior ? { prior } : {}) });
    eras.set(server.name, eraOf(client));
    return await work({
      tools: async () => (await client.listTools(undefined, limits)).tools,
      // With the definition at hand the client never repeats a call by itself; without an output schema it judges no result.
      call: ({ outputSchema: _, ...tool }, args) => client.callTool({ name: tool.name, arguments: args }, { ...limits, toolDefinition: tool }),
    });
  } catch (error) {
    eras.delete(server.name);
    throw error;
  } finally {
    await client.close().catch(() => undefined);
  }
}

function eraOf(client: Client): PriorDiscovery {
  const discover = client.getDiscoverResult();
  return client.getProtocolEra() === 'modern' && discover ? { kind: 'modern', discover } : { kind: 'legacy' };
}

async function startProgram({ command = '', args, secrets: names }: McpServer, secrets: Record<string, string>) {
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
  // Its environment is PATH, HOME and the like, and the secrets that the operator names for it.
  return new StdioClientTransport({ command, args, env: Object.fromEntries(names.map((name) => [name, secrets[name] ?? ''])), stderr: 'ignore', cwd: tmpdir(), maxBufferSize: answerBytes });
}

function fetchBounded(tooLarge: () => void, incident: Incident) {
  return async (url: string | URL, init?: RequestInit): Promise<Response> => {
    const response = await fetch(url, init);
    if (response.status === 429 || response.status === 503) incident.retryAfter = response.headers.get('retry-after');
    let size = 0;
    const counter = new TransformStream<Uint8Array, Uint8Array>({
      transform(part, controller) {
        if ((size += part.length) > answerBytes) {
          tooLarge();
          controller.error(new Error('too large'));
        } else controller.enqueue(part);
      },
    });
    return new Response(response.body?.pipeThrough(counter) ?? null, { status: response.status, statusText: response.statusText, headers: response.headers });
  };
}
