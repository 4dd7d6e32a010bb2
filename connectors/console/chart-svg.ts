// A laid out chart as an SVG file: for the terminal, for documents, to keep. It stands alone and follows light and dark.
import { reveal } from './hidden.ts';
import type { LaidBox, LaidChart, LaidLine } from './chart-layout.ts';
import { arrowHead, measures } from './chart-shape.ts';

const { titleHeight, rowHeight, inset } = measures;
const margin = 8;

const style = [
  'svg{color-scheme:light dark;--ink:light-dark(#14181f,#eceff4);--faint:light-dark(#4d5766,#aab4c3);--page:light-dark(#fff,#12151a);--inner:light-dark(#f6f7f9,#1b2027);--on:light-dark(#13682f,#6fdc92);--on-soft:light-dark(#dcf5e4,#123420);--taken:light-dark(#1d4ed8,#8ab4ff)}',
  'text{font:12px ui-monospace,monospace;fill:var(--ink)}.title{font-weight:700;font-size:13px}.row{fill:var(--faint)}.label{font-size:11.5px}',
  'rect.state,circle.state,rect.inside{fill:var(--page);stroke:var(--faint)}rect.outer{fill:var(--inner)}rect.region{stroke-dasharray:6 4}.active>.state{stroke:var(--on);stroke-width:3}.active>.state:not(.outer){fill:var(--on-soft)}',
  'text.label{paint-order:stroke;stroke:var(--inner);stroke-width:4px}polyline{fill:none;stroke:var(--faint);stroke-width:1.3}.head{fill:var(--faint)}.dot{fill:var(--ink)}.taken polyline{stroke:var(--taken);stroke-width:3}.taken .head,text.taken{fill:var(--taken)}text.taken{font-weight:700}',
].join('');

/** `active`: ids of states, `taken`: ids of edges; see machines/chart.ts. */
export function toSvg(laid: LaidChart, { active = [], taken = [] }: { active?: readonly string[]; taken?: readonly string[] } = {}): string {
  const [isActive, isTaken] = [new Set(active), new Set(taken)];
  const nodes = new Map(laid.chart.nodes.map((node) => [node.id, node]));
  const [width, height] = [laid.width + 2 * margin, laid.height + 2 * margin];

  const box = ({ id, x, y, width: w, height: h, title, rows }: LaidBox): string => {
    const { type, history, parent, key } = nodes.get(id)!;
    const on = isActive.has(id);
    const open = `<g${on ? ' class="active"' : ''}><title>${escape(`${key}${on ? ' (active)' : ''}`)}</title>`;
    if (type === 'history') return `${open}<circle class="state" cx="${x + w / 2}" cy="${y + h / 2}" r="${w / 2 - 1}"/><text x="${x + w / 2}" y="${y + h / 2 + 4}" text-anchor="middle">${history === 'deep' ? 'H*' : 'H'}</text></g>`;
    const kind = `state${type === 'compound' || type === 'parallel' ? ' outer' : ''}${parent !== null && nodes.get(parent)?.type === 'parallel' ? ' region' : ''}`;
    return [
      `${open}<rect class="${kind}" x="${x}" y="${y}" width="${w}" height="${h}" rx="8"/>`,
      type === 'final' ? `<rect class="inside" x="${x + 4}" y="${y + 4}" width="${w - 8}" height="${h - 8}" rx="5"/>` : '',
      `<text class="title" x="${x + inset}" y="${y + 18}">${on ? '● ' : ''}${escape(title)}</text>`,
      ...rows.map(({ text, edge }, i) => `<text class="row${edge !== undefined && isTaken.has(edge) ? ' taken' : ''}" x="${x + inset}" y="${y + titleHeight + 11 + i * rowHeight}">${escape(text)}</text>`),
      '</g>',
    ].join('');
  };

  const line = ({ edges, points, label }: LaidLine): string => [
    `<g${edges.some((id) => isTaken.has(id)) ? ' class="taken"' : ''}><polyline points="${points.map((point) => point.join(',')).join(' ')}"/><path class="head" d="${arrowHead(points)}"/>`,
    ...(label?.rows ?? []).map(({ edge, text }, i) => `<text class="label${isTaken.has(edge) ? ' taken' : ''}" x="${label!.x + 3}" y="${label!.y + 12 + i * rowHeight}">${escape(text)}</text>`),
    '</g>',
  ].join('');

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${-margin} ${-margin} ${width} ${height}" width="${width}" height="${height}" role="img"><title>${escape(`Statechart of ${laid.key}`)}</title><style>${style}</style>`,
    `<rect x="${-margin}" y="${-margin}" width="${width}" height="${height}" style="fill:var(--page)"/>`,
    ...laid.boxes.map(box), ...laid.lines.map(line), ...laid.dots.map(({ x, y }) => `<circle class="dot" cx="${x}" cy="${y}" r="5"/>`),
    '</svg>',
  ].join('\n');
}

const escape = (text: string) => reveal(text).map(({ text: piece }) => piece).join('').replaceAll(/[&<>"'\n\t]/g, (character) => `&#${character.charCodeAt(0)};`);
