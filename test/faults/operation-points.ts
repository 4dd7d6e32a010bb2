// Where a process with an operation may be killed, and what it is told.
import type { StoreOptions } from '#store/protocol.ts';

export const points = [
  'before prepared', 'after prepared', 'before prepare', 'in prepare', 'after prepare', 'before dispatching', 'after dispatching', 'before claim', 'after claim',
  'before call', 'in call', 'after call', 'before result', 'after result', 'before done', 'after done',
] as const;
export type Point = (typeof points)[number];
export interface RunnerOptions { store: StoreOptions; apiUrl: string; secretKey: string; settle: string[]; start: string[]; killAt: { address: string; point: Point } | null; inCallMs: number }
