// Texts become vectors. One port, two ways: hashed, always there and for nothing; and a model of the company's provider. A model is named
// by its id and its dimensions, so that vectors of two models never meet. There is no thread as long as there is little to do.
import { Worker } from 'node:worker_threads';
import { hashedModel, hashText } from '#machines/hashed-vector.ts';

export interface Embedder {
  /** `hashed-1@512`; null as long as nobody knows how many dimensions the model has. */
  model(): string | null;
  /** Whether each text costs money. */
  paid: boolean;
  /** How many texts at a time. */
  atOnce: number;
  /** In the order of the texts, each in base64 as the store keeps it. `id` is the same when the same is asked again. */
  embed(texts: string[], request: { id: string; signal: AbortSignal }): Promise<Vectors | NoVectors>;
  /** There is nothing to do for now: what was only needed for that ends. */
  rest(): void;
}
export interface Vectors { model: string; vectors: string[] }
export interface NoVectors { reason: string; againAtMs: number | null }

/** The gateway, as far as it is needed here. */
export type Buy = (texts: string[], request: { id: string; workflow: string; run: string; signal: AbortSignal }) => Promise<{ vectors: number[][] } | NoVectors>;

/** So few are made at once where they are asked for: a thread would take longer to start. */
const inPlaceMax = 16;

export const toBase64 = (vector: Int8Array | Float32Array) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');

export function createHashedEmbedder(): Embedder {
  let thread: Worker | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  const askThread = (texts: string[]) => new Promise<string[]>((resolve, reject) => {
    const worker = (thread ??= new Worker(new URL('./embed-thread.ts', import.meta.url)));
    const settle = () => worker.off('message', done).off('error', gone).off('exit', gone);
    function done(vectors: string[]) {
      settle();
      resolve(vectors);
    }
    function gone(why: unknown) {
      settle();
      if (thread === worker) thread = null;
      reject(why instanceof Error ? why : new Error(`the thread for vectors ended: ${String(why)}`));
    }
    worker.on('message', done).on('error', gone).on('exit', gone);
    worker.postMessage(texts);
  });
  return {
    model: () => hashedModel,
    paid: false,
    atOnce: 64,
    async embed(texts) {
      if (texts.length <= inPlaceMax) return { model: hashedModel, vectors: texts.map((text) => toBase64(hashText(text))) };
      // One question at a time: the next message is the answer to it.
      const answer = turn.catch(() => {}).then(() => askThread(texts));
      turn = answer;
      return { model: hashedModel, vectors: await answer };
    },
    rest() {
      const idle = thread;
      void turn.catch(() => {}).then(() => {
        if (idle === null || thread !== idle) return;
        thread = null;
        void idle.terminate();
      });
    },
  };
}

export interface ModelEmbedderOptions {
  /** `provider:model`. */
  id: string;
  buy: Buy;
  /** As it was called when it last gave vectors; null when it never did. */
  known: string | null;
  now(): number;
}

/** A provider's model. Its money is counted in the workflow `memory`, its days as runs. */
export function createModelEmbedder({ id, buy, known, now }: ModelEmbedderOptions): Embedder {
  let model = known;
  return {
    model: () => model,
    paid: true,
    atOnce: 32,
    async embed(texts, { id: batch, signal }) {
      const bought = await buy(texts, { id: batch, workflow: 'memory', run: `memory/${new Date(now()).toISOString().slice(0, 10)}`, signal });
      if (!('vectors' in bought)) return { reason: bought.reason, againAtMs: bought.againAtMs };
      const dims = bought.vectors[0]?.length ?? 0;
      const whole = bought.vectors.length === texts.length && dims > 0 && bought.vectors.every((vector) => vector.length === dims && vector.every(Number.isFinite));
      if (!whole) return { reason: `${id} gave ${bought.vectors.length} vectors for ${texts.length} texts, or some of other lengths`, againAtMs: null };
      model = modelNameOf(id, dims);
      return { model, vectors: bought.vectors.map((vector) => toBase64(Float32Array.from(vector))) };
    },
    rest() {},
  };
}

export const modelNameOf = (id: string, dims: number) => `${idOf(id)}@${dims}`;
/** Of those that the store knows, the one that this provider's model was called. */
export const knownModel = (id: string, models: readonly string[]): string | null => models.findLast((model) => model.replace(/@\d+$/, '') === idOf(id)) ?? null;
const idOf = (id: string) => id.replaceAll(/[@\s]/g, '-').slice(0, 200);

const questionsKept = 200;
const questionMsMax = 2_000;

/** The vector of a question, for `recall`; null when the model does not answer soon, and then the hashed one must do. The last questions are kept. */
export function askByVector(embedder: Embedder, { makeId }: { makeId(): string }): (text: string) => Promise<{ model: string; vector: string } | null> {
  const kept = new Map<string, { model: string; vector: string }>();
  return async (text) => {
    const before = kept.get(text);
    if (before) return before;
    if (embedder.model() === null) return null;
    const answer = await embedder.embed([text], { id: `question:${makeId()}`, signal: AbortSignal.timeout(questionMsMax) }).catch(() => null);
    if (answer === null || !('vectors' in answer)) return null;
    const found = { model: answer.model, vector: answer.vectors[0]! };
    kept.set(text, found);
    for (const oldest of kept.keys()) if (kept.size > questionsKept) kept.delete(oldest);
    return found;
  };
}
