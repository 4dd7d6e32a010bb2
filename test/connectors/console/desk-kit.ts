// The desk on the real store, for the tests of one file.
import { after, before } from 'node:test';
import { systemClock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import { createDesk, type Desk } from '#connectors/console/desk.ts';
import { operationMachine } from '#machines/agents/operation.ts';
import { startWorld, type World } from '#test/kit/world.ts';

export interface DeskKit {
  readonly world: World;
  readonly desk: Desk;
  /** The inbox items about an entity. */
  questions(entity: string): Promise<string[]>;
  /** Another one each time. */
  person(): string;
}

export function useDesk(): DeskKit {
  let world: World;
  let desk: Desk;
  let made = 0;
  before(async () => {
    world = await startWorld({ machines: [operationMachine] });
    desk = createDesk({ store: world.store, bus: world.bus, clock: systemClock, makeId: randomId });
  });
  after(() => world.stop());
  return {
    get world() { return world; },
    get desk() { return desk; },
    questions: async (entity) => ((await world.store.query('inbox', {})) as { id: string; data: { payload?: { entity?: string } } }[]).filter(({ data }) => data.payload?.entity === entity).map(({ id }) => id),
    person: () => `person/p${++made}@example.org`,
  };
}
