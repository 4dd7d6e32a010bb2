// What a tier claimed against how often it was right, as a small drawing: on the line it is honest, below it claims too much.
import type { TierView } from '../../quality-view.ts';
import { percent } from './percent.ts';

const size = 132;
const edge = 16;
const side = size - 2 * edge;
const x = (share: number) => edge + share * side;
const y = (share: number) => edge + (1 - share) * side;

export function Reliability({ tier: { task, tier, bins, threshold } }: { tier: Pick<TierView, 'task' | 'tier' | 'bins' | 'threshold'> }) {
  const filled = bins.flatMap(({ from, to, claimed, share, cases }) => (claimed === null || share === null ? [] : [{ from, to, claimed, share, cases }]));
  const said = filled.map(({ from, to, share, cases }) => `claims of ${from} to ${to}: ${percent(share)} of ${Math.round(cases * 10) / 10} right`).join('; ');
  return (
    <svg class="plot" viewBox={`0 0 ${size} ${size}`} width={size} height={size} role="img" aria-label={`${task} by ${tier}: ${said || 'nothing is known yet'}`}>
      <rect x={edge} y={edge} width={side} height={side} fill="none" stroke="var(--line)" />
      <line x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} stroke="var(--faint)" stroke-dasharray="2 3" />
      {threshold === null ? null : <line x1={x(threshold)} y1={y(0)} x2={x(threshold)} y2={y(1)} stroke="var(--busy)" />}
      {filled.map((bin) => <circle key={bin.from} cx={x(bin.claimed)} cy={y(bin.share)} r={Math.min(7, 2 + Math.sqrt(bin.cases) / 2)} fill="var(--ink)" fill-opacity=".7" />)}
      <text x={x(1)} y={size - 4} text-anchor="end">claimed</text>
      <text x={edge} y={edge - 5}>right</text>
    </svg>
  );
}
