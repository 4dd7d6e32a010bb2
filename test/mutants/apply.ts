// Loaded before a test with `--import`, in its threads too: puts the mutant that the environment names in the place of the text.
import { registerHooks } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mutants } from './mutants.ts';

const { file, text, instead } = mutants.find(({ without }) => without === process.env['KEELSON_MUTANT'])!;
const path = join(import.meta.dirname, '../..', file);
const url = pathToFileURL(path).href;

registerHooks({
  load: (asked, context, next) => (asked === url ? { format: 'module-typescript', shortCircuit: true, source: readFileSync(path, 'utf8').replace(text, () => instead) } : next(asked, context)),
});
