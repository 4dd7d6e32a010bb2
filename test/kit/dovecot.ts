// A real IMAP server (Debian's dovecot-imapd) in a temporary folder on a free port of 127.0.0.1, without touching the system's own.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';

export interface DovecotFixture {
  /** imap://user:secret@127.0.0.1:PORT, plain text. */
  url: string;
  port: number;
  /** Maildir of the user's INBOX (cur, new, tmp). */
  maildir: string;
  /** Puts a mail into INBOX as a mail server would. */
  deliver(raw: string | Uint8Array): void;
  /** Stops the server and keeps the mails; `start` brings it back on the same port. */
  pause(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const binary = ['/usr/sbin/dovecot', '/usr/local/sbin/dovecot', '/opt/homebrew/sbin/dovecot'].find((path) => existsSync(path));

/** null if dovecot can be run, else why not and what to do. Give it to `test(…, {skip: dovecotMissing() ?? false})`. With KEELSON_TEST_ALL=1 nothing is skipped, so the tests fail instead. */
export function dovecotMissing(): string | null {
  return process.env['KEELSON_TEST_ALL'] === '1' ? null : whyMissing();
}

function whyMissing(): string | null {
  if (!binary) return 'DOVECOT IS NOT INSTALLED: the IMAP connector is NOT TESTED here. Run: apt-get install -y dovecot-imapd';
  try {
    const version = execFileSync(binary, ['--version'], { encoding: 'utf8' });
    return version.startsWith('2.3.') ? null : `DOVECOT ${version.trim()} HAS ANOTHER CONFIGURATION FORMAT THAN 2.3: the IMAP connector is NOT TESTED here.`;
  } catch (error) {
    return `DOVECOT DOES NOT RUN (${String(error)}): the IMAP connector is NOT TESTED here.`;
  }
}

/** Starts dovecot with the one user "user", password "secret". As root its mail processes run as nobody. */
export async function startDovecot(): Promise<DovecotFixture> {
  if (!binary) throw new Error(whyMissing() ?? '');
  const home = mkdtempSync(join(tmpdir(), 'keelson-dovecot-'));
  const mails = join(home, 'mail');
  const maildir = join(mails, 'Maildir');
  const isRoot = userInfo().uid === 0;
  const owner = isRoot ? { uid: idOf('-u'), gid: idOf('-g'), name: 'nobody' } : { uid: userInfo().uid, gid: userInfo().gid, name: userInfo().username };
  for (const folder of [mails, maildir, ...['cur', 'new', 'tmp'].map((name) => join(maildir, name))]) {
    mkdirSync(folder, { recursive: true });
    if (isRoot) chownSync(folder, owner.uid, owner.gid);
  }
  chmodSync(home, 0o755);
  const port = await freePort();
  const config = join(home, 'dovecot.conf');
  writeFileSync(config, configuration(home, port, owner));
  let delivered = 0;
  let child: ReturnType<typeof spawn> | null = null;

  const start = async (): Promise<void> => {
    child = spawn(binary, ['-F', '-c', config], { stdio: 'ignore', detached: true });
    for (let tries = 0; tries < 200; tries += 1) {
      if (await greets(port)) return;
      await delay(50);
    }
    throw new Error(`dovecot did not come up; see ${join(home, 'log')}`);
  };
  const pause = async (): Promise<void> => {
    const running = child;
    child = null;
    if (!running || running.exitCode !== null) return;
    const exited = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGTERM');
    await exited;
    // The processes that serve open connections outlive their master; being in its process group they can be ended by it.
    try {
      if (running.pid !== undefined) process.kill(-running.pid, 'SIGKILL');
    } catch {
      // None were left.
    }
  };
  await start();
  return {
    url: `imap://user:secret@127.0.0.1:${port}`, port, maildir, start, pause,
    deliver: (raw) => {
      delivered += 1;
      // Written beside and renamed in, so that dovecot never sees half a mail.
      const name = `${1_700_000_000 + delivered}.M${delivered}P1.test`;
      execFileSync('/bin/sh', ['-c', 'cat > "$1/tmp/$3" && { [ "$2" = "" ] || chown "$2" "$1/tmp/$3"; } && mv "$1/tmp/$3" "$1/new/$3"', 'sh', maildir, isRoot ? `${owner.uid}` : '', name], { input: raw });
    },
    stop: async () => {
      await pause();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function configuration(home: string, port: number, owner: { uid: number; gid: number; name: string }): string {
  return `
protocols = imap
listen = 127.0.0.1
base_dir = ${home}/run
state_dir = ${home}/state
log_path = ${home}/log
ssl = no
disable_plaintext_auth = no
default_internal_user = ${owner.name}
default_login_user = ${owner.name}
default_internal_group = ${execFileSync('id', ['-gn', owner.name], { encoding: 'utf8' }).trim()}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:${home}/mail/Maildir
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${home}/mail
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`;
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
}

async function greets(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(1_000, () => { socket.destroy(); resolve(false); });
    socket.once('data', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}
