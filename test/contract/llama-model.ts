// A language model with random weights, in the file format of llama.cpp (GGUF 3): half a megabyte that knows nothing, but that a real server
// loads, and that obeys a schema because the server makes it. From a seed, so that each run has the same.
import { writeFileSync } from 'node:fs';
import { randomFrom } from '#test/kit/random.ts';

const [width, hidden, heads, layers, contextMax] = [64, 128, 4, 2, 8_192];
const kinds = { u32: 4, f32: 6, bool: 7, text: 8, list: 9, u64: 10 } as const;
const tokenTypes = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;

const u32 = (n: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(n);
  return bytes;
};
const u64 = (n: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(n));
  return bytes;
};
const f32 = (n: number) => Buffer.from(new Float32Array([n]).buffer);
const text = (value: string) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

type Field = [key: string, kind: number, value: Buffer];
const number = (key: string, n: number): Field => [key, kinds.u32, u32(n)];
const words = (key: string, value: string): Field => [key, kinds.text, text(value)];
const list = (key: string, kind: number, values: Buffer[]): Field => [key, kinds.list, Buffer.concat([u32(kind), u64(values.length), ...values])];

/** Each byte is a token, and so is each character one can type. */
function vocabulary(): { word: string; type: number }[] {
  const control = [{ word: '<unk>', type: tokenTypes.unknown }, { word: '<s>', type: tokenTypes.control }, { word: '</s>', type: tokenTypes.control }];
  const bytes = Array.from({ length: 256 }, (_, n) => ({ word: `<0x${n.toString(16).toUpperCase().padStart(2, '0')}>`, type: tokenTypes.byte }));
  const characters = Array.from({ length: 95 }, (_, n) => ({ word: n === 0 ? '▁' : String.fromCharCode(32 + n), type: tokenTypes.normal }));
  return [...control, ...bytes, ...characters];
}

export function writeRandomModel(file: string, seed = 1): void {
  const { next } = randomFrom(seed);
  const tokens = vocabulary();
  const fields: Field[] = [
    words('general.architecture', 'llama'), words('general.name', 'random'), number('general.alignment', 32), number('general.file_type', 0),
    number('llama.context_length', contextMax), number('llama.embedding_length', width), number('llama.block_count', layers), number('llama.feed_forward_length', hidden),
    number('llama.attention.head_count', heads), number('llama.attention.head_count_kv', heads), number('llama.rope.dimension_count', width / heads), number('llama.vocab_size', tokens.length),
    ['llama.attention.layer_norm_rms_epsilon', kinds.f32, f32(1e-5)],
    words('tokenizer.ggml.model', 'llama'), list('tokenizer.ggml.tokens', kinds.text, tokens.map(({ word }) => text(word))), list('tokenizer.ggml.scores', kinds.f32, tokens.map((_, n) => f32(-n))),
    list('tokenizer.ggml.token_type', 5, tokens.map(({ type }) => u32(type))), number('tokenizer.ggml.unknown_token_id', 0), number('tokenizer.ggml.bos_token_id', 1), number('tokenizer.ggml.eos_token_id', 2),
    words('tokenizer.chat_template', '{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant: '),
  ];
  const ones = (size: number) => new Float32Array(size).fill(1);
  const noise = (size: number) => Float32Array.from({ length: size }, () => (next() - 0.5) * 0.2);
  const matrix = (name: string, columns: number, rows: number) => ({ name, shape: [columns, rows], values: noise(columns * rows) });
  const norm = (name: string) => ({ name, shape: [width], values: ones(width) });
  const tensors = [
    matrix('token_embd.weight', width, tokens.length), norm('output_norm.weight'), matrix('output.weight', width, tokens.length),
    ...Array.from({ length: layers }, (_, n) => [
      norm(`blk.${n}.attn_norm.weight`), ...['q', 'k', 'v', 'output'].map((part) => matrix(`blk.${n}.attn_${part}.weight`, width, width)),
      norm(`blk.${n}.ffn_norm.weight`), matrix(`blk.${n}.ffn_gate.weight`, width, hidden), matrix(`blk.${n}.ffn_up.weight`, width, hidden), matrix(`blk.${n}.ffn_down.weight`, hidden, width),
    ]).flat(),
  ];
  let offset = 0;
  const described = tensors.map(({ name, shape, values }) => {
    const at = offset;
    offset += Math.ceil(values.byteLength / 32) * 32;
    return Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(0), u64(at)]);
  });
  const head = Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(fields.length), ...fields.map(([key, kind, value]) => Buffer.concat([text(key), u32(kind), value])), ...described]);
  const aligned = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((32 - (bytes.length % 32)) % 32)]);
  writeFileSync(file, Buffer.concat([aligned(head), ...tensors.map(({ values }) => aligned(Buffer.from(values.buffer)))]));
}
