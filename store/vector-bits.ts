// How vectors lie in the store: what a model's bytes mean, and the 512 bits of each by which the nearest are looked for first.
import { hashedModel } from '#machines/hashed-vector.ts';
import { KeelsonError } from '#machines/errors.ts';

export const placesPerPage = 1_024;
const bitsPerPlace = 512;
export const bytesPerPlace = bitsPerPlace / 8;

/** A model is named by its id and its number of dimensions, `nomic-embed-text@768`: other dimensions are another model. */
export function shapeOf(model: string): { dims: number; bytes: number; ints: boolean } {
  const dims = Number(/^[^\s@][^@]{0,199}@([1-9]\d{0,4})$/.exec(model)?.[1]);
  if (!Number.isInteger(dims) || dims > 16_384) throw new KeelsonError('BAD_ARGUMENT', `'${model.slice(0, 100)}' does not name a model of vectors; write NAME@DIMENSIONS`);
  const ints = model === hashedModel;
  return { dims, bytes: ints ? dims : dims * 4, ints };
}

/** Signed bytes of the hashed one, little-endian 32-bit floats of all others. */
export function readVector(model: string, bytes: Uint8Array): Int8Array | Float32Array {
  if (shapeOf(model).ints) return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(i * 4, true));
}

/**
 * A vector turned in one fixed way (a Hadamard transform behind fixed signs), so that what it says is spread over all of its dimensions;
 * the first 512 of those. The angle between two vectors stays as it was; of hashed vectors most dimensions were nearly zero before.
 */
export function turned(vector: Int8Array | Float32Array): Float64Array {
  const size = Math.max(bitsPerPlace, 2 ** Math.ceil(Math.log2(vector.length)));
  const out = new Float64Array(size);
  for (let i = 0; i < vector.length; i++) out[i] = ((Math.imul(i + 1, 0x9e_37_79_b1) >>> 16) & 1) === 1 ? -vector[i]! : vector[i]!;
  for (let half = 1; half < size; half *= 2) {
    for (let from = 0; from < size; from += 2 * half) {
      for (let i = from; i < from + half; i++) {
        const [a, b] = [out[i]!, out[i + half]!];
        out[i] = a + b;
        out[i + half] = a - b;
      }
    }
  }
  return out.subarray(0, bitsPerPlace);
}

/** The signs of a turned vector: two differ in the fewer of them, the smaller the angle between them. */
export function bitsOf(vector: Int8Array | Float32Array): Uint8Array {
  const bits = new Uint8Array(bytesPerPlace);
  turned(vector).forEach((x, i) => { if (x > 0) bits[i >> 3] = bits[i >> 3]! | (1 << (i & 7)); });
  return bits;
}

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
}

/** 0 is an empty place; every kind that is not listed has the last code, and whoever looks for it compares the row itself. */
const kinds = ['fact', 'correction', 'remark', 'mail', 'attachment', 'template', 'policy', 'trigger', 'draft', 'sent', 'document', 'prompt', 'rule'];
const otherKind = 255;
export const codeOfKind = (kind: string) => (kinds.includes(kind) ? kinds.indexOf(kind) + 1 : otherKind);
