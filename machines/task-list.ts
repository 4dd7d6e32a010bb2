// Every task there is.
import type { Task } from './tasks.ts';
import { draftTask } from './tasks/draft.ts';
import { extractTask } from './tasks/extract.ts';
import { findingsTask } from './tasks/findings.ts';
import { researchTask } from './tasks/research.ts';
import { strategyTask } from './tasks/strategy.ts';
import { triageTask } from './tasks/triage.ts';

const list: readonly Task[] = [triageTask, draftTask, extractTask, strategyTask, findingsTask, researchTask];

const byName = new Map(list.map((task) => [task.name, task]));

export const taskOf = (name: string): Task | undefined => byName.get(name);
export const taskNames = (): string[] => [...byName.keys()];
