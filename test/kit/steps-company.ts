// A company whose operations stand still wherever a test wants it: the connector of steps.ts, and a mail server that counts.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openApi, type Api } from './api.ts';
import type { TestNats } from './nats.ts';
import { makeCompany, type Company } from './server.ts';
import { startSmtp, type SmtpFixture } from './smtp.ts';
import { startSteps, stepsConnector, type Steps } from './steps.ts';

export interface Operation { address: string; state: string; reason: string; mode: string; outcome: string; approvalId: string | null }

export interface StepsCompany {
  company: Company;
  steps: Steps;
  smtp: SmtpFixture;
  /** Of the server that runs. */
  api(): Api;
  up(...args: string[]): Promise<void>;
  /** Joins with a second process; answers when it is ready. */
  worker(): Promise<{ pid: number; ended: Promise<number | null>; said(): string; kill(): Promise<void> }>;
  /** The operator proposes. `address`: where it is then. */
  propose(id: string, action: string, payload?: object, more?: object): Promise<string>;
  operation(id: string): Promise<Operation>;
  /** Waits until the operation is in this state; `prepared` is told from `prepared.halted`. */
  reaches(id: string, state: string): Promise<Operation>;
  /** Calls that act outside, in order. */
  left(): string[];
  env: Record<string, string>;
  stop(): Promise<void>;
}

const cliFile = fileURLToPath(import.meta.resolve('#supervisor/cli.ts'));
/** What steps does is free; the rest is asked about. */
const policies = `
@id("steps") @why("Steps are free.")
permit (principal, action in [Action::"steps.native", Action::"steps.lookup", Action::"steps.none"], resource);
@id("ask") @why("The rest needs my yes.")
permit (principal, action in Action::"writes", resource) when { context.approvals >= 1 };
`;

export const letter = (to: string) => ({ from: { address: 'hello@studio-voss.example', name: 'Studio Voss' }, to: { address: to, name: '' }, subject: 'Hello', text: 'Good morning.', inReplyTo: null, references: [] });

/** With `nats` the bus outlives the server, and so do worker processes. */
export async function startStepsCompany({ nats }: { nats?: TestNats } = {}): Promise<StepsCompany> {
  const company = makeCompany();
  const { dataDir } = company;
  const [steps, smtp] = await Promise.all([startSteps(), startSmtp()]);
  const made = await company.cli('init', dataDir);
  if (made.code !== 0) throw new Error(made.stderr);
  mkdirSync(join(dataDir, 'connectors'), { recursive: true });
  writeFileSync(join(dataDir, 'connectors', 'steps.ts'), stepsConnector);
  writeFileSync(join(dataDir, 'connectors', 'steps.json'), JSON.stringify({ url: steps.url }));
  if (nats) writeFileSync(join(dataDir, 'token'), nats.token, { mode: 0o600 });
  for (const file of readdirSync(join(dataDir, 'policies'))) writeFileSync(join(dataDir, 'policies', file), '');
  writeFileSync(join(dataDir, 'policies', 'default.cedar'), policies);
  const children: ChildProcess[] = [];
  const env = { KEELSON_SMTP_URL: smtp.url };
  let api: Api | undefined;
  const at: StepsCompany = {
    company, steps, smtp, env,
    api: () => api!,
    async up(...args) {
      await company.up(env, nats ? [...args, '--nats', nats.url] : args);
      api = openApi(dataDir);
    },
    async worker() {
      const child = spawn(process.execPath, [cliFile, 'up', '--role', 'worker', '--json', '--data', dataDir], { env: { ...process.env, ...env } });
      children.push(child);
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      await company.until('a worker', 60_000, async () => {
        if (child.exitCode !== null) throw new Error(`the worker ended: ${said}`);
        return said.includes('"ready"');
      });
      return { pid: child.pid!, ended, said: () => said, kill: async () => void (child.kill('SIGKILL'), await ended) };
    },
    propose: async (id, action, payload = { name: id }, more = {}) => (await at.api().post<{ address: string }>('/api/runs', { machine: 'operation', key: id, input: { id, action, payload, summary: id, ...more } })).address,
    async operation(id) {
      const found = (await at.api().query<{ address: string; value: unknown; context: Operation & { id: string } }[]>('operations')).find(({ context }) => context.id === id);
      if (!found) throw new Error(`there is no operation ${id}`);
      const { address, value, context: { reason, mode, outcome, approvalId } } = found;
      return { address, state: typeof value === 'string' ? value : Object.entries(value as object).flat().join('.'), reason, mode, outcome, approvalId };
    },
    reaches: (id, state) => company.until(`${id} is ${state}`, 60_000, async () => {
      const now = await at.operation(id);
      return now.state === state ? now : null;
    }),
    left: () => steps.calls.filter(({ step }) => step === 'prepare' || step === 'commit' || step === 'abort').map(({ step, name }) => `${step} ${name}`),
    async stop() {
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(children.map((child) => (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve())));
      await company.remove();
      await Promise.all([steps.stop(), smtp.stop()]);
    },
  };
  return at;
}
