// Splits an mbox stream into mails with bounded memory. A separator is a "From " line with a year, after an empty line or at the
// start, that is followed by a header field: the last condition keeps "From here on, in 2024 we …" inside its mail.

export interface MboxEntry { raw?: Buffer; problem?: string }

const lf = 0x0a;
const cr = 0x0d;
/** A line longer than this is never a separator; it is passed on in pieces so that a file without line ends stays bounded. */
const maxLineBytes = 64 * 1024;

/**
 * Yields the mails of an mbox in order, `>From ` quoting undone. A mail over `maxBytes` becomes a `problem`. What stands before the
 * first separator is yielded as a mail of its own; the caller decides what it is by looking at it. The last mail may be cut.
 */
export async function* splitMbox(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<MboxEntry> {
  const done: MboxEntry[] = [];
  let pieces: Buffer[] = [];
  let size = 0;
  let afterEmptyLine = true;
  let lineContinues = false;
  let rest: Buffer = Buffer.alloc(0);

  const keep = (piece: Buffer): void => {
    size += piece.length;
    if (size > maxBytes) pieces = [];
    else if (piece.length > 0) pieces.push(piece);
  };
  const finish = (): void => {
    if (size > maxBytes) done.push({ problem: `The mail has ${size} bytes; at most ${maxBytes} are read.` });
    else if (size > 0) done.push({ raw: withoutLastEmptyLine(Buffer.concat(pieces, size)) });
    pieces = [];
    size = 0;
  };
  // Takes the whole lines of `block` and returns what is left: a line not yet ended, or a possible separator before its next line.
  const takeLines = (block: Buffer, last: boolean): Buffer => {
    let at = 0;
    let runStart = 0;
    while (at < block.length) {
      const newline = block.indexOf(lf, at);
      if (newline < 0 && !last && block.length - at < maxLineBytes) break;
      const end = newline < 0 ? block.length : newline + 1;
      if (!lineContinues && startsWithFrom(block, at)) {
        if (block[at] === 0x3e) {
          keep(block.subarray(runStart, at));
          runStart = at + 1;
        } else if (afterEmptyLine && /^From .*\d{4}/.test(block.toString('latin1', at, Math.min(end, at + 1000)))) {
          const next = isHeaderLine(block, end, last);
          if (next === 'unknown') break;
          if (next === 'yes') {
            keep(block.subarray(runStart, at));
            finish();
            runStart = end;
          }
        }
      }
      afterEmptyLine = !lineContinues && (end - at === 1 || (end - at === 2 && block[at] === cr)) && newline >= 0;
      lineContinues = newline < 0;
      at = end;
    }
    keep(block.subarray(runStart, at));
    return block.subarray(at);
  };

  for await (const chunk of chunks) {
    rest = takeLines(rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk, false);
    yield* done.splice(0);
  }
  takeLines(rest, true);
  finish();
  yield* done;
}

/** "From " or, quoted, one or more ">" and then "From ". */
function startsWithFrom(block: Buffer, at: number): boolean {
  const first = block[at];
  if (first !== 0x46 && first !== 0x3e) return false;
  return /^>*From /.test(block.toString('latin1', at, at + 60));
}

function isHeaderLine(block: Buffer, at: number, last: boolean): 'yes' | 'no' | 'unknown' {
  const newline = block.indexOf(lf, at);
  if (newline < 0 && !last && block.length - at < 1000) return 'unknown';
  return /^(?:[!-9;-~]+[ \t]*:|>?From )/.test(block.toString('latin1', at, at + 1000)) ? 'yes' : 'no';
}

function withoutLastEmptyLine(raw: Buffer): Buffer {
  const end = raw.length;
  if (raw[end - 1] !== lf) return raw;
  if (raw[end - 2] === lf) return raw.subarray(0, end - 1);
  return raw[end - 2] === cr && raw[end - 3] === lf ? raw.subarray(0, end - 2) : raw;
}
