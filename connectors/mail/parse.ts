// One raw mail to one bounded, plain `Mail`. Input comes from strangers: whatever can be read is read, everything odd leaves a
// warning, and only bytes that are no mail at all are refused.
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import { mailLimits, type Mail } from '#machines/mail.ts';
import { readBody, type MailBody, type RawAttachment } from './body.ts';
import { clean, cut, readHeaders, type HeaderLine } from './headers.ts';
import { textFromHtml } from './html.ts';
import { identify } from './identity.ts';

/** Largest mail that is read at all, in bytes. */
export const maxRawBytes = 50 * 1024 * 1024;
const parseTimeoutMs = 30_000;
const maxWarnings = 20;
/** How much of a text is looked at to make the `mailLimits.textChars` that are kept. Identity still covers all of it. */
const readChars = 1_000_000;
const knownField = /^(from|to|cc|subject|date|message-id|received|return-path|delivered-to|sender|reply-to|content-type|mime-version|(?:x|arc|dkim|list)-[\w-]+)[ \t]*:/im;

export interface ParsedAttachment {
  /** sha256 (hex) of `bytes`. */
  hash: string;
  name: string;
  mediaType: string;
  bytes: Uint8Array;
}

/**
 * Reads one raw mail (RFC 5322, LF or CRLF, at most `maxRawBytes`). Strings are free of control characters, lists and texts are
 * bounded by `mailLimits`, `attachments` are the same ones as `mail.attachments`, in order. Reads no clock and no file.
 * Throws BAD_MAIL when the bytes are empty, too many, or have no mail header.
 */
export async function parseMail(raw: Uint8Array): Promise<{ mail: Mail; attachments: ParsedAttachment[] }> {
  if (raw.byteLength === 0) throw new KeelsonError('BAD_MAIL', 'The mail is empty (0 bytes).');
  if (raw.byteLength > maxRawBytes) {
    throw new KeelsonError('BAD_MAIL', `The mail has ${raw.byteLength} bytes; at most ${maxRawBytes} are read.`);
  }
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const content = bytes.subarray(findHeader(bytes));
  const warnings = new Set<string>();
  const body = await readBody(content, parseTimeoutMs, warnings).catch((error: unknown) => {
    throw new KeelsonError('BAD_MAIL', `The mail cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  });
  const headers = await readHeaders(body.headerLines, body.subject, warnings);
  const { text, textCut } = readText(body, warnings);
  warnUnknownCharsets(content, body.headerLines, warnings);
  const kept = body.attachments.slice(0, mailLimits.attachments).map((attachment) => nameAttachment(attachment, warnings));
  if (body.attachments.length > kept.length) {
    warnings.add(`The mail has ${body.attachments.length} attachments; the first ${kept.length} are kept.`);
  }
  if (headers.subject.length > mailLimits.subjectChars) warnings.add('The subject was cut.');
  const mail: Mail = {
    id: identify(headers, body, body.attachments),
    rawHash: sha256(bytes),
    rawBytes: bytes.length,
    ...headers,
    subject: cut(headers.subject, mailLimits.subjectChars),
    text,
    textCut,
    attachments: kept.map(({ hash, name, mediaType, bytes: data }) => ({ name, mediaType, sizeBytes: data.byteLength, hash })),
    warnings: [...warnings].slice(0, maxWarnings).map((warning) => cut(warning, 300)),
  };
  return { mail, attachments: kept };
}

/** Index of the first header byte: after a byte order mark, empty lines and an mbox "From " line. Throws BAD_MAIL if there is none. */
function findHeader(bytes: Buffer): number {
  const start = bytes.toString('latin1', 0, 65_536);
  const skipped = /^(?:\u00ef\u00bb\u00bf)?\s*(?:>?From [^\n]*\n)?/.exec(start)?.[0].length ?? 0;
  const head = start.slice(skipped).split(/\r?\n\r?\n/, 1)[0] ?? '';
  if (!knownField.test(head)) throw new KeelsonError('BAD_MAIL', 'This is no mail: it does not begin with a mail header.');
  return skipped;
}

/** Plain text and, where it says much more (a "please use an HTML reader" mail), the text of the HTML as well. */
function readText(body: MailBody, warnings: Set<string>): { text: string; textCut: boolean } {
  const plain = body.plain.slice(0, readChars).trim();
  const html = body.html === '' ? '' : textFromHtml(body.html.slice(0, readChars));
  const htmlSaysMore = html.length > plain.length * 2 + 200;
  if (plain !== '' && htmlSaysMore) warnings.add('The HTML part says much more than the plain part; both are shown.');
  const both = plain === '' ? html : htmlSaysMore ? `${plain}\n\n${html}` : plain;
  if (both.includes('\ufffd')) warnings.add('Some characters could not be read; they are shown as \ufffd.');
  const plainText = both.replace(/\r\n?/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '').toWellFormed();
  const lines = plainText.split('\n').map((line) => line.trimEnd());
  // One empty line says as much as a thousand.
  const text = lines.filter((line, i) => line !== '' || lines[i - 1] !== '').join('\n');
  return { text: cut(text, mailLimits.textChars), textCut: text.length > mailLimits.textChars };
}

function nameAttachment(attachment: RawAttachment, warnings: Set<string>): ParsedAttachment {
  // Only the last part of a path: nobody's "../../.bashrc" is a name.
  const name = clean(attachment.name, 'attachment name', warnings).split(/[/\\]/).at(-1) ?? '';
  const mediaType = /^[\w.+-]{1,60}\/[\w.+-]{1,100}$/.test(attachment.mediaType) ? attachment.mediaType.toLowerCase() : 'application/octet-stream';
  return { hash: sha256(attachment.bytes), name: cut(name, mailLimits.nameChars) || 'unnamed', mediaType, bytes: attachment.bytes };
}

// mailparser reads an unknown charset as UTF-8 and says nothing. The parts' own headers are not handed out, so look for the fields.
function warnUnknownCharsets(content: Buffer, headerLines: readonly HeaderLine[], warnings: Set<string>): void {
  const fields = [
    ...headerLines.filter((line) => line.key === 'content-type').map((line) => line.line),
    ...(content.toString('latin1', 0, 1_000_000).match(/^content-type:[^\n]{0,300}(?:\n[ \t][^\n]{0,300}){0,5}/gim) ?? []).slice(0, 100),
  ];
  for (const field of fields) {
    const charset = /charset\s*=\s*"?([\w.:+-]{1,40})/i.exec(field)?.[1];
    if (charset !== undefined && !isKnownCharset(charset)) warnings.add(`The charset "${charset}" is not known; the text was read as UTF-8.`);
  }
}

function isKnownCharset(charset: string): boolean {
  if (/^(?:cp|ibm|windows|win|mac|iso)[-_]?\w*\d/i.test(charset)) return true;
  try {
    return new TextDecoder(charset).encoding !== 'replacement';
  } catch {
    return false;
  }
}
