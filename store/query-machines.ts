// How many actors there are of each kind. Counted up to a bound, so that a large company is not read through for it.
import { KeelsonError } from '#machines/errors.ts';
import { filter, type Query } from './query-args.ts';

const typesMax = 200;
const countMax = 10_000;

export const machineQueries = {
  /** By type of address, which is the id of the machine: `{mail: 12}`. 10,000 means that many or more. */
  async actorCounts(db, args) {
    const types = args['types'];
    if (!Array.isArray(types) || types.length > typesMax) throw new KeelsonError('BAD_ARGUMENT', `'types' must be a list of at most ${typesMax} names`);
    const counts: Record<string, number> = {};
    for (const one of types) {
      const type = filter({ type: one as unknown }, 'type') ?? '';
      const [row] = await db.all<{ n: number }>("SELECT count(*) AS n FROM (SELECT 1 FROM actor WHERE address >= ? AND address < ? AND status <> 'erased' LIMIT ?)", `${type}/`, `${type}0`, countMax);
      counts[type] = row!.n;
    }
    return counts;
  },
} satisfies Record<string, Query>;
