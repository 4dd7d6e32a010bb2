// One after the other: what is decided on what was read must not be overtaken.
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** What fails does not hold up what comes behind it. */
export function createTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => {});
    return mine;
  };
}
