// Goal: the house rules that neither the compiler nor the linter can see hold in every file. Method: read the tree as
// plain text, collect every finding of a rule, and fail with one line per finding: what is banned, and what to use.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path/posix';
import test from 'node:test';
import { codes } from '#machines/errors.ts';

const root = join(import.meta.dirname, '..');
const folders = ['machines', 'actors', 'store', 'connectors', 'supervisor', 'test'];
const topLevel = [
  ...folders, 'package.json', 'package-lock.json', 'nats.conf', 'docs', 'README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md',
  'CHANGELOG.md', 'LICENSE', 'tsconfig.json', '.oxlintrc.json', '.npmrc', '.gitignore', '.ci',
];
const ignored = ['node_modules', '.git', '.keelson', '.cache'];

/** Files that may use what is otherwise handed in, each with its reason. Keep it short; a deadline of the business never is one. */
const exceptions: Record<string, { may: string[]; because: string }> = {
  'actors/clock.ts': { may: ['Date.now', 'setTimeout/setInterval', 'randomUUID'], because: 'is the clock' },
  'actors/ids.ts': { may: ['Date.now', 'Math.random', 'randomUUID'], because: 'is the source of ids' },
  'connectors/mail/smtp.ts': { may: ['setTimeout/setInterval'], because: 'gives up on one socket that stays silent' },
  'supervisor/nats-binary.ts': { may: ['process.env'], because: 'finds a program: PATH and the cache folder are the system\'s settings, not ours' },
  'supervisor/nats-server.ts': { may: ['process.env'], because: 'starts a program, which needs PATH' },
  'supervisor/cli-test.ts': { may: ['process.env'], because: 'starts a program, which needs PATH' },
  'connectors/mail/body.ts': { may: ['setTimeout/setInterval'], because: 'gives up on one mail that the parser cannot finish' },
};
/** Files that run without being imported. */
const entryPoints = /^(supervisor\/(cli|main)\.ts|store\/thread\.ts|connectors\/console\/(build\.ts|app\/main\.tsx)|test\/.*)$/;
const composition = /^supervisor\/(main|cli)(-[a-z0-9-]+)?\.ts$/;

// The layer table, as in .oxlintrc.json. Packages of a lower layer are allowed in every layer above it.
const pure = ['xstate', 'zod'];
const kernel = [...pure, 'nats', '@nats-io/*', 'pino', 'canonicalize', 'node:*'];
const http = ['node:http', 'node:https', 'node:http2'];
interface Layer { folders: string[]; packages: string[]; banned?: string[] }
const layers: Record<string, Layer> = {
  machines: { folders: ['machines'], packages: pure },
  actors: { folders: ['machines', 'actors'], packages: kernel, banned: ['node:sqlite', ...http] },
  store: { folders: ['machines', 'actors', 'store'], packages: [...kernel, 'sqlite3', 'sqlite-vec'], banned: ['node:sqlite', ...http] },
  connectors: { folders: ['machines', 'actors', 'connectors'], packages: ['*'], banned: ['sqlite3', 'node:sqlite'] },
  supervisor: { folders: ['machines', 'actors', 'supervisor'], packages: kernel, banned: ['sqlite3', 'node:sqlite'] },
  test: { folders, packages: ['*'] },
};
const wholeTree: Layer = { folders: folders.filter((f) => f !== 'test'), packages: ['*'], banned: ['sqlite3', 'node:sqlite'] };

interface Import { spec: string; eager: boolean; target?: string }
/** The console's page: it runs in a browser, where time and packages are those of the page. */
const inBrowser = /^connectors\/console\/app\//;
const pageLayer: Layer = { folders: ['machines', 'connectors'], packages: ['preact', '@preact/*'] };

interface Source { path: string; folder: string; text: string; code: string; imports: Import[] }

