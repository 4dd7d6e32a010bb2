// Loaded into a server by `--import`: writes down every name it looks up and every connection it opens, and makes the world reachable
// in a way that shows: all names of `.example` have an address that looks public, and whatever is not this machine leads to a sink
// that counts. So "nothing left" is known of the sockets, not of the code above them.
//   env: KEELSON_TEST_SINK, the port of the sink; KEELSON_TEST_CONNECTIONS, the file that is written
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

/** Of the organisation behind example.com; nothing is sent there. */
const publicAddress = '93.184.215.14';
const sink = Number(process.env['KEELSON_TEST_SINK']);
const file = process.env['KEELSON_TEST_CONNECTIONS'] ?? '';
const note = (line: string) => appendFileSync(file, `${line}\n`);
const isOurs = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.');
const isNamed = (host: unknown): host is string => typeof host === 'string' && net.isIP(host) === 0 && !isOurs(host);

type Done = (error: Error | null, address: unknown, family?: number) => void;
const looked = (host: string, options: { all?: boolean } | number | undefined, done: Done) => {
  note(`lookup ${host}`);
  if (typeof options === 'object' && options.all) process.nextTick(done, null, [{ address: publicAddress, family: 4 }]);
  else process.nextTick(done, null, publicAddress, 4);
};

const { lookup } = dns;
const { lookup: lookupPromise } = dns.promises;
Object.assign(dns, {
  lookup: (host: string, options: never, done: Done) => (isNamed(host) ? looked(host, typeof options === 'function' ? undefined : options, typeof options === 'function' ? options : done) : (lookup as (...all: unknown[]) => void)(host, options, done)),
});
Object.assign(dns.promises, {
  async lookup(host: string, options?: { all?: boolean }) {
    if (!isNamed(host)) return lookupPromise(host, options as never);
    note(`lookup ${host}`);
    return options?.all ? [{ address: publicAddress, family: 4 }] : { address: publicAddress, family: 4 };
  },
});
for (const owner of [dns.promises, dns.promises.Resolver.prototype]) {
  for (const name of ['resolve', 'resolve4', 'resolve6', 'resolveTxt', 'resolveMx', 'resolveCname', 'resolveAny'] as const) {
    Object.assign(owner, { [name]: async (host: string) => {
      note(`lookup ${host}`);
      return name === 'resolve' || name === 'resolve4' ? [publicAddress] : [];
    } });
  }
}

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function watched(this: net.Socket, ...given: never[]) {
  // What `net.connect` passes on is an array of options and callback.
  const args = (Array.isArray(given[0]) ? given[0] : given) as unknown[];
  const options = (typeof args[0] === 'object' ? { ...(args[0] as object) } : { port: args[0], host: typeof args[1] === 'string' ? args[1] : 'localhost' }) as { host?: string; port?: number | string; path?: string };
  if (options.path === undefined) {
    const host = options.host ?? 'localhost';
    note(`connect ${host}:${options.port}`);
    if (!isOurs(host)) Object.assign(options, { host: '127.0.0.1', port: sink });
  }
  const done = args.findLast((one) => typeof one === 'function');
  return (connect as (...all: unknown[]) => net.Socket).call(this, options, done);
};
syncBuiltinESMExports();
