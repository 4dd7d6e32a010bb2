// The one error class and the one code table. Foreign errors (SQLite, SMTP, NATS, OpenAI) are translated once, at the edge
// that talks to them; inside Keelson only these codes travel. `docs/errors.md` lists the same table; a test compares them.

/** What the caller should do: try again later, give up, ask the operator, or report a defect. */
export type Disposition = 'retry' | 'fail' | 'ask' | 'bug';

interface CodeEntry {
  disposition: Disposition;
  /** What a person should do about it. One sentence. */
  hint: string;
}

export const codes = {
  BAD_ARGUMENT: { disposition: 'fail', hint: 'Run the command with --help to see what it takes.' },
  BAD_CONFIG: { disposition: 'fail', hint: 'Correct the named setting; `keelson doctor` shows where each value comes from.' },
  BAD_MESSAGE: { disposition: 'fail', hint: 'The message was parked with its bytes; `keelson status` counts parked messages.' },
  BAD_MAIL: { disposition: 'fail', hint: 'Open the named file in a mail program; the other mails were imported.' },
  MACHINE_NOT_DURABLE: { disposition: 'bug', hint: 'Change the machine as the message says; it cannot be hosted durably as written.' },
  MACHINE_FAILED: { disposition: 'ask', hint: 'Look at `keelson history ACTOR`; the actor is stopped and waits for the operator.' },
  STOPPED: { disposition: 'fail', hint: 'It was ended from outside; `keelson history ACTOR` says by whom and why.' },
  UNKNOWN_MACHINE: { disposition: 'ask', hint: 'The actor is quarantined until a build that knows this machine version runs.' },
  UNKNOWN_ACTOR: { disposition: 'fail', hint: '`keelson ps` lists the actors.' },
  VERSION_CONFLICT: { disposition: 'retry', hint: 'Another host moved the actor first; the step is computed again from the stored state.' },
  STALE_EPOCH: { disposition: 'fail', hint: 'A newer store owns this database; stop this process.' },
  STORE_BUSY: { disposition: 'fail', hint: 'Another server already runs on this data folder; stop it or choose another --data.' },
  STORE_TOO_NEW: { disposition: 'fail', hint: 'This database was written by a newer Keelson; install that version.' },
  STORE_OTHER_BUILD: { disposition: 'fail', hint: 'Run the build that made this database; `keelson export` there and `keelson import` here bring it over.' },
  STORE_OLDER: { disposition: 'ask', hint: 'Put the newer database back, or run `keelson restore FILE` with this copy, so that what may have happened since is marked unknown.' },
  STORE_FULL: { disposition: 'retry', hint: 'Free some disk space; reads go on and writing resumes by itself.' },
  STORE_DAMAGED: { disposition: 'fail', hint: 'Stop the server, keep the file, and restore the newest backup with `keelson restore FILE`.' },
  STORE_STOPPED: { disposition: 'fail', hint: 'Start the server again; everything that was acknowledged is kept.' },
  STORE_FAILED: { disposition: 'retry', hint: 'Look at the log line before this one for the reason.' },
  BAD_COPY: { disposition: 'fail', hint: 'Use another copy, or make a new one; nothing was changed here.' },
  NOT_RUNNING: { disposition: 'fail', hint: 'Start the server with `npm start` or `keelson up`.' },
  NO_COMPANY: { disposition: 'fail', hint: 'Create one with `keelson init DIR`, or name an existing folder with --data.' },
  NO_NATS_SERVER: { disposition: 'fail', hint: 'Install nats-server 2.14.6 or newer and put it on PATH.' },
  BUS_DOWN: { disposition: 'retry', hint: 'Work is kept in the store and goes on when the bus is back.' },
  TIMEOUT: { disposition: 'retry', hint: 'Whether it happened is unknown; ask again with the same id.' },
  NOT_FOUND: { disposition: 'fail', hint: '`keelson inbox`, `keelson ps` and `keelson find` list what exists.' },
  REFUSED: { disposition: 'fail', hint: 'Look at the item again with `keelson inbox`; it may have changed or been decided.' },
  UNAUTHORIZED: { disposition: 'fail', hint: 'Use the token in the `token` file of the data folder.' },
  FORBIDDEN: { disposition: 'fail', hint: 'Open the console at its own address; what decides needs the operator\'s own token.' },
  MODEL_FAILED: { disposition: 'retry', hint: 'Cheaper tiers do the work meanwhile; `keelson models` shows how the endpoint stands.' },
  SEND_REFUSED: { disposition: 'fail', hint: 'The other side refused it; nothing was done. See the reason in `keelson ops`.' },
  SEND_DEFERRED: { disposition: 'retry', hint: 'It did not leave; it is tried again.' },
  SEND_UNKNOWN: { disposition: 'ask', hint: 'Nobody can tell whether it was done; look at the other side, then run `keelson ops reconcile ID`.' },
  EXPIRED: { disposition: 'fail', hint: 'Nothing was done; propose it again.' },
  EFFECTS_STOPPED: { disposition: 'ask', hint: 'Nothing leaves until `keelson resume-effects`.' },
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof codes;

/** A failure with a code. `message` says what, which and why; `hint` says what to do. */
export class KeelsonError extends Error {
  readonly code: Code;
  readonly disposition: Disposition;
  readonly hint: string;
  /** How long whoever refused for now asks to be left alone. */
  readonly retryAfterMs: number | undefined;
  constructor(code: Code, message: string, options: { cause?: unknown; hint?: string; retryAfterMs?: number } = {}) {
    super(message, { cause: options.cause });
    this.name = 'KeelsonError';
    this.code = code;
    this.disposition = codes[code].disposition;
    this.hint = options.hint ?? codes[code].hint;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The first thing a schema refused, as `path message`; `between` stands between the two. */
export function firstIssue({ issues: [issue] }: { issues: readonly { path: readonly PropertyKey[]; message: string }[] }, between = ' '): string {
  return `${issue?.path.join('.')}${between}${issue?.message}`;
}

/** The form in which a failure travels in messages and records: plain JSON. */
export interface PlainError { code: string; message: string }

export function plainError(error: unknown): PlainError {
  if (error instanceof KeelsonError) return { code: error.code, message: error.message };
  if (error instanceof Error) return { code: error.name, message: error.message };
  if (typeof error === 'object' && error !== null && 'message' in error && 'code' in error) return { code: String(error.code), message: String(error.message) };
  return { code: 'Error', message: String(error) };
}

/** Why a child failed, as its parent hears it. */
export const reasonOf = (error: unknown): string => (error as { message?: string } | null)?.message ?? 'no reason given';
