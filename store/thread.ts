// The entry point of the store's thread. Compiled code is kept between runs, as in supervisor/cli.ts: a thread has to ask for that itself.
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./thread-work.ts');
