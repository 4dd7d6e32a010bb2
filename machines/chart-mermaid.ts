// A chart as Mermaid, which documents and code hosts draw. Mermaid has no history states: they are states named H and H*.
import type { Chart, ChartNode } from './chart.ts';

export function toMermaid(chart: Chart): string {
  const { nodes, edges } = chart;
  // Mermaid is given numbers in place of names, which are whatever somebody wrote.
  const idOf = new Map(nodes.map(({ id }, i) => [id, `s${i}`]));
  const begins = new Set(nodes.filter(({ type }) => type === 'compound').map(({ id }) => id));
  const lines = ['stateDiagram-v2'];

  const write = (node: ChartNode, indent: string) => {
    const id = idOf.get(node.id)!;
    const inner = nodes.filter(({ parent }) => parent === node.id);
    const title = node.type === 'history' ? (node.history === 'deep' ? 'H*' : 'H') : node.key;
    const notes = notesOf(node, chart);
    lines.push(`${indent}state "${words(title)}" as ${id}${inner.length > 0 ? ' {' : ''}`);
    if (inner.length > 0) {
      if (node.initial !== null) lines.push(`${indent}  [*] --> ${idOf.get(node.initial)}`);
      const histories = inner.filter(({ type }) => type === 'history');
      for (const [i, child] of inner.filter(({ type }) => type !== 'history').entries()) {
        if (node.type === 'parallel' && i > 0) lines.push(`${indent}  --`);
        write(child, `${indent}  `);
        if (i === 0) for (const history of histories) write(history, `${indent}  `);
      }
      lines.push(`${indent}}`);
    }
    if (node.type === 'final') lines.push(`${indent}${id} --> [*]`);
    if (notes.length > 0 && inner.length === 0) lines.push(...notes.map((note) => `${indent}${id} : ${note}`));
    else if (notes.length > 0) lines.push(`${indent}note right of ${id}`, ...notes.map((note) => `${indent}  ${note}`), `${indent}end note`);
  };
  for (const root of nodes.filter(({ parent }) => parent === null)) write(root, '  ');

  for (const { source, target, label, kind } of edges) {
    if (target === null || (kind === 'initial' && begins.has(source))) continue;
    lines.push(`  ${idOf.get(source)} --> ${idOf.get(target)}${label === '' ? '' : ` : ${words(label)}`}`);
  }
  return `${lines.join('\n')}\n`;
}

/** What a state runs and does: each begins with a word of ours, so that no name is taken for Mermaid's own. */
function notesOf({ id, entry, exit, invoke }: ChartNode, { edges }: Chart): string[] {
  const stays = edges.filter(({ source, target }) => source === id && target === null);
  return [...invoke.map(({ src }) => `runs ${src}`), ...entry.map((name) => `entry / ${name}`), ...exit.map((name) => `exit / ${name}`), ...stays.map(({ label, actions }) => `on ${label} / ${actions.join(', ') || 'nothing'}`)].map(words);
}

/** Only letters, digits and harmless signs stand as they are; the rest as character codes. */
const words = (text: string) => Array.from(text.replaceAll(/\s+/g, ' ').trim(), (one) => (/[\p{L}\p{N} _.,/()[\]+=*?!'-]/u.test(one) ? one : `#${one.codePointAt(0)};`)).join('') || '#160;';
