// Draws an invoice. The same sheet and day give the same bytes: the only date inside is the day of issue, and nothing is random.
import { Buffer } from 'node:buffer';
import { KeelsonError } from '#machines/errors.ts';
import { midnightUtc } from './dates.ts';
import { assertPrintable, hasStandardGlyph } from './printable.ts';
import { textsOf, type Labelled, type Sheet } from './sheet.ts';

export interface Drawing { sheet: Sheet; author: string; issuedOn: string; /** A TrueType font; without it the PDF standard ones, which know Latin script. */ font: Uint8Array | null }

const margin = 56;
const footPt = 64;
/** In points; 483 between the margins of A4. */
const widths = [26, 181, 56, 76, 52, 92];
const right = [false, false, true, true, true, true];
const gap = 6;

type Doc = PDFKit.PDFDocument;

export async function drawPdf({ sheet, author, issuedOn, font }: Drawing): Promise<Uint8Array> {
  const { default: Document } = await import('pdfkit');
  const doc = new Document({ size: 'A4', margins: { top: margin, left: margin, right: margin, bottom: margin + footPt }, bufferPages: true, info: { Title: sheet.title, Author: author, CreationDate: midnightUtc(issuedOn) } });
  const chunks: Buffer[] = [];
  const done = new Promise<void>((resolve, reject) => void doc.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', resolve).on('error', reject));
  const hasGlyph = useFont(doc, font);
  assertPrintable([...textsOf(sheet), sheet.page(1, 1)], hasGlyph);

  heading(doc, sheet);
  table(doc, sheet);
  sums(doc, sheet.sums);
  for (const text of [sheet.pay, ...sheet.note]) doc.font('regular').fontSize(10).text(text === '' ? ' ' : text, margin, undefined, { width: inner(doc) });
  footers(doc, sheet);
  doc.end();
  await done;
  return Buffer.concat(chunks);
}

/** Throws REFUSED when it cannot be drawn; nothing is kept. */
export async function assertDrawable(drawing: Omit<Drawing, 'issuedOn'>): Promise<void> {
  await drawPdf({ ...drawing, issuedOn: '2000-01-01' });
}

function useFont(doc: Doc, font: Uint8Array | null): (char: string) => boolean {
  if (font === null) {
    doc.registerFont('regular', 'Helvetica').registerFont('bold', 'Helvetica-Bold');
    return hasStandardGlyph;
  }
  try {
    doc.registerFont('regular', Buffer.from(font)).registerFont('bold', Buffer.from(font)).font('regular');
  } catch (cause) {
    throw new KeelsonError('BAD_CONFIG', `connectors/invoices.ttf is no font that can be embedded: ${(cause as Error).message}`, { cause, hint: 'Use a TrueType file with one face.' });
  }
  // Not in the types of pdfkit: the font that it parsed, by fontkit.
  const { font: parsed } = (doc as unknown as { _font: { font: { hasGlyphForCodePoint(code: number): boolean } } })._font;
  return (char) => parsed.hasGlyphForCodePoint(char.codePointAt(0)!);
}

const inner = (doc: Doc) => doc.page.width - 2 * margin;
const bottom = (doc: Doc) => doc.page.height - margin - footPt;

function heading(doc: Doc, { title, seller, to, customer, about }: Sheet): void {
  doc.font('bold').fontSize(11).text(seller[0]!, margin, margin).font('regular').fontSize(9);
  for (const line of seller.slice(1)) doc.text(line);
  doc.moveDown(2).fontSize(8).fillColor('#666666').text(to).fillColor('black').fontSize(10);
  for (const line of customer) doc.text(line);
  doc.moveDown(2).font('bold').fontSize(15).text(title).moveDown(0.5).fontSize(10);
  for (const [label, value] of about) doc.font('regular').text(`${label}: `, { continued: true }).font('bold').text(value);
  doc.moveDown(1.5);
}

function table(doc: Doc, { columns, rows }: Sheet): void {
  const row = (cells: string[], face: 'regular' | 'bold') => {
    doc.font(face).fontSize(9);
    const height = Math.max(...cells.map((cell, i) => doc.heightOfString(cell, { width: widths[i]! - gap })));
    if (doc.y + height > bottom(doc)) {
      doc.addPage();
      if (face === 'regular') row(columns, 'bold');
      doc.font(face).fontSize(9);
    }
    const top = doc.y;
    cells.forEach((cell, i) => doc.text(cell, margin + widths.slice(0, i).reduce((a, b) => a + b, 0), top, { width: widths[i]! - gap, align: right[i] ? 'right' : 'left' }));
    doc.y = top + height + 4;
    if (face === 'regular') return;
    doc.moveTo(margin, doc.y - 2).lineTo(margin + inner(doc), doc.y - 2).lineWidth(0.5).stroke();
    doc.y += 3;
  };
  row(columns, 'bold');
  for (const cells of rows) row(cells, 'regular');
}

function sums(doc: Doc, list: Labelled[]): void {
  // Kept on one page: a total alone on a page says nothing.
  if (doc.y + list.length * 16 + 20 > bottom(doc)) doc.addPage();
  doc.moveTo(margin, doc.y).lineTo(margin + inner(doc), doc.y).lineWidth(0.5).stroke();
  doc.y += 6;
  list.forEach(([label, value], i) => {
    const top = doc.y;
    doc.font(i === list.length - 1 ? 'bold' : 'regular').fontSize(10).text(label, margin, top, { width: 300 }).text(value, margin + 300, top, { width: inner(doc) - 300 - gap, align: 'right' });
    doc.y = top + 16;
  });
  doc.moveDown(1);
}

/** Last, when the number of pages is known. Below the margin, where pdfkit would begin a new page. */
function footers(doc: Doc, { foot, page }: Sheet): void {
  const { count } = doc.bufferedPageRange();
  for (let i = 0; i < count; i++) {
    doc.switchToPage(i);
    doc.page.margins.bottom = 0;
    const top = doc.page.height - margin - footPt + 12;
    doc.font('regular').fontSize(8).fillColor('#444444');
    doc.text(foot.join(' · '), margin, top, { width: inner(doc), height: 40 }).text(page(i + 1, count), margin, top + 42, { width: inner(doc), align: 'right' });
    doc.fillColor('black');
  }
}
