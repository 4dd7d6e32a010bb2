// A network of its own, in which there is nothing but loopback: whatever a process in it wants to reach elsewhere has no route, and the
// kernel counts each attempt. So "nothing left" is known of the network, not of the code above it.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

// Without root a user of its own is needed, to whom the network belongs.
const unshare = userInfo().uid === 0 ? '-n' : '-rn';

/** null if there can be such a network, else why not. Give it to `test(…, {skip: networkMissing() ?? false})`. With KEELSON_TEST_ALL=1 nothing is skipped, so the tests fail instead. */
export function networkMissing(): string | null {
  if (process.env['KEELSON_TEST_ALL'] === '1') return null;
  try {
    execFileSync('unshare', [unshare, 'sh', '-c', 'ip link set lo up && grep -q ^Ip: /proc/net/snmp'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `NO NETWORK OF ITS OWN CAN BE MADE HERE (unshare ${unshare}, ip: ${String(error).split('\n')[0]}): that a dry run reaches nobody is NOT TESTED.`;
  }
}

/** Runs a script in such a network to its end; answers the lines of JSON that it printed. */
export async function runInOwnNetwork<T>(script: string): Promise<T[]> {
  const child = spawn('unshare', [unshare, 'sh', '-c', 'ip link set lo up && exec "$0" "$1"', process.execPath, script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let failed = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  child.stderr.on('data', (chunk) => (failed += chunk));
  const code = await new Promise<number | null>((resolve) => void child.once('close', resolve));
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${failed}${said}`);
  return said.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as T);
}

/** From inside: how often something wanted to go elsewhere, by IPv4 and IPv6, over TCP and UDP. */
export function attemptsToLeave(): number {
  const [names, values] = readFileSync('/proc/net/snmp', 'utf8').split('\n').filter((line) => line.startsWith('Ip: ')).map((line) => line.split(' '));
  const v4 = Number(values![names!.indexOf('OutNoRoutes')]);
  const v6 = Number(/^Ip6OutNoRoutes\s+(\d+)$/m.exec(readFileSync('/proc/net/snmp6', 'utf8'))?.[1] ?? 0);
  if (!Number.isInteger(v4)) throw new Error('/proc/net/snmp does not count what has no route');
  return v4 + v6;
}
