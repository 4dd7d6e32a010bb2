// A real SMTP server (npm smtp-server) on a free port of 127.0.0.1 that can be told to misbehave.
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';

/**
 * accept · slow (accepts after `slowMs`) · refuse (550 at RCPT) · defer (451 at RCPT) · refuse-mail (554 after the body) ·
 * defer-mail (451 after the body) · drop-before-data · drop-after-body · hang (never answers the body) · hang-before-data
 */
export type SmtpBehaviour =
  | 'accept' | 'slow' | 'refuse' | 'defer' | 'refuse-mail' | 'defer-mail' | 'drop-before-data' | 'drop-after-body' | 'hang' | 'hang-before-data';

export interface ReceivedMail { from: string; to: string[]; raw: Buffer }

export interface SmtpFixture {
  /** smtp://127.0.0.1:PORT, with user and password if `password` was given. */
  url: string;
  /** Every mail whose body arrived whole, also those answered with a refusal, a hang or a drop. */
  mails: ReceivedMail[];
  behave(behaviour: SmtpBehaviour): void;
  stop(): Promise<void>;
}

export interface SmtpFixtureOptions {
  behaviour?: SmtpBehaviour;
  onMail?: (mail: ReceivedMail) => void;
  slowMs?: number;
  /** Demands AUTH as "user" with this password. */
  password?: string;
  /** Offers STARTTLS with a self-made certificate. */
  tls?: boolean;
  /** Largest mail in bytes, advertised as SIZE. */
  size?: number;
}

/** Starts the server; its behaviour can be changed at any time with `behave`. Call `stop` when done. */
export async function startSmtp(options: SmtpFixtureOptions = {}): Promise<SmtpFixture> {
  let behaviour = options.behaviour ?? 'accept';
  const mails: ReceivedMail[] = [];
  const sockets = new Map<number, Socket>();
  const drop = (session: SMTPServerSession): void => void sockets.get(session.remotePort)?.destroy();

  const server = new SMTPServer({
    logger: false,
    disableReverseLookup: true,
    authOptional: options.password === undefined,
    allowInsecureAuth: true,
    size: options.size,
    disabledCommands: [...(options.tls ? [] : ['STARTTLS']), ...(options.password === undefined ? ['AUTH'] : [])],
    onAuth: ({ username, password }, _session, done) =>
      username === 'user' && password === options.password ? done(null, { user: username }) : done(replyWith(535, 'wrong password')),
    onRcptTo: (_address, session, done) => {
      if (behaviour === 'refuse') done(replyWith(550, 'no such mailbox'));
      else if (behaviour === 'defer') done(replyWith(451, 'try again later'));
      else if (behaviour === 'drop-before-data') drop(session);
      else if (behaviour !== 'hang-before-data') done();
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const mail = { from: mailFrom ? mailFrom.address : '', to: rcptTo.map((to) => to.address), raw: Buffer.concat(chunks) };
        mails.push(mail);
        options.onMail?.(mail);
        if (behaviour === 'refuse-mail') done(replyWith(554, 'content refused'));
        else if (behaviour === 'defer-mail') done(replyWith(451, 'try again later'));
        else if (behaviour === 'drop-after-body') drop(session);
        else if (behaviour === 'slow') setTimeout(done, options.slowMs ?? 200);
        else if (behaviour !== 'hang') done();
      });
    },
  });
  server.on('error', () => undefined);
  server.server.on('connection', (socket: Socket) => {
    const port = socket.remotePort ?? 0;
    sockets.set(port, socket);
    socket.once('close', () => sockets.delete(port));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.server.address() as AddressInfo;
  const login = options.password === undefined ? '' : `user:${encodeURIComponent(options.password)}@`;
  return {
    url: `smtp://${login}127.0.0.1:${port}`,
    mails,
    behave: (next) => { behaviour = next; },
    stop: () => {
      for (const socket of sockets.values()) socket.destroy();
      return new Promise((resolve) => { server.close(() => resolve()); });
    },
  };
}

function replyWith(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}
