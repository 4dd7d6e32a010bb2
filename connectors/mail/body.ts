// From raw bytes to texts and attachments, by mailparser, under limits of time, parts and header size. When mailparser gives up
// (thousands of parts, nesting, a header of megabytes), the mail is read a second time as header and first text part only.
import { Readable } from 'node:stream';
import type { AttachmentStream, MessageText } from 'mailparser';
import type { HeaderLine } from './headers.ts';

export interface RawAttachment {
  name: string;
  mediaType: string;
  bytes: Buffer;
  /** Line ends in `bytes` are those of the route the mail took, not of its sender (anything not sent as base64). */
  lineEndsVary: boolean;
}

export interface MailBody {
  headerLines: HeaderLine[];
  subject: string;
  /** Plain text parts, joined. */
  plain: string;
  /** HTML parts, joined; never rendered. */
  html: string;
  attachments: RawAttachment[];
}

/** Parts a mail may have; as nesting makes parts, this bounds the depth as well. */
export const maxParts = 300;
// Of a header that is too much for mailparser (1 MB, where short fields count for more), this much is kept.
const headBytes = 256 * 1024;
const headFields = 1_000;
const feedBytes = 64 * 1024;

/**
 * Reads `raw` (from its first header byte). Falls back to header and first text part, with a warning, when the structure is
 * beyond the limits or reading takes longer than `timeoutMs`. Throws only if the fallback fails too.
 */
export async function readBody(raw: Buffer, timeoutMs: number, warnings: Set<string>): Promise<MailBody> {
  let reason = 'no part can be found';
  try {
    const body = await runParser(raw, timeoutMs);
    if (!isEmptyMultipart(body)) return body;
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  warnings.add(`The structure of the mail cannot be followed (${reason}); only its header and first text were read.`);
  return await runParser(reduceMail(raw), timeoutMs);
}

// A boundary that is missing or never occurs: mailparser then finds nothing, though there may be readable text.
function isEmptyMultipart(body: MailBody): boolean {
  if (body.plain.trim() !== '' || body.html !== '' || body.attachments.length > 0) return false;
  return body.headerLines.some(({ key, line }) => key === 'content-type' && /^content-type:\s*multipart/i.test(line));
}

async function runParser(raw: Buffer, timeoutMs: number): Promise<MailBody> {
  const { MailParser } = await import('mailparser');
  const parser = new MailParser({
    skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true,
    // An embedded message stays an attachment: parsing it would mix a stranger's headers into the text.
    ignoreEmbedded: true, checksumAlgo: false, maxChildNodes: maxParts,
  });
  const body: MailBody = { headerLines: [], subject: '', plain: '', html: '', attachments: [] };
  const feed = Readable.from(slices(raw));
  const { promise, resolve, reject } = Promise.withResolvers<MailBody>();
  const timer = setTimeout(() => reject(new Error(`not read within ${timeoutMs} ms`)), timeoutMs);
  parser.on('headers', (headers) => {
    const subject = headers.get('subject');
    if (typeof subject === 'string') body.subject = subject;
  });
  parser.on('headerLines', (lines) => { body.headerLines = lines.map(({ key, line }) => ({ key, line })); });
  parser.on('data', (part: AttachmentStream | MessageText) => {
    if (part.type === 'attachment') collectAttachment(part, body, reject);
    else {
      body.plain = part.text ?? '';
      body.html = part.html ?? '';
    }
  });
  parser.once('end', () => resolve(body));
  parser.on('error', reject);
  feed.on('error', reject);
  feed.pipe(parser);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    feed.unpipe(parser);
    feed.destroy();
    parser.destroy();
  }
}

function collectAttachment(part: AttachmentStream, body: MailBody, reject: (error: Error) => void): void {
  const chunks: Buffer[] = [];
  part.content.on('data', (chunk: Buffer) => chunks.push(chunk));
  part.content.once('error', reject);
  part.content.once('end', () => {
    const encoding = part.headers.get('content-transfer-encoding');
    const lineEndsVary = typeof encoding !== 'string' || encoding.trim().toLowerCase() !== 'base64';
    body.attachments.push({ name: part.filename ?? '', mediaType: part.contentType, bytes: Buffer.concat(chunks), lineEndsVary });
    part.release?.();
  });
}

function* slices(raw: Buffer): Generator<Buffer> {
  for (let at = 0; at < raw.length; at += feedBytes) yield raw.subarray(at, at + feedBytes);
}

/** A single-part mail made of the header (without its MIME fields, bounded) and the first text part found by scanning. */
function reduceMail(raw: Buffer): Buffer {
  const text = raw.toString('latin1');
  const headEnd = endOfHead(text, 0);
  const fields = text.slice(0, Math.min(headEnd, headBytes)).split(/\r?\n(?![ \t])/);
  // A field cut in the middle says something its sender did not write.
  if (headEnd > headBytes) fields.pop();
  const part = firstTextPart(text) ?? { fields: [], body: text.slice(headEnd).trimStart() };
  const kept = fields.filter((field) => field !== '' && !/^(content-|mime-version)/i.test(field)).slice(0, headFields);
  return Buffer.from([...kept, ...part.fields, '', part.body].join('\r\n'), 'latin1');
}

function firstTextPart(text: string): { fields: string[]; body: string } | null {
  const found = /^content-type:\s*text\/(?:plain|html)/im.exec(text);
  if (!found) return null;
  const blockStart = Math.max(text.lastIndexOf('\n\n', found.index), text.lastIndexOf('\n\r\n', found.index), text.lastIndexOf('\n--', found.index)) + 1;
  const head = endOfHead(text, found.index);
  const fields = text.slice(blockStart, head).split(/\r?\n(?![ \t])/).filter((field) => /^content-(type|transfer-encoding):/i.test(field));
  const boundaries = new Set(Array.from(text.matchAll(/boundary\*?=\s*"?([^"\r\n;]{1,70})/gi), (match) => match[1]));
  const lines: string[] = [];
  let at = head;
  while (at < text.length) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end < 0 ? text.length : end);
    const mark = /^--(.{1,70}?)(--)?\s*$/.exec(line)?.[1];
    if (mark !== undefined && boundaries.has(mark)) break;
    lines.push(line);
    at = end < 0 ? text.length : end + 1;
  }
  return { fields, body: lines.join('\n').replace(/^\r?\n/, '') };
}

/** Index of the first empty line at or after `from`, or the end of `text`. */
function endOfHead(text: string, from: number): number {
  const match = /\r?\n\r?\n/g;
  match.lastIndex = from;
  return match.exec(text)?.index ?? text.length;
}
