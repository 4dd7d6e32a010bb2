// How the company's machine stands, one line each, with what to do where something is wrong. Pure.
import type { ConnectorView } from './desk-connectors.ts';

/** What only the process itself can see. */
export interface Machine {
  /** Milliseconds of a question to the bus and back; null when it did not answer. */
  busMs: number | null;
  storeBytes: number;
  freeBytes: number;
  isWritable: boolean;
  /** Tiers of models, cheapest first, and the providers that are left alone for a while because they failed. */
  models: { tiers: readonly string[]; resting: readonly { provider: string; reason: string; againAtMs: number }[] };
}

export interface Standing { operations: { state: string; count: number }[]; parked: number; statuses: { status: string; count: number }[]; last: { seq: number; atMs: number } | null }
export interface Counts { received: number; applied: number; duplicate: number; parked: number; waiting: number; inFlight: number; deadlines: number; active: number; failed: number; mails: number; facts: number; erasing: number; commits: number; effects: string }

/** `todo`: null when nothing has to be done. `to`: the screen where that is done. */
export interface Line { name: string; tone: 'good' | 'waiting' | 'bad'; says: string; todo: string | null; to: string | null }

export interface Known { machine: Machine; standing: Standing; counts: Counts; effects: { state: string; reason: string | null; dryRun: boolean }; paused: string | null; connectors: readonly ConnectorView[]; nowMs: number }

const slowBusMs = 500;
const littleSpaceBytes = 1024 ** 3;

export function healthLines({ machine, standing, counts, effects, paused, connectors, nowMs }: Known): Line[] {
  const unknown = standing.operations.find(({ state }) => state === 'unknown')?.count ?? 0;
  const line = (name: string, tone: Line['tone'], says: string, todo: string | null = null, to: string | null = null): Line => ({ name, tone, says, todo, to });
  const lines = [
    machine.busMs === null ? line('Bus', 'bad', 'It does not answer.', 'Work goes on when it is back. Look at nats-server and at keelson.log.', '/bus')
      : line('Bus', machine.busMs > slowBusMs ? 'waiting' : 'good', `A question and its answer took ${machine.busMs} ms.`, machine.busMs > slowBusMs ? 'It is slow: see what else keeps this computer busy.' : null, '/bus'),
    !machine.isWritable ? line('Store', 'bad', 'Its file cannot be written.', 'Look at the rights of the company folder and at the disk.', '/settings')
      : line('Store', machine.freeBytes < littleSpaceBytes ? 'bad' : 'good', `${bytes(machine.storeBytes)}, ${standing.last ? `${standing.last.seq} commits, the last ${ago(nowMs - standing.last.atMs)}` : 'nothing was written yet'}; ${bytes(machine.freeBytes)} free.`, machine.freeBytes < littleSpaceBytes ? 'Make room on the disk.' : null, '/settings'),
    modelsLine(machine.models),
    effects.state === 'stopped' ? line('Effects', 'bad', `Nothing leaves${effects.reason ? `: ${effects.reason}` : '.'}`, 'Let them go on with the button at the top.') : line('Effects', 'good', effects.dryRun ? 'Dry run: what is approved is only played through.' : 'What is approved leaves.'),
    paused === null ? line('Work', 'good', counts.inFlight === 0 ? 'Everything that came is taken care of.' : `${counts.inFlight} messages are under way.`) : line('Work', 'bad', `The company is paused${paused ? `: ${paused}` : '.'}`, 'Let it go on: keelson resume.', '/settings'),
    ...(counts.failed > 0 ? [line('Failed agents', 'bad', `${counts.failed} ended with an error.`, 'Look at what they said.', '/runs?status=error')] : []),
    ...(unknown > 0 ? [line('Unknown operations', 'bad', `Of ${unknown} nobody knows whether they left.`, 'Look at the other side and say what you see.', '/inbox')] : []),
    ...(standing.parked > 0 ? [line('Parked messages', 'waiting', `${standing.parked} could not be applied.`, 'Look at why, then hand them in again or discard them.', '/bus')] : []),
    ...(counts.erasing > 0 ? [line('Erasures', 'waiting', `${counts.erasing} are not finished: another program still reads the old bytes.`, 'Close exports and SQLite tools; it is tried again each minute.', '/settings')] : []),
  ];
  const missing = connectors.filter(({ isSetUp }) => !isSetUp).map(({ name }) => name);
  return [...lines, ...connectors.filter(({ isSetUp }) => isSetUp).map(connectorLine), ...(missing.length > 0 ? [line('Other connectors', 'good', `Not set up: ${missing.join(', ')}.`, null, '/connectors')] : [])];
}

function modelsLine({ tiers, resting: [first, ...others] }: Machine['models']): Line {
  const line = (tone: Line['tone'], says: string, todo: string | null, to: string | null): Line => ({ name: 'Models', tone, says, todo, to });
  if (tiers.length === 0) return line('good', 'None is set up: rules, templates and what was learnt do the work.', 'To use one, write models.json, or set OPENAI_API_KEY or KEELSON_OPENAI_BASE_URL, and start again.', null);
  if (first === undefined) return line('good', `Set up: ${tiers.join(', ')}.`, null, '/budgets');
  const rest = others.length === 0 ? '' : ` So ${others.length === 1 ? 'is' : 'are'} ${others.map(({ provider }) => provider).join(', ')}.`;
  return line('bad', `${first.provider} is left alone until ${new Date(first.againAtMs).toISOString().slice(11, 16)} UTC: ${first.reason}.${rest}`, 'Work goes on without it, or waits for it; it is asked again by itself. See whether it runs: keelson models.', '/budgets');
}

function connectorLine({ name, mode, circuit, lastFailed, lastDone, note }: ConnectorView): Line {
  const line = (tone: Line['tone'], says: string, todo: string | null): Line => ({ name: `Connector ${name}`, tone, says, todo, to: '/connectors' });
  if (circuit === 'resting') return line('bad', 'It failed several times in a row and is left alone for a while.', 'Look at its last failure.');
  if (lastFailed && lastFailed.atMs > (lastDone?.atMs ?? 0)) return line('waiting', `The last call failed: ${lastFailed.reason ?? 'no reason was given'}`, 'Look at the operation, then try again.');
  return line('good', mode === 'sandbox' ? 'In the sandbox: nothing leaves by it.' : note || 'Ready.', null);
}

const bytes = (n: number) => (n >= 1024 ** 3 ? `${(n / 1024 ** 3).toFixed(1)} GB` : n >= 1024 ** 2 ? `${(n / 1024 ** 2).toFixed(1)} MB` : `${Math.ceil(n / 1024)} kB`);
const ago = (ms: number) => (ms < 60_000 ? 'less than a minute ago' : ms < 3_600_000 ? `${Math.floor(ms / 60_000)} min ago` : `${Math.floor(ms / 3_600_000)} h ago`);
