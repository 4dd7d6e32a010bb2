// What the drawing of a chart has in common wherever it is drawn: in the layout, in the browser and in SVG files.

/** In pixels. */
export const measures = { titleHeight: 26, rowHeight: 16, inset: 10, historySize: 28, dotSize: 12, titleCharacter: 8, rowCharacter: 7.25, textMax: 48 } as const;

/** A triangle at the end of a line, along its last piece. */
export function arrowHead(points: readonly (readonly [x: number, y: number])[]): string {
  const [[fromX, fromY], [x, y]] = [points.at(-2) ?? [0, 0], points.at(-1) ?? [0, 0]];
  const [dx, dy] = [Math.sign(Math.round(x - fromX)), Math.sign(Math.round(y - fromY))];
  return `M${x},${y}L${x - 8 * dx + 4 * dy},${y - 8 * dy + 4 * dx}L${x - 8 * dx - 4 * dy},${y - 8 * dy - 4 * dx}Z`;
}
