// Reads a PDF with programs that know nothing of the library that wrote it: poppler and qpdf, from Debian.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const programs = { pdftotext: 'poppler-utils', pdffonts: 'poppler-utils', pdfinfo: 'poppler-utils', qpdf: 'qpdf' } as const;

/** null if they can be run, else why not and what to do. With KEELSON_TEST_ALL=1 nothing is skipped, so the tests fail instead. */
export function pdfToolsMissing(): string | null {
  if (process.env['KEELSON_TEST_ALL'] === '1') return null;
  for (const [program, from] of Object.entries(programs)) {
    try {
      execFileSync(program, [program === 'qpdf' ? '--version' : '-v'], { stdio: 'ignore' });
    } catch {
      return `${program.toUpperCase()} IS NOT INSTALLED: drawn invoices are NOT TESTED here. Run: apt-get install -y ${from}`;
    }
  }
  return null;
}

export interface ReadPdf {
  pages: number;
  /** As it stands on the page, with columns side by side. */
  text: string;
  /** The words of one page, in reading order. */
  page(n: number): string;
  /** `Helvetica`, …, and whether its glyphs are inside. */
  fonts: { name: string; encoding: string; embedded: boolean }[];
  info: string;
}

/** Throws when qpdf finds anything wrong with the file, a warning included. */
export function readPdf(bytes: Uint8Array): ReadPdf {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-pdf-'));
  const file = join(dir, 'a.pdf');
  const run = (program: keyof typeof programs, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    writeFileSync(file, bytes);
    run('qpdf', '--check', file);
    const info = run('pdfinfo', '-isodates', file);
    const rows = run('pdffonts', file).split('\n').slice(2).filter((row) => row !== '');
    const pages = Number(/^Pages:\s+(\d+)$/m.exec(info)?.[1]);
    const texts = Array.from({ length: pages }, (_, i) => run('pdftotext', '-enc', 'UTF-8', '-f', String(i + 1), '-l', String(i + 1), file, '-'));
    return {
      pages, info,
      text: run('pdftotext', '-layout', '-enc', 'UTF-8', file, '-'),
      page: (n) => texts[n - 1] ?? '',
      fonts: rows.map((row) => {
        const [, name = '', encoding = '', embedded] = /^(\S+)\s+.*?\s(\S+)\s+(yes|no)\s+(?:yes|no)\s+(?:yes|no)\s+\d+\s+\d+$/.exec(row) ?? [];
        return { name, encoding, embedded: embedded === 'yes' };
      }),
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