const files = folders.flatMap((folder) => globSync(`${folder}/**/*`, { cwd: root, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
  .filter((path) => !path.startsWith('connectors/console/dist/')) // what `npm run build` makes
  .toSorted();
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const stringsAndComments = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[^]*?\*\//g;
/** What `keelson init` copies, and the example of a connector, belong to a company: they import this package by its name. */
const sample = /^(?:supervisor\/sample|test\/examples\/own-connector)\//;
const sources: Source[] = files.filter((path) => /\.tsx?$/.test(path) && !sample.test(path)).map((path) => {
  const text = read(path);
  const bare = text.replace(stringsAndComments, (hit) => hit.startsWith('/') ? '' : hit);
  const code = bare.replace(stringsAndComments, (hit) => hit.startsWith('`') ? hit : "''");
  return { path, folder: path.split('/')[0] ?? '', text, code, imports: importsOf(path, bare) };
});

function importsOf(path: string, bare: string): Import[] {
  const named = bare.matchAll(/(?:^|;)[ \t]*(?:import|export)\s+(type\s)?(?:[^'";=()]*?\sfrom\s*)?['"]([^'"]+)['"]/gm);
  const lazy = bare.matchAll(/\bimport\(\s*['"]([^'"]+)['"]|\bnew URL\(\s*['"](\.[^'"]+\.tsx?)['"]/g);
  const found = [
    ...[...named].map((hit) => ({ spec: hit[2] ?? '', eager: !hit[1] })),
    ...[...lazy].map((hit) => ({ spec: hit[1] ?? hit[2] ?? '', eager: false })),
  ];
  return found.map((one) => ({ ...one, target: targetOf(path, one.spec) }));
}

function targetOf(path: string, spec: string): string | undefined {
  if (spec.startsWith('#')) return spec.slice(1);
  return spec.startsWith('.') ? normalize(join(dirname(path), spec)) : undefined;
}

/** 'node:fs/promises' → 'node:fs', 'zod/mini' → 'zod', '@nats-io/jetstream/x' → '@nats-io/jetstream'. */
const packageOf = (spec: string): string => spec.split('/').slice(0, spec.startsWith('@') ? 2 : 1).join('/');
const fits = (name: string, pattern: string): boolean => pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

function tidy(title: string, findings: () => Iterable<string>): void {
  test(title, () => {
    const found = [...findings()];
    if (found.length > 0) assert.fail(`${found.length} finding(s)\n  ${found.join('\n  ')}`);
  });
}

const eachImport = (): (Import & { source: Source })[] => sources.flatMap((source) => source.imports.map((one) => ({ ...one, source })));

tidy('a relative import stays in its top-level folder', function* () {
  for (const { source, spec, target } of eachImport()) {
    if (spec.startsWith('.') && target?.split('/')[0] !== source.folder) yield `${source.path}: '${spec}' is banned, use '#${target}'`;
  }
});

tidy('every layer imports only what the layer table allows, import() included', function* () {
  for (const { source, spec, target } of eachImport()) {
    const layer = composition.test(source.path) ? wholeTree : inBrowser.test(source.path) ? pageLayer : layers[source.folder];
    if (!layer) continue;
    const name = packageOf(spec);
    const allowed = target === undefined
      ? layer.packages.some((pattern) => fits(name, pattern)) && !layer.banned?.includes(name)
      : layer.folders.includes(target.split('/')[0] ?? '');
    const instead = 'a message, or a parameter handed in by supervisor/main.ts';
    if (!allowed) yield `${source.path}: '${spec}' is banned in ${source.folder}/, use ${instead}`;
  }
});

tidy('one connector never imports another', function* () {
  const connectorOf = (path = ''): string | undefined => /^connectors\/([^/]+)\/./.exec(path)?.[1];
  for (const { source, spec, target } of eachImport()) {
    const [own, other] = [connectorOf(source.path), connectorOf(target)];
    if (own && other && own !== other) yield `${source.path}: '${spec}' is banned, use a message, or move what both need to connectors/ or machines/`;
  }
});

tidy('third-party clients have one owner each', function* () {
  const outsideTests = eachImport().filter((one) => one.source.folder !== 'test');
  const users = (name: string): string[] => outsideTests.filter((one) => packageOf(one.spec) === name).map((one) => one.source.path);
  for (const path of [...users('sqlite3'), ...users('sqlite-vec')]) if (path !== 'store/database.ts') yield `${path}: sqlite3 and sqlite-vec are banned, use store/database.ts`;
  const openai = [...new Set(users('openai'))];
  if (openai.length !== 1) yield `openai must be imported in exactly one file, it is imported in ${openai.length}: ${openai.join(', ') || 'none'}`;
});

tidy('a connector loads its client lazily', function* () {
  for (const { source, spec, target, eager } of eachImport()) {
    if (source.folder !== 'connectors' || inBrowser.test(source.path) || !eager || target !== undefined) continue;
    const name = packageOf(spec);
    if ([...kernel, 'hono', '@hono/*'].some((pattern) => fits(name, pattern))) continue;
    yield `${source.path}: a static import of '${spec}' is banned, use \`await import('${spec}')\` (\`import type\` is fine)`;
  }
});

tidy('time, ids, randomness and settings are parameters', function* () {
  const bans: [RegExp, string, string][] = [
    [/\bDate\.now\b/, 'Date.now', 'clock.now() of the Clock you were given'],
    [/\bnew Date\(\s*\)/, 'new Date()', 'new Date(clock.now())'],
    [/\bMath\.random\b/, 'Math.random', 'the id source or random function you were given'],
    [/\brandomUUID\b/, 'randomUUID', 'the id source you were given'],
    [/(?:(?<![\w.$])|\bglobalThis\.)set(?:Timeout|Interval)\b/, 'setTimeout/setInterval', 'the Clock you were given, or a timer in the store'],
  ];
  for (const { path, folder, code } of sources) {
    const settings = path === 'supervisor/config.ts' || folder === 'test';
    if (!settings && /\bprocess\.env\b/.test(code) && !exceptions[path]?.may.includes('process.env')) yield `${path}: process.env is banned, use the Config that supervisor/config.ts reads`;
    if (folder === 'test' || folder === 'supervisor' || inBrowser.test(path)) continue;
    const broken = bans.filter(([pattern, name]) => pattern.test(code) && !exceptions[path]?.may.includes(name));
    for (const [, name, instead] of broken) yield `${path}: ${name} is banned, use ${instead}`;
  }
  for (const path of Object.keys(exceptions)) if (!existsSync(join(root, path))) yield `exceptions names ${path}, which does not exist: drop the entry`;
});

tidy('files are small, named after what they hold, and export by name', function* () {
  for (const path of files) {
    const name = basename(path);
    const code = /\.(tsx?|m?js|css|sql)$/.test(name);
    if (code && !/^(\d{4}_)?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/.test(name)) yield `${path}: this name is banned, use kebab-case`;
    const catchAll = path.split('/').some((part) => /^(utils?|types|helpers?|common)(\.|$)/.test(part));
    if (catchAll) yield `${path}: a catch-all name is banned, use the name of the one thing it holds`;
  }
  for (const { path, text, code } of sources) {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    if (lines > 400) yield `${path}: ${lines} lines are banned, use two files (400 is the limit)`;
    if (/(?:^|;)\s*export\s+(default\b|\{[^}]*\bas\s+default\b)/m.test(code) && !path.endsWith('.config.ts')) yield `${path}: export default is banned, use a named export`;
  }
});

tidy('every source file has an importer', function* () {
  const { exports: shown } = JSON.parse(read('package.json')) as { exports: Record<string, string> };
  const imported = new Set([...eachImport().filter((one) => one.target !== one.source.path).map((one) => one.target), ...Object.values(shown).map((path) => normalize(path))]);
  const dead = sources.filter(({ path }) => !entryPoints.test(path) && !imported.has(path));
  for (const { path } of dead) yield `${path}: a file nobody imports is banned, use it or delete it`;
});

tidy('docs/errors.md and machines/errors.ts say the same', function* () {
  const page = existsSync(join(root, 'docs/errors.md')) ? read('docs/errors.md') : '';
  const cells = (row: string): string[] => row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
  const rows = new Map(Array.from(page.matchAll(/^\| `([A-Z_]+)` \|(.*)\|$/gm), ([, code = '', rest = '']) => [code, cells(rest)]));
  for (const [code, { disposition, hint }] of Object.entries(codes)) {
    const row = rows.get(code);
    if (!row) yield `${code} is missing in docs/errors.md`;
    else if (row[1] !== `\`${disposition}\``) yield `${code}: docs/errors.md says ${row[1]}, machines/errors.ts says \`${disposition}\``;
    else if (row[2] !== hint) yield `${code}: docs/errors.md hints "${row[2]}", machines/errors.ts hints "${hint}"`;
    else if (!row[0]) yield `${code}: docs/errors.md does not say what it means`;
  }
  for (const code of rows.keys()) if (!(code in codes)) yield `${code} is in docs/errors.md but not in machines/errors.ts`;
});

tidy('every file named in a document exists', function* () {
  for (const page of globSync(['*.md', 'docs/**/*.md'], { cwd: root })) {
    const prose = read(page).replace(/^```[^]*?^```/gm, '');
    for (const [, word = ''] of prose.matchAll(/`([^`\n]+)`/g)) {
      const path = word.replace(/^(#(?=\w)|\.\/)/, '').replace(/\/$/, '');
      const looksLikeFile = /^[\w.-]+(\/[\w.-]+)*$/.test(path) && topLevel.includes(path.split('/')[0] ?? '');
      if ((looksLikeFile || /^[A-Z]+\.md$/.test(path)) && !existsSync(join(root, path))) yield `${page}: \`${word}\` does not exist, name the file that does`;
    }
    for (const [, link = ''] of prose.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)) {
      if (!existsSync(join(root, dirname(page), link))) yield `${page}: the link to ${link} leads nowhere`;
    }
  }
});

tidy('versions are pinned, and there is one nats-core', function* () {
  const manifest = JSON.parse(read('package.json')) as { dependencies: Record<string, string>; devDependencies: Record<string, string> };
  const pins = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  for (const [name, pin] of pins) if (!/^(npm:@?[^@]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(pin)) yield `package.json: ${name} "${pin}" is banned, use an exact version`;
  const cores = globSync('node_modules/{,*/node_modules/,@*/*/node_modules/}@nats-io/nats-core/package.json', { cwd: root });
  const versions = cores.map((path) => (JSON.parse(read(path)) as { version: string }).version);
  if (cores.length !== 1) yield `node_modules holds ${cores.length} copies of nats-core, pin every @nats-io/* to one version: ${cores.join(', ')}`;
  for (const [name, pin] of pins.filter((entry) => entry.join(' ').includes('@nats-io/'))) {
    if (!versions.includes(pin.split('@').at(-1) ?? '')) yield `package.json: ${name} "${pin}" differs from nats-core ${versions.join(', ')}`;
  }
});

tidy('the top level holds only what it should', function* () {
  for (const name of readdirSync(root)) if (![...topLevel, ...ignored].includes(name)) yield `${name} is banned at the top level, use one of the six folders or docs/`;
});
