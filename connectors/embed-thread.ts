// The thread of embed.ts: many texts, one answer.
import { parentPort } from 'node:worker_threads';
import { hashText } from '#machines/hashed-vector.ts';
import { toBase64 } from './embed.ts';

parentPort!.on('message', (texts: string[]) => parentPort!.postMessage(texts.map((text) => toBase64(hashText(text)))));
