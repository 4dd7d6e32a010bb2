// The lines and boxes of a laid out chart, as elements.
import { useMemo } from 'preact/hooks';
import type { LaidBox, LaidChart, LaidLine } from '../../chart-layout.ts';
import { arrowHead, measures } from '../../chart-shape.ts';

const { titleHeight, rowHeight, inset } = measures;

interface Shown { laid: LaidChart; active: readonly string[]; taken: readonly string[] }

export function ChartDrawing({ laid, active, taken }: Shown) {
  // A page that counts seconds draws anew each second; a chart of hundreds of lines need not.
  return useMemo(() => <Drawn laid={laid} active={active} taken={taken} />, [laid, active.join('\n'), taken.join('\n')]);
}

function Drawn({ laid, active, taken }: Shown) {
  const [isActive, isTaken] = [new Set(active), new Set(taken)];
  // What was just taken lies above the rest.
  const lines = laid.lines.toSorted((a, b) => Number(a.edges.some((id) => isTaken.has(id))) - Number(b.edges.some((id) => isTaken.has(id))));
  return (
    <g>
      {laid.boxes.map((box) => <Box key={box.id} box={box} laid={laid} isActive={isActive.has(box.id)} isTaken={isTaken} />)}
      {lines.map((line) => <Line key={line.edges[0]} line={line} laid={laid} isTaken={isTaken} />)}
      {laid.dots.map(({ x, y }, i) => <circle key={i} class="dot" cx={x} cy={y} r="5" />)}
    </g>
  );
}

function Box({ box: { id, x, y, width, height, title, rows }, laid: { chart: { nodes } }, isActive, isTaken }: { box: LaidBox; laid: LaidChart; isActive: boolean; isTaken: ReadonlySet<string> }) {
  const { type, history, parent, description } = nodes.find((node) => node.id === id)!;
  const isRegion = parent !== null && nodes.some((node) => node.id === parent && node.type === 'parallel');
  const look = `state ${type === 'compound' || type === 'parallel' ? 'outer' : ''} ${isRegion ? 'region' : ''}`;
  if (type === 'history') {
    return <g><title>{history === 'deep' ? 'back to where it was, at every depth' : 'back to where it was'}</title><circle class="state" cx={x + width / 2} cy={y + height / 2} r={width / 2 - 1} /><text x={x + width / 2} y={y + height / 2 + 4} text-anchor="middle">{history === 'deep' ? 'H*' : 'H'}</text></g>;
  }
  return (
    <g class={isActive ? 'active' : ''} data-state={id}>
      <title>{`${title}${isActive ? ' (active)' : ''}${description === null ? '' : `: ${description}`}`}</title>
      <rect class={look} x={x} y={y} width={width} height={height} rx="8" />
      {type === 'final' ? <rect class="inside" x={x + 4} y={y + 4} width={width - 8} height={height - 8} rx="5" /> : null}
      <text class="title" x={x + inset} y={y + 18}>{isActive ? `● ${title}` : title}</text>
      {rows.map(({ text, edge }, i) => <text key={i} class={`row-text ${edge !== undefined && isTaken.has(edge) ? 'taken' : ''}`} x={x + inset} y={y + titleHeight + 11 + i * rowHeight}>{text}</text>)}
    </g>
  );
}

function Line({ line: { edges, points, label }, laid: { chart }, isTaken }: { line: LaidLine; laid: LaidChart; isTaken: ReadonlySet<string> }) {
  const said = chart.edges.filter(({ id }) => edges.includes(id)).map(({ label: event, actions }) => `${event}${actions.length > 0 ? ` / ${actions.join(', ')}` : ''}`);
  return (
    <g class={edges.some((id) => isTaken.has(id)) ? 'taken' : ''} data-edge={edges[0]}>
      <title>{said.join('\n')}</title>
      <polyline points={points.map((point) => point.join(',')).join(' ')} />
      <path class="arrow" d={arrowHead(points)} />
      {label?.rows.map(({ edge, text }, i) => <text key={edge} class={`label ${isTaken.has(edge) ? 'taken' : ''}`} x={label.x + 3} y={label.y + 12 + i * rowHeight}>{text}</text>)}
    </g>
  );
}
