// How the CLI talks: tables for people, JSON for scripts, one clear line for a mistake.
import { KeelsonError, plainError } from '#machines/errors.ts';

export interface Output {
  json: boolean;
  /** The result: JSON as it is, or the text that `render` makes of it. */
  result<T>(value: T, render: (value: T) => string): void;
  /** Progress and advice for people; never on stdout with --json. */
  say(line: string): void;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    result: (value, render) => void process.stdout.write(`${json ? JSON.stringify(value) : render(value)}\n`),
    say: (line) => void (json ? process.stderr : process.stdout).write(`${line}\n`),
  };
}

/** Prints the failure in one line with what to do, and sets the exit code. A defect of ours also gets its stack. */
export function reportFailure(error: unknown, json: boolean): void {
  const { code, message } = plainError(error);
  const hint = error instanceof KeelsonError ? error.hint : 'This is a defect of Keelson; please report it with the lines below.';
  const line = message.replaceAll('\n', json ? '\n' : '\n  ');
  if (json) process.stderr.write(`${JSON.stringify({ error: { code, message, hint } })}\n`);
  else process.stderr.write(`keelson: ${line}. ${hint}\n`);
  if (!(error instanceof KeelsonError) && error instanceof Error && !json) process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
}

/** Columns padded to their widest cell; control and other hidden characters made visible, because much of it came by mail. */
export function table(head: string[], rows: (string | number | null | undefined)[][]): string {
  const cells = [head, ...rows.map((row) => row.map((cell) => visible(`${cell ?? ''}`)))];
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  return cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ').trimEnd()).join('\n');
}

/** Hidden and direction-changing characters as their code, so that what is shown is what is there. Line ends stay. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu, (c) => (c === '\n' ? c : `<U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`));
}

export function oneLine(text: string, max = 100): string {
  const line = visible(text.replace(/\s+/g, ' ').trim());
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
}
