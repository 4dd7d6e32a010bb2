// `keelson models`: which minds there are, what they cost and what they were seen to do. Reads with and without a running server.
import type { Command } from 'commander';
import type { ProbedTiers } from '#connectors/console/model-routes.ts';
import { describeModels } from '#connectors/model/describe.ts';
import { keyNames } from '#connectors/model/settings.ts';
import type { Capabilities, ModelsView } from '#machines/capabilities.ts';
import { runQuery } from '#store/queries.ts';
import { oneLine, table } from './cli-output.ts';
import { withDatabase, type Define } from './cli-read.ts';
import { connectToServer } from './cli-server.ts';
import { readConfig } from './config.ts';
import { readSecrets } from './connector-settings.ts';
import { readModels } from './main-model-settings.ts';

export function addModelCommands(program: Command, define: Define): void {
  const models = program.command('models').description('which models there are, what they cost and what they can do');

  define(models.command('list', { isDefault: true }).description('providers, tiers, prices, and what was seen of each'), async ({ dataDir, out }) => {
    const config = readConfig(dataDir);
    const { settings, from } = readModels(config);
    const view = await withDatabase(dataDir, (db) => describeModels({ settings, secrets: readSecrets(config, keyNames(settings)), from, query: (name, args) => runQuery(db, name, args) }));
    out.result(view, show);
  });

  define(models.command('probe').argument('[tier]', 'one of them; without it all').description('ask the endpoints what they can do; costs a few tokens of the budget of `upkeep`'), async ({ dataDir, out }, tier?: string) => {
    const found = await (await connectToServer(dataDir)).post<ProbedTiers>('/api/models/probe', tier === undefined ? {} : { tier });
    out.result(found, (list) => (list.length === 0 ? nothingYet : table(['TIER', 'MODEL', ...abilities, 'NOTE'], list.map(({ tier: name, can, failed }) => [name, can?.model ?? '', ...(can ? said(can) : abilities.map(() => '?')), oneLine(failed ?? can?.note ?? '', 80)]))));
  });
}

const abilities = ['SCHEMA', 'STREAM', 'USAGE', 'TOOLS', 'EMBED', 'BATCH'];
const said = ({ schema, stream, streamUsage, tools, embeddings, batch }: Capabilities) => [schema, stream, streamUsage, tools, embeddings, batch].map((can) => (can === null ? '?' : can ? 'yes' : 'no'));
const nothingYet = 'No model is set up: rules, templates and what was learnt do the work. Name one in models.json (docs/models.md), or set OPENAI_API_KEY or KEELSON_OPENAI_BASE_URL.';
const usd = (amount: number) => (amount === 0 ? 'free' : `$${amount.toPrecision(3)}`);

function show({ from, providers, tiers, tasks, embeddings }: ModelsView): string {
  if (tiers.length === 0) return nothingYet;
  const lacking = providers.filter(({ lacks }) => lacks !== null).map(({ name, lacks }) => `${name} needs ${lacks}, which is not set: put it into secrets.env or the environment.`);
  const unpriced = tiers.filter(({ price, model }) => price === null && model !== null).map(({ model }) => `Nobody knows what ${model} costs, so it is not asked: give its price in models.json.`);
  return [
    `From ${from}. For a million tokens in and out; cheapest first, as they are asked.`, '',
    table(['TIER', 'PROVIDER', 'MODEL', 'IN', 'OUT', 'PRICE', ...abilities], tiers.map(({ name, provider, model, price, seen }) => [name, provider, model ?? seen[0]?.model ?? 'the first it lists', price ? usd(price.inputPerMillionUsd) : '?', price ? usd(price.outputPerMillionUsd) : '?', price?.from ?? 'unknown', ...(seen[0] ? said(seen[0]) : abilities.map(() => '-'))])), '',
    ...Object.entries(tasks).map(([task, list]) => `${task === '*' ? 'other tasks' : task}: ${list.join(' → ')}`), ...(embeddings ? [`embeddings: ${embeddings}`] : []), ...lacking, ...unpriced,
    ...(tiers.some(({ seen }) => seen.length === 0) ? ['What an endpoint can do is found out at its first use, or now: keelson models probe'] : []),
  ].join('\n');
}
