// The one request by which anything is ever written: all parts of a step, in one transaction, at most once per id.
import type { Shortage, Spend } from './budget.ts';
import type { Message } from './message.ts';
import type { Annotation, Artifact, Decision, Fact, Intent } from './records.ts';

/** `applied`: a step was taken · `ignored`, `refused`: nothing changed, the reason is kept · `parked`: unreadable, bytes are kept. */
export type Outcome = 'applied' | 'ignored' | 'refused' | 'parked';

export interface Commit {
  /** Id of the message (or command) that caused it. A second commit with this id writes nothing. */
  id: string;
  atMs: number;
  /** Whose history it belongs to. */
  actor: string;
  outcome: Outcome;
  /** The transition record, JSON text: what came, what was taken, what it led to. Part of the hash chain. */
  journal: string;
  /** The actor's next state. `rev` must follow the stored one, else the answer is `conflict`. */
  step?: { rev: number; machine: string; status: string; value: string; parent: string | null; record: string };
  /** Without a step: the revision it was judged on, -1 for nobody. Another stored one is answered by `conflict`. */
  basis?: number;
  sends: Message[];
  /** Ids of those among them that the sender hands over itself, so that they are not published now. */
  handed?: string[];
  /** Ids of messages that must not be delivered any more. The commit's own id is always settled. */
  settles: string[];
  /** Id of a message that must still be waiting, else the answer is `closed`: how a job is claimed or its result accepted. */
  requires?: string;
  facts: Fact[];
  intents: Intent[];
  artifacts: Artifact[];
  decisions: Decision[];
  annotations: Annotation[];
  blobs: { hash: string; bytes: Uint8Array | string }[];
  /** Money for models: what a call may cost, before it; what it did cost, after it. */
  spends?: Spend[];
  /** Answers of models that may be given again, by the hash of all that was asked; `value` is JSON text. */
  answers?: { key: string; task: string; model: string; value: string }[];
  parked?: { subject: string; reason: string; bytes: Uint8Array };
  /** Numbers of commits whose parked message is handed in again by this one: their rows go. */
  unparks?: number[];
}

export type Committed =
  | { outcome: 'written'; seq: number }
  | { outcome: 'duplicate'; seq: number; first: Outcome; note: string | null; rev: number | null }
  /** The id was used before for another message; nothing was written. */
  | { outcome: 'mismatch'; seq: number }
  | { outcome: 'conflict' }
  /** What it requires or settles is gone, or its actor was erased. */
  | { outcome: 'closed' }
  /** A budget is used up: nothing was written, and nothing may be asked. */
  | { outcome: 'unaffordable'; shortage: Shortage }
  /** The store's own rules refuse it (a finished intent cannot be reopened, …). */
  | { outcome: 'invalid'; reason: string };

/** What a waiting sender hears when its message was applied. */
export interface Applied {
  id: string;
  outcome: Outcome | 'duplicate';
  note: string | null;
  rev: number | null;
  value: unknown;
  status: string | null;
}

export function emptyCommit(id: string, atMs: number, actor: string, journal: object): Commit {
  return { id, atMs, actor, outcome: 'applied', journal: JSON.stringify(journal), sends: [], settles: [], facts: [], intents: [], artifacts: [], decisions: [], annotations: [], blobs: [] };
}
