// Publishing: pages of a static site with feeds, and posts of a WordPress. Each is a draft first.
import { KeelsonError } from '#machines/errors.ts';
import type { Connector } from '../connector.ts';
import type { PublishSettings } from './settings.ts';
import { siteAction } from './site.ts';
import { createWordpressApi } from './wordpress-api.ts';
import { wordpressAction } from './wordpress.ts';

export { settingsSchema } from './settings.ts';

/** Throws BAD_CONFIG when WordPress is set up without its password. */
export function createPublishConnector({ site, wordpress }: PublishSettings, secrets: Record<string, string>): Connector {
  const password = secrets['WORDPRESS_PASSWORD'];
  if (wordpress && !password) throw new KeelsonError('BAD_CONFIG', 'publishing on WordPress needs the secret WORDPRESS_PASSWORD, an application password');
  return {
    name: 'publish', version: '1',
    hosts: wordpress ? [new URL(wordpress.url).host] : [],
    secrets: wordpress ? ['WORDPRESS_PASSWORD'] : [],
    perMinute: 60,
    actions: [...(site ? [siteAction(site)] : []), ...(wordpress && password ? [wordpressAction(wordpress, createWordpressApi(wordpress, password))] : [])],
  };
}
