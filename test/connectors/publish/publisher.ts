// A process that publishes page after page until it is killed; says on stdout which it begins.
import { createPublishConnector } from '#connectors/publish/connector.ts';
import { page, phasesOf, siteOf } from './publish-kit.ts';

const [folder = ''] = process.argv.slice(2);
const connector = createPublishConnector(siteOf(folder), {});
for (let n = 0; n < 1_000; n += 1) {
  process.stdout.write(`${n}\n`);
  await phasesOf(connector, 'publish.site', { ...page, slug: `page-${n}`, title: `page-${n}` }, `operation/${n}`).publish();
}
