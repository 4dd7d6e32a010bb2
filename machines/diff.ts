// Which lines went and which came, between two texts. The longest common subsequence, after the common start and end are set aside.

export interface DiffLine { op: ' ' | '-' | '+'; line: string }

/** Above this the table of the middle part would not fit; then the middle is shown as gone and come as a whole. */
const cellsMax = 4_000_000;

/** Every line of both texts, once: ` ` in both, `-` only before, `+` only after. A final line end makes no line of its own. */
export function diffLines(before: string, after: string): DiffLine[] {
  const [a, b] = [toLines(before), toLines(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const same = (line: string): DiffLine => ({ op: ' ', line });
  return [...a.slice(0, start).map(same), ...diffMiddle(a.slice(start, a.length - end), b.slice(start, b.length - end)), ...a.slice(a.length - end).map(same)];
}

function diffMiddle(a: string[], b: string[]): DiffLine[] {
  const width = b.length + 1;
  if ((a.length + 1) * width > cellsMax) return [...a.map((line): DiffLine => ({ op: '-', line })), ...b.map((line): DiffLine => ({ op: '+', line }))];
  // common[i * width + j]: how many lines a from i and b from j have in common, in order.
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1]! + 1 : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ op: ' ', line: a[i]! });
      i++;
      j++;
    } else if (i < a.length && (j === b.length || common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) lines.push({ op: '-', line: a[i++]! });
    else lines.push({ op: '+', line: b[j++]! });
  }
  return lines;
}

function toLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
