// Goal: every state and transition has its place in the drawing, and the drawing is a file that anything can show. Method: the real layout,
// on its thread, of dense machines and of one whose every name is hostile; the SVG is read as strict XML.
import assert from 'node:assert/strict';
import test from 'node:test';
import { activeNodes, toChart } from '#machines/chart.ts';
import { createLayouts, layoutChart, type LaidChart } from '#connectors/console/chart-layout.ts';
import { toSvg } from '#connectors/console/chart-svg.ts';
import { hostile, written } from '#test/machines/chart-machines.ts';
import { assertWellFormed } from '#test/machines/well-formed.ts';

const chartOf = (id: string) => toChart(written.find((machine) => machine.id === id)!);

function assertComplete({ chart, boxes, lines, dots, width, height }: LaidChart): void {
  assert.deepEqual(boxes.map(({ id }) => id), chart.nodes.map(({ id }) => id));
  const placed = [...lines.flatMap(({ edges }) => edges), ...boxes.flatMap(({ rows }) => rows.flatMap(({ edge }) => (edge === undefined ? [] : [edge])))];
  assert.deepEqual(placed.toSorted(), chart.edges.map(({ id }) => id).toSorted());
  for (const { edges, points } of lines) assert.ok(points.length >= 2, `line ${edges.join()} is not drawn`);
  assert.equal(dots.length, chart.nodes.filter(({ initial }) => initial !== null).length);
  for (const { id, x, y, width: w, height: h } of boxes) {
    const parent = boxes.find((box) => box.id === chart.nodes.find((node) => node.id === id)!.parent) ?? { x: 0, y: 0, width, height };
    assert.ok(x >= parent.x && y >= parent.y && x + w <= parent.x + parent.width && y + h <= parent.y + parent.height, `${id} is outside of the state it belongs to`);
  }
}

test('the drawing has every state in its parent and every transition as a line or a row', async () => {
  for (const id of ['historian', 'transient', 'nested']) assertComplete(await layoutChart(`${id}@1`, chartOf(id)));
});

test('hostile names stay words: one line each, no markup, nothing hidden', async () => {
  const laid = await layoutChart('hostile@<1>', toChart(hostile));
  assertComplete(laid);
  const svg = toSvg(laid, { active: laid.boxes.map(({ id }) => id), taken: laid.chart.edges.map(({ id }) => id) });
  assertWellFormed(svg, 'hostile');
  assert.doesNotMatch(svg, /<(?:img|script)|[\u202E\u200B]/);
  assert.match(svg, /U\+202E/);
  assert.ok(svg.length < 200_000 && laid.width < 10_000, 'a word of 10,000 characters is cut');
});

test('the SVG marks what is active by a sign as well, and what was taken', async () => {
  const chart = chartOf('queue');
  const laid = await layoutChart('queue@1', chart);
  const taken = chart.edges.find(({ event }) => event === 'HOLD')!.id;
  const svg = toSvg(laid, { active: activeNodes(chart, 'held'), taken: [taken] });
  assertWellFormed(svg, 'queue');
  assert.deepEqual(Array.from(svg.matchAll(/● (\w+)</g), ([, word]) => word), ['queue', 'held']);
  assert.equal(svg.match(/<g class="taken">/g)!.length, 1);
  assert.doesNotMatch(toSvg(laid), /●|class="taken"/);
});

test('a machine is laid out once for each structure, also when many ask at a time', async () => {
  const layouts = createLayouts();
  let asked = 0;
  const chart = () => (asked++, chartOf('raiser'));
  const [first, second] = await Promise.all([layouts('raiser@1', 'a', chart), layouts('raiser@1', 'a', chart)]);
  assert.equal(first, second);
  assert.equal(asked, 1);
  await layouts('raiser@1', 'b', chart);
  assert.equal(asked, 2);
});

test('a machine that is too large to draw is refused with what to do instead, and the next one is drawn', async () => {
  const layouts = createLayouts();
  const chart = chartOf('raiser');
  const large = { ...chart, nodes: Array.from({ length: 501 }, (_, i) => ({ ...chart.nodes[0]!, id: `s${i}` })) };
  await assert.rejects(layouts('large@1', 'a', () => large), { code: 'BAD_ARGUMENT', hint: /Mermaid/ });
  assert.equal((await layouts('raiser@1', 'a', () => chart)).key, 'raiser@1');
});
