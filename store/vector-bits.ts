// How vectors lie in the store: what a model's bytes mean, and the 256 bits of each by which the nearest are looked for first.
import { hashedModel } from '#machines/hashed-vector.ts';
import { KeelsonError } from '#machines/errors.ts';

export const placesPerPage = 1_024;
const bitsPerPlace = 256;
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
 * The signs of 256 sums of the dimensions: two vectors differ in the fewer of them, the smaller the angle between them. With more
 * dimensions than bits several are summed, each with a sign of its own that never changes.
 */
export function bitsOf(vector: Int8Array | Float32Array): Uint8Array {
  const sums = new Float64Array(bitsPerPlace);
  for (let i = 0; i < vector.length; i++) {
    const sign = (Math.imul(Math.floor(i / bitsPerPlace) * bitsPerPlace + i + 1, 0x9e_37_79_b1) >>> 16) & 1;
    const place = i % bitsPerPlace;
    sums[place] = sums[place]! + (sign === 0 ? vector[i]! : -vector[i]!);
  }
  // Fewer dimensions than bits: the rest are differences of pairs.
  for (let i = vector.length; i < bitsPerPlace; i++) sums[i] = vector[i % vector.length]! - vector[(i * 7 + 3) % vector.length]!;
  const bits = new Uint8Array(bytesPerPlace);
  sums.forEach((sum, i) => { if (sum > 0) bits[i >> 3] = bits[i >> 3]! | (1 << (i & 7)); });
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
