// `npm run bench [-- --json]`: W1 (throughput), W2 (runs of five stages), W3 (waking one idle actor), W4 (actors at rest), each with its
// baseline from the same run. `npm run bench -- steps` is W1 and W3, `stages` W2, `dormant` W4; `slow-disk` W1 on a disk that takes
// longer; `recovery` how soon after a crash you hear of what nobody knows; `mails` the main job, 1,000 mails from the import to their waiting or final state; `console` a browser at 500 commits/s; `recall` how fast and how well 100,000 items are searched; `ladder` what sorting mails costs by the ladder and by the large model alone; `learn` how often you are needed while a stream of mails drifts; `growth` commits and reads at 5 million
// transitions beside 10,000. Machines are noisy: read the ratio, and the median of the rounds.
import { measureConsole } from './console.ts';
import { measureDormant } from './dormant.ts';
import { measureGrowth, readSize } from './growth.ts';
import { measureLadder } from './ladder.ts';
import { printLearning } from './learn.ts';
import { measureMails } from './mails.ts';
import type { Result } from './measure.ts';
import { measureRecall } from './recall.ts';
import { measureRecovery } from './recovery.ts';
import { measureSlowDisk } from './slow.ts';
import { measureStages } from './stages.ts';
import { measureSteps } from './steps.ts';

const json = process.argv.includes('--json');
const say = (line: string) => {
  if (!json) console.log(line);
};
const round = (x: number) => Math.round(x * 1_000) / 1_000;

const benches: Record<string, () => Promise<Result[]>> = {
  steps: () => measureSteps(say),
  stages: () => measureStages(say),
  dormant: () => measureDormant(say),
  recovery: () => measureRecovery(say),
  recall: () => measureRecall(say),
  ladder: () => measureLadder(process.argv.slice(2), say),
  'slow-disk': () => measureSlowDisk(say),
  console: () => measureConsole(say),
  growth: () => measureGrowth(readSize(process.argv.slice(2)), say),
};

if (process.argv.includes('learn')) {
  const run = await printLearning([11, 12, 13, 14, 15, 16, 17, 18], say);
  if (json) console.log(JSON.stringify([{ id: 'learn', ...run }]));
} else if (process.argv.includes('mails')) {
  const run = await measureMails(1_000);
  if (json) console.log(JSON.stringify([{ id: 'mails', ...run }]));
  say(`mails: ${round(run.mailsPerSecond)}/s to the end, import alone ${round(run.importPerSecond)}/s, only parsing ${round(run.parsePerSecond)}/s; ${run.waiting} wait for the operator`);
} else {
  const named = Object.keys(benches).filter((name) => process.argv.includes(name));
  const results: Result[] = [];
  for (const name of named.length > 0 ? named : ['steps', 'stages', 'dormant']) results.push(...(await benches[name]!()));
  if (json) console.log(JSON.stringify(results));
  for (const r of results) say(`${r.id}: ${r.value} ${r.unit} (baseline ${r.baseline}, ratio ${r.ratio}), p50 ${r.p50Ms} ms, p99 ${r.p99Ms} ms`);
}
