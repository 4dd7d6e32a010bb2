// Every task there is.
import type { Task } from './tasks.ts';

const list: readonly Task[] = [];

const byName = new Map(list.map((task) => [task.name, task]));

export const taskOf = (name: string): Task | undefined => byName.get(name);
export const taskNames = (): string[] => [...byName.keys()];
