// The baseline of W4, in a process of its own: prints how many MB the given number of live actors take.
import { createActor, type AnyActor } from 'xstate';
import { orderMachine } from './order-machine.ts';

const before = process.memoryUsage.rss();
const live: AnyActor[] = [];
for (let i = 0; i < Number(process.argv[2]); i++) live.push(createActor(orderMachine, { input: {} }).start());
if (live.some((actor) => actor.getSnapshot().status !== 'active')) throw new Error('an actor is not live');
console.log((process.memoryUsage.rss() - before) / 2 ** 20);
