// Versions of the programs we rest on, and the oldest we accept. Each floor stands here once.

/** Older servers accept and then silently drop message TTL, schedules and atomic batches. */
export const natsFloor = '2.14.6';
/** SQLite below this can corrupt a database when two connections write and checkpoint at once (the WAL-reset bug). */
export const sqliteFloor = '3.51.3';

/** Negative when `a` is older than `b`. A pre-release is older than its release: 2.14.6-RC.1 < 2.14.6. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => /^v?(\d+)\.(\d+)\.(\d+)(?:-([\w.-]+))?/.exec(version)?.slice(1) ?? []);
  for (const part of [0, 1, 2]) {
    const difference = Number(left?.[part] ?? 0) - Number(right?.[part] ?? 0);
    if (difference !== 0) return difference;
  }
  const [preA, preB] = [left?.[3], right?.[3]];
  if (!preA || !preB) return Number(!preA) - Number(!preB);
  return preA.localeCompare(preB, 'en', { numeric: true });
}
