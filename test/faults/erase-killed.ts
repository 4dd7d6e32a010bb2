// Erases a person from a stopped company and dies right after the named step: node erase-killed.ts DIR SUBJECT STEP
import { eraseStopped } from '#supervisor/main-erase-stopped.ts';

const [dataDir, subject, last] = process.argv.slice(2) as [string, string, string];

await eraseStopped({ dataDir, outside: [], onStep: (step) => void (step === last && process.kill(process.pid, 'SIGKILL')) }, { id: `killed-${last}`, subject });
