// Keeps the vectors of everything that can be found: what has none yet gets one, in small turns between other writes. What is due is
// asked of the store each time, so it does not matter where the last process died, or what grew while nobody looked.
import type { Bus } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import type { Log } from '#actors/log.ts';
import type { StorePort } from '#actors/store-port.ts';
import { askByVector, createHashedEmbedder, createModelEmbedder, knownModel, type Buy, type Embedder, type NoVectors } from '#connectors/embed.ts';
import { plainError } from '#machines/errors.ts';
import type { Store } from '#store/actor.ts';
import type { Due } from '#store/vectors.ts';

export interface MemoryParts {
  store: Pick<Store, 'query' | 'remember' | 'dropModels'>;
  bus: Pick<Bus, 'onChanges'>;
  embedders: readonly Embedder[];
  /** A company that stands still buys nothing. */
  paused(): boolean;
  clock: Clock;
  log: Log;
}

/** What is written within this time is looked at together. */
const gatherMs = 250;
/** Between two turns, so that commits come first. */
const turnMs = 15;
const againMs = { first: 5_000, max: 3_600_000 };

/** `settled` resolves when every embedder has seen all there is, or waits. */
export function keepMemory({ store, bus, embedders, paused, clock, log }: MemoryParts): { stop(): Promise<void>; settled(): Promise<void> } {
  const stopping = new AbortController();
  const followers = embedders.map((embedder) => followOne({ store, embedder, paused, clock, log, signal: stopping.signal }));
  let seen = -1;
  // Announcements may be lost; how far the store is, is said again and again.
  const changes = bus.onChanges(({ last }) => {
    if (last <= seen) return;
    seen = last;
    for (const { wake } of followers) wake();
  });
  for (const { wake } of followers) wake();
  return {
    settled: async () => void await Promise.all(followers.map(({ idle }) => idle())),
    async stop() {
      stopping.abort();
      await changes.stop();
      await Promise.all(followers.map(({ idle }) => idle()));
      for (const embedder of embedders) embedder.rest();
    },
  };
}

type Follower = Omit<MemoryParts, 'bus' | 'embedders'> & { embedder: Embedder; signal: AbortSignal };

function followOne({ store, embedder, paused, clock, log, signal }: Follower): { wake(): void; idle(): Promise<void> } {
  let running: Promise<void> | null = null;
  let again = false;
  let failures = 0;
  let waitsUntilMs = 0;
  let dropped = false;

  /** Until all is seen: null, or why it cannot go on now. */
  const catchUp = async (): Promise<NoVectors | null> => {
    for (;;) {
      if (signal.aborted) return null;
      const named = embedder.model() ?? (await embedder.embed(['Keelson'], { id: `embed:name:${randomId()}`, signal }));
      if (typeof named === 'object' && !('vectors' in named)) return named;
      const model = typeof named === 'string' ? named : named.model;
      const due = (await store.query('vectorsDue', { model, limit: embedder.atOnce })) as Due | null;
      if (due === null) break;
      const texts = due.rows.filter(({ known }) => !known).map(({ text }) => text);
      const made = texts.length === 0 ? { model, vectors: [] } : await embedder.embed(texts, { id: `embed:${model}:${due.after}:${due.until}`, signal });
      if (!('vectors' in made)) return made;
      if (made.model !== model) continue; // it has other dimensions than before: begun anew under its new name
      const vectors = made.vectors.values();
      const items = due.rows.map(({ place, hash, known }) => ({ place, hash, vector: known ? null : vectors.next().value! }));
      await store.remember({ model, page: due.page, after: due.after, until: due.until, items });
      failures = 0;
      await clock.sleep(turnMs, signal);
    }
    embedder.rest();
    // What another model left behind was paid for: it goes only when there is something in its place.
    const model = embedder.model();
    if (!dropped && embedder.paid && model !== null) await store.dropModels([model]);
    dropped = true;
    return null;
  };
  const wait = ({ reason, againAtMs }: NoVectors) => {
    failures++;
    waitsUntilMs = againAtMs ?? clock.now() + Math.min(againMs.max, againMs.first * 2 ** Math.min(failures - 1, 20));
    log[failures === 1 ? 'warn' : 'debug']({ reason, model: embedder.model(), againAt: new Date(waitsUntilMs).toISOString() }, 'no vectors for now: what is new is found by its words');
    void clock.sleep(Math.max(0, waitsUntilMs - clock.now()), signal).then(wake);
  };
  const run = async () => {
    while (again && !signal.aborted) {
      again = false;
      if (clock.now() < waitsUntilMs || paused()) break;
      const hindered = await catchUp().catch((error: unknown): NoVectors => ({ reason: plainError(error).message, againAtMs: null }));
      if (hindered !== null && !signal.aborted) {
        wait(hindered);
        break;
      }
      await clock.sleep(gatherMs, signal);
    }
  };
  const wake = () => {
    again = true;
    running ??= run().finally(() => {
      running = null;
      // Woken in the very moment in which it ended.
      if (again && !signal.aborted && !paused() && clock.now() >= waitsUntilMs) wake();
    });
  };
  const idle = async (): Promise<void> => {
    if (running === null) return;
    await running;
    await idle();
  };
  return { wake, idle };
}

interface Bought { embed: Buy; embeddingModel: string | null }

/** The hashed embedder, and the one of the company when it has set one up. */
export async function openEmbedders({ gateway, store, clock }: { gateway: Bought; store: Pick<StorePort, 'query'>; clock: Clock }): Promise<Embedder[]> {
  const own = await openModelEmbedder({ gateway, store, clock });
  return [createHashedEmbedder(), ...(own ? [own] : [])];
}

async function openModelEmbedder({ gateway, store, clock }: { gateway: Bought; store: Pick<StorePort, 'query'>; clock: Clock }): Promise<Embedder | null> {
  if (gateway.embeddingModel === null) return null;
  const { embeddings } = (await store.query('cacheRates', {})) as { embeddings: { model: string }[] };
  return createModelEmbedder({ id: gateway.embeddingModel, buy: gateway.embed, known: knownModel(gateway.embeddingModel, embeddings.map(({ model }) => model)), now: clock.now });
}

/** How `knowledge.search` asks by the company's own model; null without one. What the model is called may be known only later. */
export function openQuestions({ gateway, store, clock }: { gateway: Bought; store: Pick<StorePort, 'query'>; clock: Clock }): ((text: string) => Promise<{ model: string; vector: string } | null>) | null {
  if (gateway.embeddingModel === null) return null;
  let ask: ReturnType<typeof askByVector> | null = null;
  return async (text) => {
    const embedder = ask === null ? await openModelEmbedder({ gateway, store, clock }) : null;
    // Before the first vectors are there, nothing could be compared with.
    if (embedder !== null && embedder.model() !== null) ask = askByVector(embedder, { makeId: randomId });
    return (await ask?.(text)) ?? null;
  };
}
