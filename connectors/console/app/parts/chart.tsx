// A statechart: the drawing, and the same as a tree for keyboards and screen readers. What is active is filled, framed and marked; what
// was just taken is thick and moves.
import type { LaidChart } from '../../chart-layout.ts';
import { get } from '../state/api.ts';
import { useLive, type Live } from '../state/live.ts';
import { ChartDrawing } from './chart-drawing.tsx';
import { ChartTree } from './chart-tree.tsx';
import { ChartView } from './chart-view.tsx';
import './chart.css';

export const chartPath = (key: string) => `/api/machines/${encodeURIComponent(key)}/chart`;

/** The drawing of a machine, `id@version`. */
export function useChart(key: string): Live<LaidChart> {
  return useLive(() => get<LaidChart>(chartPath(key)), [key]);
}

/** `active`: ids of states, `taken`: ids of edges; machines/chart.ts tells them from a value and a step. `label` names the drawing. */
export function Chart({ laid, active, taken, label }: { laid: LaidChart; active: readonly string[]; taken: readonly string[]; label: string }) {
  // Where nothing is active, the place where it begins.
  const seen = active.at(-1) ?? laid.chart.nodes.find(({ parent }) => parent === null)?.initial;
  const target = laid.boxes.find(({ id }) => id === seen) ?? null;
  return (
    <div class="chart">
      <p class="visually-hidden" role="status">{active.length > 0 ? `${label}: ${leafNames(laid, active).join(' and ')}` : ''}</p>
      <div class="chart-parts beside">
        <ChartView width={laid.width} height={laid.height} target={target} label={label}>
          <ChartDrawing laid={laid} active={active} taken={taken} />
        </ChartView>
        <details class="chart-tree" open>
          <summary>States and transitions</summary>
          <ChartTree key={laid.key} chart={laid.chart} active={active} taken={taken} label={label} />
        </details>
      </div>
    </div>
  );
}

/** The innermost active states, each with those around it. */
function leafNames({ chart: { nodes } }: LaidChart, active: readonly string[]): string[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const outer = new Set(active.map((id) => byId.get(id)?.parent));
  const nameOf = (id: string | null): string => {
    const node = id === null ? undefined : byId.get(id);
    return !node ? '' : node.parent === null || byId.get(node.parent)?.parent === null ? node.key : `${nameOf(node.parent)}, ${node.key}`;
  };
  return active.filter((id) => !outer.has(id)).map(nameOf);
}
