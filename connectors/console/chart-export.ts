// A chart as a file: for documents, other tools, or programs.
import type { Chart } from '#machines/chart.ts';
import { toMermaid } from '#machines/chart-mermaid.ts';
import { toScxml } from '#machines/chart-scxml.ts';
import type { LaidChart } from './chart-layout.ts';
import { toSvg } from './chart-svg.ts';

export const chartFormats = ['svg', 'mermaid', 'scxml', 'json'] as const;
export type ChartFormat = (typeof chartFormats)[number];

/** `lay` is asked for the layout where one is needed. */
export async function exportChart(chart: Chart, format: ChartFormat, lay: () => Promise<LaidChart>): Promise<string> {
  switch (format) {
    case 'svg': return toSvg(await lay());
    case 'mermaid': return toMermaid(chart);
    case 'scxml': return toScxml(chart);
    case 'json': return JSON.stringify(chart, null, 2);
  }
}
