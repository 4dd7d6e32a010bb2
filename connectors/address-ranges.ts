// Which IP addresses a request may go to. Everything that is not plainly a public host is refused; the operator's own network can be
// opened host by host. Ranges: the IANA special-purpose registries, and the addresses where clouds keep the secrets of a machine.
import { BlockList, isIPv4, isIPv6 } from 'node:net';

export type AddressKind = { kind: 'public' } | { kind: 'private' | 'never'; name: string };

const never = 'never' as const;
const own = 'private' as const;
/** The first that fits counts. */
const ranges: [range: string, name: string, kind: 'private' | 'never'][] = [
  ['169.254.0.0/16', 'link-local, where clouds answer with credentials', never],
  ['100.100.100.200/32', 'metadata of a cloud', never],
  ['168.63.129.16/32', 'metadata of a cloud', never],
  ['127.0.0.0/8', 'this computer', own],
  ['10.0.0.0/8', 'a private network', own],
  ['172.16.0.0/12', 'a private network', own],
  ['192.168.0.0/16', 'a private network', own],
  ['100.64.0.0/10', 'a private network of a provider', own],
  ['0.0.0.0/8', 'this network', never],
  ['192.0.0.0/24', 'protocol assignments', never],
  ['192.0.2.0/24', 'documentation', never],
  ['192.88.99.0/24', 'a 6to4 relay', never],
  ['198.18.0.0/15', 'benchmarks', never],
  ['198.51.100.0/24', 'documentation', never],
  ['203.0.113.0/24', 'documentation', never],
  ['224.0.0.0/4', 'multicast', never],
  ['240.0.0.0/4', 'reserved or broadcast', never],
  ['fd00:ec2::254/128', 'metadata of a cloud', never],
  ['::1/128', 'this computer', own],
  ['fc00::/7', 'a private network', own],
  ['2001::/23', 'protocol assignments and Teredo', never],
  ['2001:db8::/32', 'documentation', never],
  ['2002::/16', '6to4, which hides another address', never],
  ['3fff::/20', 'documentation', never],
];
const compiled = ranges.map(([range, name, kind]) => ({ holds: listOf(range), name, kind, family: familyOf(range) }));
/** The only part of IPv6 that is handed out; mapped, translated (NAT64), link-local and multicast addresses lie outside of it. */
const global = listOf('2000::/3');

export function addressKind(address: string): AddressKind {
  if (!isIPv4(address) && (!isIPv6(address) || address.includes('%'))) return { kind: never, name: 'no address' };
  const family = familyOf(address);
  const found = compiled.find((one) => one.family === family && one.holds.check(address, family));
  if (found) return { kind: found.kind, name: found.name };
  return family === 'ipv4' || global.check(address, family) ? { kind: 'public' } : { kind: never, name: 'no public address' };
}

function listOf(range: string): BlockList {
  const [net = '', bits] = range.split('/');
  const list = new BlockList();
  list.addSubnet(net, Number(bits), familyOf(range));
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}
