// The list of pages and the feeds, made anew from what is kept of each page.
import { renderFeeds, renderIndex } from './pages.ts';
import type { SiteSettings } from './settings.ts';
import type { SiteFolder } from './site-folder.ts';

/** Until they hold what is there: another operation may have added a page meanwhile. Says which files were left alone. */
export async function renewLists(site: SiteSettings, folder: SiteFolder, mark: string): Promise<string[]> {
  for (let listed = await folder.posts(); ; ) {
    const posts = listed.filter(({ visibility }) => visibility === 'public');
    const { rss, atom } = await renderFeeds(site, posts);
    const files = [['index.html', renderIndex(site, posts)], ['feed.xml', rss], ['atom.xml', atom]] as const;
    const kept: string[] = [];
    for (const [name, text] of files) if (!(await folder.replace(name, text, mark))) kept.push(`${name} is yours and was left as it is`);
    const now = await folder.posts();
    if (now.length === listed.length && now.every((one, n) => one.mark === listed[n]!.mark)) return kept;
    listed = now;
  }
}
