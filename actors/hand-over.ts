// The short way: what a commit sends to a mailbox that this very process reads is handed over once it is on disk, instead of going
// out to the bus and back. It stays in the outbox until it is applied, so whatever happens to this process, it is published again.
import type { Bus } from './bus.ts';
import type { StorePort } from './store-port.ts';

export function handingOver(store: StorePort, bus: Pick<Bus, 'takesHere' | 'handOver'>): StorePort {
  return {
    ...store,
    async commit(commit) {
      const here = commit.sends.filter(({ to, dueMs, body }) => dueMs === undefined && body.kind !== 'job' && bus.takesHere(to));
      if (here.length === 0) return store.commit(commit);
      const answer = await store.commit({ ...commit, handed: here.map(({ id }) => id) });
      if (answer.outcome === 'written') for (const message of here) bus.handOver({ ...message, cause: message.cause ?? commit.id });
      return answer;
    },
  };
}
