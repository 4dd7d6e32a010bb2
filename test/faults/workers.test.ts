// Goal: whatever happens to worker processes, each message is applied once and in order, and every history folds to its state.
// Method: real processes on a real bus, killed at chosen lines, frozen, joining and leaving while messages flow. More rounds of the
// mixed test: KEELSON_FAULT_ROUNDS=20 KEELSON_FAULT_SEED=7.
import type { ChildProcess } from 'node:child_process';
import { suite, test } from 'node:test';
import { seeded } from '#test/kit/server.ts';
import { ended, startCrew } from './workers-kit.ts';

const actors = 40;
const rounds = Number(process.env['KEELSON_FAULT_ROUNDS'] ?? 2);
const seed = Number(process.env['KEELSON_FAULT_SEED'] ?? 1);

// They mostly wait for the bus, so two at a time.
suite('workers', { concurrency: 2 }, () => {
  test('workers that die by kill -9 in the middle of a step, their commit before them, under way or answered, lose and repeat nothing', { timeout: 120_000 }, async (t) => {
    const crew = await startCrew(t, { actors });
    // The first that is ready may do all the starts; then each has a share, or inherits one.
    const doomed = await Promise.all((['before', 'under way', 'after'] as const).map((when) => crew.worker({ die: { when, commit: actors + 20 } })));
    await crew.send(15);
    await Promise.all(doomed.map(ended));
    await crew.worker();
    await crew.assertComplete();
  });

  test('a worker that was frozen for longer than the bus waits comes back with old states in hand and does no harm', { timeout: 120_000 }, async (t) => {
    const crew = await startCrew(t, { actors });
    const frozen = await crew.worker();
    await crew.send(20);
    await crew.until('work', ({ applied }) => applied > 5 * actors);
    frozen.kill('SIGSTOP');
    const other = await crew.worker();
    await crew.until('the other does the rest', ({ inFlight }) => inFlight === 0);
    // What is written now waits in the sockets of the frozen one, or is read by the other.
    await crew.send(5);
    await crew.until('more', ({ inFlight }) => inFlight < 4 * actors);
    frozen.kill('SIGCONT');
    await crew.send(5);
    await crew.assertComplete();
    // Alone again, with records in its memory that others have changed since.
    other.kill('SIGTERM');
    await ended(other);
    await crew.send(5);
    await crew.assertComplete();
  });

  test('two workers that both read every partition do each message once, in order', { timeout: 120_000 }, async (t) => {
    const crew = await startCrew(t, { actors });
    await Promise.all([crew.worker({ greedy: true }), crew.worker({ greedy: true })]);
    await crew.send(25);
    await crew.assertComplete();
  });

  test('with the bus restarted, and then wiped, under working workers everything is done once and in order', { timeout: 120_000 }, async (t) => {
    const crew = await startCrew(t, { actors });
    await Promise.all([crew.worker(), crew.worker()]);
    for (const wiped of [false, true]) {
      const { applied } = await crew.status();
      await crew.send(15);
      await crew.until('work', (status) => status.applied > applied + 15 + 5 * actors);
      await crew.restartNats({ wiped });
      await crew.assertComplete();
    }
  });

  test(`workers come, leave, freeze and die while messages flow (seed ${seed}, ${rounds} rounds)`, { timeout: 60_000 + rounds * 30_000 }, async (t) => {
    const crew = await startCrew(t, { actors });
    const random = seeded(seed);
    const workers: ChildProcess[] = [await crew.worker()];
    for (let round = 0; round < rounds; round++) {
      workers.push(await crew.worker());
      await crew.send(10);
      const [victim] = workers.splice(Math.floor(random() * workers.length), 1);
      const fate = (['SIGTERM', 'SIGKILL', 'SIGSTOP'] as const)[Math.floor(random() * 3)]!;
      t.diagnostic(`round ${round}: ${fate}`);
      const { inFlight } = await crew.status();
      await crew.until('half of it', (status) => status.inFlight <= inFlight / 2);
      victim!.kill(fate);
      await crew.send(5);
      if (fate !== 'SIGSTOP') continue;
      await crew.until('the others do it all', (status) => status.inFlight === 0);
      victim!.kill('SIGCONT');
      workers.push(victim!);
    }
    await crew.assertComplete();
  });
});
