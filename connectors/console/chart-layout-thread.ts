// The layout of one chart, by ELK: boxes in boxes, right-angled lines, labels that cover nothing. Runs as a thread; see chart-layout.ts.
import { parentPort, workerData } from 'node:worker_threads';
import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk.bundled.js';
import type { Chart, ChartEdge, ChartNode } from '#machines/chart.ts';
import type { LaidBox, LaidChart, LaidLine } from './chart-layout.ts';
import { measures } from './chart-shape.ts';
import { reveal } from './hidden.ts';

const { titleHeight, rowHeight, inset, historySize, dotSize, titleCharacter, rowCharacter, textMax } = measures;

const plain = {
  'elk.algorithm': 'layered', 'elk.direction': 'DOWN', 'elk.hierarchyHandling': 'INCLUDE_CHILDREN', 'elk.edgeRouting': 'ORTHOGONAL', 'elk.json.shapeCoords': 'ROOT', 'elk.json.edgeCoords': 'ROOT',
  'elk.layered.spacing.nodeNodeBetweenLayers': '30', 'elk.layered.spacing.edgeNodeBetweenLayers': '14', 'elk.spacing.nodeNode': '26', 'elk.spacing.edgeNode': '14', 'elk.spacing.edgeEdge': '12', 'elk.spacing.edgeLabel': '4', 'elk.spacing.labelLabel': '4',
};
/** Downwards from where it begins, and narrow. More thoroughness than this doubles the time and changes little. */
const better = { 'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST', 'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX', 'elk.layered.thoroughness': '3' };
/** With more transitions that takes minutes; this takes a second or two for several hundred. */
const betterMax = 90;
const quick = { 'elk.layered.thoroughness': '1' };

async function layOut({ key, chart }: { key: string; chart: Chart }): Promise<LaidChart> {
  const { default: Elk } = await import('elkjs/lib/elk.bundled.js');
  const ways = waysOf(chart);
  const boxes = new Map(chart.nodes.map((node) => [node.id, { id: node.id, title: clip(node.key), rows: rowsOf(node, chart) }]));
  // ELK is given numbers in place of names, which are whatever somebody wrote.
  const numbers = new Map(chart.nodes.map(({ id }, i) => [id, `n${i}`]));
  const begins = chart.edges.filter(({ kind, source, target }) => kind === 'initial' && target !== null && chart.nodes.some(({ id, type }) => id === source && type === 'compound'));

  const toElk = (node: ChartNode): ElkNode => {
    const inner = chart.nodes.filter(({ parent }) => parent === node.id);
    const { title, rows } = boxes.get(node.id)!;
    const id = numbers.get(node.id)!;
    if (node.type === 'history') return { id, width: historySize, height: historySize };
    const width = Math.ceil(Math.max(60, widthOf(title, titleCharacter) + 34, ...rows.map(({ text }) => widthOf(text, rowCharacter) + 2 * inset)));
    const height = titleHeight + rows.length * rowHeight + (rows.length > 0 ? 6 : 0);
    if (inner.length === 0) return { id, width, height: height + 4 };
    const dots = begins.filter(({ source }) => source === node.id).map((edge) => ({ id: `d${edge.id}`, width: dotSize, height: dotSize }));
    return {
      id, children: [...dots, ...inner.map(toElk)],
      layoutOptions: { 'elk.padding': `[top=${height + 12},left=16,bottom=16,right=16]`, 'elk.nodeSize.constraints': 'MINIMUM_SIZE', 'elk.nodeSize.minimum': `(${width},${height})` },
    };
  };
  const edges: ElkExtendedEdge[] = [
    ...begins.map((edge) => ({ id: `i${edge.id}`, sources: [`d${edge.id}`], targets: [numbers.get(edge.target!)!] })),
    ...ways.map((way, i) => {
      const rows = labelOf(way);
      return {
        id: `w${i}`, sources: [numbers.get(way[0]!.source)!], targets: [numbers.get(way[0]!.target!)!],
        labels: rows.length === 0 ? [] : [{ id: `l${i}`, text: ' ', width: Math.ceil(Math.max(...rows.map(({ text }) => widthOf(text, rowCharacter))) + 6), height: rows.length * rowHeight }],
      };
    }),
  ];
  const graph: ElkNode = { id: 'all', children: chart.nodes.filter(({ parent }) => parent === null).map(toElk), edges };
  const lay = (layoutOptions: Record<string, string>) => new Elk.default().layout(structuredClone(graph), { layoutOptions });
  // ELK fails at some graphs when it is asked for the best; the plain layout then does.
  const laid = chart.edges.length > betterMax ? await lay({ ...plain, ...quick }) : await lay({ ...plain, ...better }).catch(() => lay({ ...plain, ...quick }));

  const places = new Map<string, ElkNode>();
  const collect = (node: ElkNode) => {
    places.set(node.id, node);
    for (const child of node.children ?? []) collect(child);
  };
  collect(laid);
  const drawn = new Map((laid.edges as ElkExtendedEdge[]).map((edge) => [edge.id, edge]));
  return {
    key, chart, width: Math.ceil(laid.width ?? 0), height: Math.ceil(laid.height ?? 0),
    boxes: chart.nodes.map(({ id }): LaidBox => {
      const { x = 0, y = 0, width = 0, height = 0 } = places.get(numbers.get(id)!)!;
      return { ...boxes.get(id)!, x: round(x), y: round(y), width: round(width), height: round(height) };
    }),
    lines: [
      ...begins.map((edge): LaidLine => ({ edges: [edge.id], points: pointsOf(drawn.get(`i${edge.id}`)), label: null })),
      ...ways.map((way, i): LaidLine => {
        const edge = drawn.get(`w${i}`);
        const [label] = edge?.labels ?? [];
        return { edges: way.map(({ id }) => id), points: pointsOf(edge), label: label ? { x: round(label.x!), y: round(label.y!), width: label.width!, height: label.height!, rows: labelOf(way) } : null };
      }),
    ],
    dots: begins.map((edge) => {
      const { x = 0, y = 0 } = places.get(`d${edge.id}`)!;
      return { x: round(x + dotSize / 2), y: round(y + dotSize / 2) };
    }),
  };
}

