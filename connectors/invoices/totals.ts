// What an invoice comes to, in whole minor units. Two roundings and no more: the net amount of each line, and the tax of each rate on
// the sum of its lines. Half a unit is rounded away from zero. Sums of rounded amounts are exact, so the printed figures add up.
import { KeelsonError } from '#machines/errors.ts';
import type { Order } from '#machines/invoice.ts';

export interface Totals {
  /** Net, in the order of the lines. */
  lines: number[];
  /** By rising rate. */
  taxes: { percent: number; netMinor: number; taxMinor: number }[];
  netMinor: number;
  totalMinor: number;
}

const largest = 1_000_000_000_000_000n;

export function totalsOf(lines: Order['lines']): Totals {
  // The schema bounds the decimals, so the scaled values are whole.
  const nets = lines.map(({ quantity, unitMinor }) => divideRounded(scaled(quantity, 1_000) * BigInt(unitMinor), 1_000n));
  const byRate = new Map<number, bigint>();
  lines.forEach(({ taxPercent }, i) => byRate.set(taxPercent, (byRate.get(taxPercent) ?? 0n) + nets[i]!));
  const taxes = [...byRate].toSorted(([a], [b]) => a - b).map(([percent, net]) => ({ percent, net, tax: divideRounded(net * scaled(percent, 100), 10_000n) }));
  const net = sum(nets);
  const total = net + sum(taxes.map(({ tax }) => tax));
  if (total <= 0n) throw new KeelsonError('REFUSED', `the invoice comes to ${total} minor units; it must be more than 0 (credit notes are not made here)`);
  if ([total, ...nets].some((minor) => minor > largest || minor < -largest)) throw new KeelsonError('REFUSED', 'the invoice comes to more than can be written exactly');
  return { lines: nets.map(Number), taxes: taxes.map(({ percent, ...of }) => ({ percent, netMinor: Number(of.net), taxMinor: Number(of.tax) })), netMinor: Number(net), totalMinor: Number(total) };
}

const scaled = (value: number, by: number) => BigInt(Math.round(value * by));
const sum = (values: bigint[]) => values.reduce((a, b) => a + b, 0n);

function divideRounded(dividend: bigint, divisor: bigint): bigint {
  const half = dividend < 0n ? -divisor / 2n : divisor / 2n;
  return (dividend + half) / divisor; // BigInt division cuts towards zero
}
