// What the operator states, corrects and remarks, from the command line.
import type { Command } from 'commander';
import { readFactValue, type AddedFact, type Annotated } from '#connectors/console/desk-facts.ts';
import { KeelsonError } from '#machines/errors.ts';
import { factLimits, predicateOf } from '#machines/predicates.ts';
import { linkSchema } from '#machines/records.ts';
import type { Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';

interface FactOptions { from?: string; to?: string; changesFrom?: string; supersedes?: string; correct?: boolean; confidence?: string; source?: string }

const linkKinds: readonly string[] = linkSchema.shape.kind.options;

export function addFactCommands(program: Command, define: Define): void {
  const fact = program.commands.find((command) => command.name() === 'fact') ?? program.command('fact').description('what you know yourself');
  define(fact.command('add').argument('<entity>', 'such as person/anna@example.org').argument('<predicate>', 'such as person.phone, or a word of your own').argument('<value>', 'text or JSON').description('state a fact; what was said before stays in the history')
    .option('--from <time>', 'true from then on (ISO date)').option('--to <time>', 'true until then (ISO date)')
    .option('--changes-from <time>', 'what was true until then is true no more').option('--correct', 'what is said now was wrong').option('--supersedes <fact>', 'this one was wrong')
    .option('--confidence <n>', 'from 0 to 1').option('--source <artifact>', 'where it is written'), async ({ dataDir, out }, entity: string, predicate: string, text: string, { confidence, ...options }: FactOptions) => {
    const { json: _json, data: _data, ...given } = options as FactOptions & { json?: boolean; data?: string };
    const body = { entity, predicate, value: readFactValue(predicate, text), ...given, ...(confidence === undefined ? {} : { confidence: readConfidence(confidence) }) };
    const server = await connectToServer(dataDir);
    const added = await server.post<AddedFact>('/api/facts', body);
    if (!predicateOf(predicate) && factLimits.freeName.test(predicate)) out.say(`'${predicate}' is a predicate of your own`);
    out.result(added, (a) => [
      `${a.fact}: ${a.predicate} of ${a.entity} is ${JSON.stringify(body.value)}`,
      ...(a.contradiction === null ? [] : [`Something else was known; you decide: keelson inbox ${a.contradiction}`]),
    ].join('\n'));
  });

  define(program.command('annotate').argument('<kind>', linkKinds.join(', ')).argument('<id>').description('a remark on anything that is there; later runs find its words')
    .requiredOption('--text <text>', 'the remark').option('--reason <text>', 'why'), async ({ dataDir, out }, kind: string, id: string, { text, reason }: { text: string; reason?: string }) => {
    if (!linkKinds.includes(kind)) throw new KeelsonError('BAD_ARGUMENT', `there is no kind '${kind}'; choose one of ${linkKinds.join(', ')}`);
    const server = await connectToServer(dataDir);
    const annotated = await server.post<Annotated>('/api/annotations', { kind, id, text, ...(reason === undefined ? {} : { reason }) });
    out.result(annotated, (a) => `${a.annotation}: a remark on ${a.target.kind} ${a.target.id}`);
  });
}

function readConfidence(text: string): number {
  const confidence = Number(text);
  if (text.trim() === '' || !(confidence >= 0 && confidence <= 1)) throw new KeelsonError('BAD_ARGUMENT', `--confidence must be a number from 0 to 1, not '${text}'`);
  return confidence;
}
