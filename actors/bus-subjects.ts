// Addresses as subjects. The sender stands in the subject, where the server can check it; the partition is added by the server.
import { fromToken, keyOf, toToken, typeOf } from '#machines/address.ts';

export interface Names {
  /** Every subject of the company begins with it. */
  root: string;
  mailStream: string;
  jobStream: string;
  /** Holds one message: whose past the bus belongs to. */
  pastStream: string;
  past: string;
  mailSubjects: string;
  jobSubjects: string;
  /** What the server makes of a mailbox subject: the partition of the receiver comes first. */
  partitioned: string;
  partition(n: number): string;
  /** The partition that the server will choose for this receiver. */
  partitionOf(to: string): number;
  mailbox(to: string, from: string): string;
  queue(name: string): string;
  applied(address: string): string;
  /** Jobs that nobody waits for any more. */
  withdrawn: string;
  /** What was written, for everybody. */
  changes: string;
  /** Who hosts: each process says so. */
  hosts: string;
  /** What a process without a store asks of it. */
  storeCall: string;
  /** Questions to the store. */
  query: string;
  /** Receiver and sender of a partitioned mailbox subject; null when it is not one. */
  parse(subject: string): { to: string; from: string } | null;
}

/** Choose once: changing it re-homes actors. With one message in flight per partition it also bounds what is in flight. */
export const partitions = 64;

export function subjectNames(company: string): Names {
  const root = `ks.${company}`;
  const pair = (address: string) => `${typeOf(address)}.${toToken(keyOf(address))}`;
  return {
    root: `${root}.`,
    mailStream: `KS_${company}_MAIL`,
    jobStream: `KS_${company}_JOBS`,
    pastStream: `KS_${company}_PAST`,
    past: `${root}.past`,
    mailSubjects: `${root}.msg.*.*.*.*`,
    jobSubjects: `${root}.job.*`,
    partitioned: `${root}.box.{{partition(${partitions},1,2)}}.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}.{{wildcard(4)}}`,
    partition: (n) => `${root}.box.${n}.>`,
    partitionOf: (to) => fnv1a(`${typeOf(to)}${toToken(keyOf(to))}`) % partitions,
    mailbox: (to, from) => `${root}.msg.${pair(to)}.${pair(from)}`,
    queue: (name) => `${root}.job.${name}`,
    applied: (address) => `${root}.applied.${pair(address)}`,
    withdrawn: `${root}.withdrawn`,
    changes: `${root}.changes`,
    hosts: `${root}.hosts`,
    storeCall: `${root}.store.call`,
    query: `${root}.store.query`,
    parse(subject) {
      const tokens = subject.slice(root.length + 1).split('.');
      if (tokens.length !== 6 || tokens[0] !== 'box') return null;
      try {
        return { to: `${tokens[2]}/${fromToken(tokens[3]!)}`, from: `${tokens[4]}/${fromToken(tokens[5]!)}` };
      } catch {
        return null;
      }
    },
  };
}

/** The hash of the server's `partition()`: FNV-1a with 32 bits, over the tokens one after the other. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
