// What a chart's tree shows: its items in order, as deep as they are open.
import type { Chart, ChartEdge, ChartNode } from '#machines/chart.ts';

export interface TreeItem {
  id: string;
  text: string;
  /** From 1 on, with the number of siblings and the place among them. */
  level: number;
  size: number;
  place: number;
  /** Absent when there is nothing in it. */
  isOpen: boolean | undefined;
  isActive: boolean;
  isTaken: boolean;
}

interface Asked { active: readonly string[]; taken: readonly string[]; chosen: ReadonlyMap<string, boolean> }

export function visibleItems(chart: Chart, { active, taken, chosen }: Asked): TreeItem[] {
  const items: TreeItem[] = [];
  const [isActive, isTaken] = [new Set(active), new Set(taken)];
  const names = new Map(chart.nodes.map(({ id, key }) => [id, key]));

  const add = (node: ChartNode, level: number, size: number, place: number) => {
    const states = chart.nodes.filter(({ parent }) => parent === node.id);
    const edges = chart.edges.filter(({ source, kind }) => source === node.id && kind !== 'initial');
    const deeds = deedsOf(node);
    const count = deeds.length + edges.length + states.length;
    const isOpen = count === 0 ? undefined : chosen.get(node.id) ?? (states.length > 0 || isActive.has(node.id));
    items.push({ id: node.id, text: titleOf(node, chart), level, size, place, isOpen, isActive: isActive.has(node.id), isTaken: false });
    if (!isOpen) return;
    const leaf = (id: string, text: string, i: number) => items.push({ id, text, level: level + 1, size: count, place: i + 1, isOpen: undefined, isActive: false, isTaken: isTaken.has(id) });
    for (const [i, deed] of deeds.entries()) leaf(`${node.id} ${i}`, deed, i);
    for (const [i, edge] of edges.entries()) leaf(edge.id, sentenceOf(edge, names), deeds.length + i);
    for (const [i, state] of states.entries()) add(state, level + 1, count, deeds.length + edges.length + i + 1);
  };
  for (const root of chart.nodes.filter(({ parent }) => parent === null)) add(root, 1, 1, 1);
  return items;
}

function titleOf({ key, type, history, parent, id, description }: ChartNode, { nodes }: Chart): string {
  const isFirst = nodes.some(({ id: outer, initial }) => outer === parent && initial === id);
  const kind = type === 'history' ? (history === 'deep' ? 'history, at every depth' : 'history') : type === 'parallel' ? 'parallel' : type === 'final' ? 'final' : isFirst ? 'begins here' : '';
  return `${key}${kind === '' ? '' : ` (${kind})`}${description === null ? '' : `: ${description}`}`;
}

const deedsOf = ({ entry, exit, invoke, tags }: ChartNode): string[] => [
  ...(tags.length > 0 ? [`tags: ${tags.join(', ')}`] : []), ...invoke.map(({ src }) => `runs ${src}`), ...entry.map((name) => `entry / ${name}`), ...exit.map((name) => `exit / ${name}`),
];

function sentenceOf({ label, target, actions, reenter, source }: ChartEdge, names: ReadonlyMap<string, string>): string {
  const where = target === null ? 'stays' : target === source && reenter ? `→ ${names.get(target)}, anew` : `→ ${names.get(target)}`;
  return `${label} ${where}${actions.length > 0 ? ` / ${actions.join(', ')}` : ''}`;
}
