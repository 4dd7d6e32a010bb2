// What the store tells the bus about each commit, in commit order: enough to know what to look at, and no values. A follower that
// finds a gap asks the query `changes` for the rest, which answers in the same shape.
import { z } from 'zod';

export const changeKinds = ['fact', 'intent', 'artifact', 'decision', 'annotation'] as const;
export type ChangeKind = (typeof changeKinds)[number];

/** Of one announcement and of one page: both fit into a bus message whatever was recorded. */
export const changeLimits = { recordsPerCommit: 500, chars: 250_000 } as const;

const recordSchema = z.object({
  kind: z.enum(changeKinds),
  id: z.string(),
  /** Of a fact. */
  entity: z.string().optional(),
  predicate: z.string().optional(),
  label: z.string().optional(),
  /** Of an intent. */
  state: z.string().optional(),
});
export type AnnouncedRecord = z.output<typeof recordSchema>;

const commitSchema = z.object({
  seq: z.number().int().positive(),
  /** Milliseconds since 1970. */
  at: z.number(),
  id: z.string(),
  actor: z.string(),
  rev: z.number().int().nullable(),
  outcome: z.string(),
  records: z.array(recordSchema),
  /** How many records more there are than are listed. */
  more: z.number().int().positive().optional(),
});
export type AnnouncedCommit = z.output<typeof commitSchema>;

/** Everything after commit `after` up to commit `last`. With `after` equal to `last` it only says how far the store is. */
export const announcementSchema = z.object({ after: z.number().int().nonnegative(), last: z.number().int().nonnegative(), changes: z.array(commitSchema) });
export type Announcement = z.output<typeof announcementSchema>;

/** Lists at most as many records as there is room for. */
export function toAnnounced(commit: Omit<AnnouncedCommit, 'more'>): AnnouncedCommit {
  const more = commit.records.length - changeLimits.recordsPerCommit;
  return more > 0 ? { ...commit, records: commit.records.slice(0, changeLimits.recordsPerCommit), more } : commit;
}

/** As many from the front as fit, at least one. */
export function fitting(commits: AnnouncedCommit[]): AnnouncedCommit[] {
  let chars = 0;
  const end = commits.findIndex((commit, i) => {
    chars += sizeOf(commit);
    return i > 0 && chars > changeLimits.chars;
  });
  return end === -1 ? commits : commits.slice(0, end);
}

/** Roughly, in characters of JSON. */
function sizeOf({ id, actor, records }: AnnouncedCommit): number {
  return records.reduce((sum, record) => sum + 100 + record.id.length + (record.entity?.length ?? 0) + (record.predicate?.length ?? 0), 120 + id.length + actor.length);
}
