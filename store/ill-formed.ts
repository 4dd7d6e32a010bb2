// Names must survive the way to UTF-8 and back: half a surrogate pair becomes U+FFFD on disk, so that two names would be one and
// the hash chain would not verify. Texts for people may lose half an emoji; names are refused.
import type { Commit } from '#machines/commit.ts';

/** Why the commit cannot be kept as it is, or null. */
export function illFormed(commit: Commit): string | null {
  const names = [
    commit.id, commit.actor, commit.journal, commit.requires ?? '', ...commit.settles, ...(commit.step ? [commit.step.record] : []),
    ...commit.sends.flatMap(({ id, to, from, cause = '' }) => [id, to, from, cause]),
    ...commit.facts.flatMap(({ entity, predicate, source = '' }) => [entity, predicate, source]),
    ...commit.intents.map(({ id }) => id), ...commit.artifacts.flatMap(({ id, hash }) => [id, hash]), ...commit.blobs.map(({ hash }) => hash),
    ...(commit.spends ?? []).flatMap((spend) => [spend.id, ...(spend.state === 'reserved' ? [spend.workflow, spend.run] : [])]), ...(commit.answers ?? []).flatMap(({ key, task, model, value }) => [key, task, model, value]),
  ];
  const bad = names.find((name) => !name.isWellFormed());
  return bad === undefined ? null : `half a surrogate pair in '${bad.slice(0, 100).toWellFormed()}'`;
}
