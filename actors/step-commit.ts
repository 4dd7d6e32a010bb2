// A step as the one write that makes it true: the transition record, the next record, and all that the step asks for.
import { emptyCommit, type Commit } from '#machines/commit.ts';
import type { Body, Message } from '#machines/message.ts';
import { holdBack } from './fork.ts';
import { sha256 } from './hash.ts';
import type { Step } from './step.ts';

export interface StepContext {
  /** The revision it was judged on, -1 for nobody. */
  basis: number;
  nowMs: number;
  /** Set when this build met another version than its own; see versions.ts. */
  version?: object;
  /** Keeps the whole next record, so that a replay can begin here. */
  checkpoint?: boolean;
}

/** Without a body it is a step of the host's own. */
export type Came = Omit<Message<Body>, 'body'> & { body?: Body };

/** The transition record holds what replay needs (the message and the time) and what a reader wants (transitions, value, sends). */
export function toCommit({ id, to, from, cause, body: message }: Came, step: Step, { basis, nowMs, version, checkpoint = false }: StepContext): Commit {
  const { outcome, note, record, taken } = step;
  const { effects, would } = holdBack(record, step.effects);
  const { sends, settles, facts, intents, artifacts, decisions, annotations, notices } = effects;
  const applied = outcome === 'applied' && record !== null;
  const stored = applied ? JSON.stringify(record) : '';
  const journal = {
    from, cause, message, note, version,
    ...(applied ? { value: record.snapshot.value, status: record.status, taken, state: sha256(stored), sends: sends.map((send) => ({ id: send.id, to: send.to, dueMs: send.dueMs })), facts, intents, decisions, annotations, artifacts: artifacts.map((artifact) => ({ id: artifact.id, hash: artifact.hash })), ...(notices.length > 0 ? { notices } : {}), would, ...(checkpoint ? { record } : {}) } : {}),
  };
  return {
    ...emptyCommit(id, nowMs, to, journal),
    outcome,
    ...(applied ? { step: { rev: record.rev, machine: record.machine, status: record.status, value: JSON.stringify(record.snapshot.value), parent: record.dryRun?.of ?? record.parent?.address ?? null, record: stored } } : { basis }),
    sends, settles, facts, intents, artifacts, decisions, annotations,
    blobs: artifacts.map(({ hash, text }) => ({ hash, bytes: text! })),
  };
}
