// A real web server (Debian's nginx) in a temporary folder on free ports of 127.0.0.1, without touching the system's own.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';

export interface NginxFixture {
  /** http://127.0.0.1:PORT */
  url: string;
  /** https://web.example:PORT, with the certificate in `ca`. */
  tlsUrl: string;
  /** `127.0.0.1:PORT`, `web.example:PORT` */
  host: string;
  tlsHost: string;
  /** The certificate of the https side (PEM), made by itself for web.example. */
  ca: string;
  /** What is served. */
  root: string;
  /** Request lines so far, oldest first. */
  requests(): string[];
  stop(): Promise<void>;
}

export interface NginxOptions {
  /** By path: `page.html`. */
  files?: Record<string, string | Uint8Array>;
  /** Further `location` blocks. */
  locations?: string;
  /** What stands beside the server block: zones, upstreams. */
  http?: string;
}

const binary = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/opt/homebrew/bin/nginx'].find((path) => existsSync(path));

/** null if nginx can be run, else why not and what to do. Give it to `test(…, {skip: nginxMissing() ?? false})`. */
export function nginxMissing(): string | null {
  if (binary) return null;
  const why = 'NGINX IS NOT INSTALLED: outgoing HTTP is NOT TESTED against a real server here. Run: apt-get install -y nginx-light';
  if (process.env['KEELSON_TEST_ALL'] === '1') throw new Error(why);
  return why;
}

export async function startNginx({ files = {}, locations = '', http = '' }: NginxOptions = {}): Promise<NginxFixture> {
  if (!binary) throw new Error(nginxMissing() ?? '');
  const home = mkdtempSync(join(tmpdir(), 'keelson-nginx-'));
  chmodSync(home, 0o755);
  const root = join(home, 'www');
  mkdirSync(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=web.example', '-addext', 'subjectAltName=DNS:web.example', '-keyout', join(home, 'key.pem'), '-out', join(home, 'cert.pem')], { stdio: 'ignore' });
  const [port, tlsPort] = [await freePort(), await freePort()];
  const config = join(home, 'nginx.conf');
  writeFileSync(config, configuration({ home, root, port, tlsPort, locations, http }));
  const child = spawn(binary, ['-c', config, '-p', home, '-e', join(home, 'error.log')], { stdio: 'ignore' });
  for (let tries = 0; !(await answers(port)); tries += 1) {
    if (tries === 100 || child.exitCode !== null) throw new Error(`nginx did not come up: ${readFileSync(join(home, 'error.log'), 'utf8')}`);
    await delay(50);
  }
  return {
    url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, tlsUrl: `https://web.example:${tlsPort}`, tlsHost: `web.example:${tlsPort}`,
    ca: readFileSync(join(home, 'cert.pem'), 'utf8'), root,
    requests: () => readFileSync(join(home, 'access.log'), 'utf8').split('\n').filter((line) => line !== ''),
    stop: async () => {
      if (child.exitCode === null) {
        const exited = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await exited;
      }
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function configuration({ home, root, port, tlsPort, locations, http }: { home: string; root: string; port: number; tlsPort: number; locations: string; http: string }): string {
  return `
daemon off;
worker_processes 1;
${userInfo().uid === 0 ? 'user nobody nogroup;' : ''}
pid ${home}/pid;
events { worker_connections 256; }
http {
  types { text/html html; text/plain txt; application/json json; application/pdf pdf; image/png png; }
  default_type application/octet-stream;
  log_format line '$request';
  access_log ${home}/access.log line;
  client_body_temp_path ${home}/body; proxy_temp_path ${home}/proxy; fastcgi_temp_path ${home}/fastcgi; uwsgi_temp_path ${home}/uwsgi; scgi_temp_path ${home}/scgi;
  ${http}
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${tlsPort} ssl;
    ssl_certificate ${home}/cert.pem;
    ssl_certificate_key ${home}/key.pem;
    root ${root};
    ${locations}
  }
}
`;
}

async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}
