// connectors/publish.json: a folder that a web server serves, or a WordPress, or both.
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { isSafeBase } from '../named-server.ts';
import { oneLine } from '../plain-text.ts';

export const siteSchema = z.strictObject({
  /** Pages are written here and nowhere else. */
  folder: z.string().max(500).refine((path) => isAbsolute(path) && !path.includes('\0'), 'expected an absolute path'),
  /** Where the folder is seen. */
  baseUrl: z.string().max(200).refine((text) => URL.canParse(text) && /^https?:\/\/[^?#@\s]+$/.test(text), 'expected https://… without user, ? and #'),
  title: oneLine(200),
  author: oneLine(100),
  language: z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'expected a language such as en or de-AT').default('en'),
});
export const wordpressSchema = z.strictObject({
  url: z.string().max(300).refine(isSafeBase, 'expected https://… (http:// only on this machine) without user, password, ? and #'),
  user: z.string().min(1).max(200),
});
export const settingsSchema = z.strictObject({ site: siteSchema.optional(), wordpress: wordpressSchema.optional() }).refine(({ site, wordpress }) => site !== undefined || wordpress !== undefined, 'expected site, wordpress or both');

export type SiteSettings = z.output<typeof siteSchema>;
export type WordpressSettings = z.output<typeof wordpressSchema>;
export type PublishSettings = z.output<typeof settingsSchema>;