/** Transitions between two states, those of one way together. What a history state means by default is one of them. */
function waysOf({ nodes, edges }: Chart): ChartEdge[][] {
  const compound = new Set(nodes.filter(({ type }) => type === 'compound').map(({ id }) => id));
  const ways = new Map<string, ChartEdge[]>();
  for (const edge of edges) {
    if (edge.target === null || (edge.kind === 'initial' && compound.has(edge.source))) continue;
    const way = JSON.stringify([edge.source, edge.target]);
    ways.set(way, [...(ways.get(way) ?? []), edge]);
  }
  return [...ways.values()];
}

const labelOf = (way: ChartEdge[]): { edge: string; text: string }[] => way.filter(({ label }) => label !== '').map(({ id, label }) => ({ edge: id, text: clip(label) }));

function rowsOf({ id, entry, exit, invoke }: ChartNode, { edges }: Chart): LaidBox['rows'] {
  return [
    ...invoke.map(({ src }) => ({ kind: 'invoke' as const, text: clip(`runs ${src}`) })),
    ...entry.map((name) => ({ kind: 'entry' as const, text: clip(`entry / ${name}`) })),
    ...exit.map((name) => ({ kind: 'exit' as const, text: clip(`exit / ${name}`) })),
    ...edges.filter(({ source, target }) => source === id && target === null).map(({ id: edge, label, actions }) => ({ kind: 'stays' as const, edge, text: clip(`${label} / ${actions.length > 0 ? actions.join(', ') : 'nothing'}`) })),
  ];
}

const pointsOf = (edge: ElkExtendedEdge | undefined): [number, number][] => (edge?.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint]).map(({ x, y }) => [round(x), round(y)]);

/** Characters of East Asian scripts and pictures take the room of two. */
const widthOf = (text: string, character: number) => Array.from(text).reduce((sum, one) => sum + (one > '\u2E80' ? 2 : 1), 0) * character;
/** One line that fits, with what cannot be seen named. */
const clip = (text: string) => {
  const characters = Array.from(reveal(text.replaceAll(/\s+/g, ' ')).map((piece) => piece.text).join(''));
  return characters.length > textMax ? `${characters.slice(0, textMax - 1).join('')}…` : text;
};
const round = (value: number) => Math.round(value * 10) / 10;

parentPort?.postMessage(await layOut(workerData as { key: string; chart: Chart }));
