// The thread of occurrences.ts: reads one question, answers once.
import { parentPort, workerData } from 'node:worker_threads';
import { registerZones } from './known-zones.ts';
import { loadIcal } from './ics.ts';
import { expand, type Question } from './occurrences.ts';

const ical = await loadIcal();
const question = workerData as Question;
registerZones(ical, question.objects.map(({ text }) => text));
parentPort!.postMessage(expand(ical, question, (said) => parentPort!.postMessage(said)));
