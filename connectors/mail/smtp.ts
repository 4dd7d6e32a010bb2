// One mail over one SMTP connection, and an honest answer about what happened. nodemailer reads the message stream only after the
// server said 354 to DATA, so the first read of that stream is the line between "certainly not sent" and "nobody can tell";
// after it only a reply to the message itself (nodemailer's EMESSAGE with a reply code) is definite. No retries here.
import { Readable } from 'node:stream';
import type { NodemailerError } from 'nodemailer/lib/errors';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import { KeelsonError } from '#machines/errors.ts';
import { readServerUrl, type MailServer } from './server-url.ts';

export interface SendOptions {
  /** smtp://user:password@host:587 (STARTTLS) or smtps://…:465. With a password, TLS is demanded unless the host is this machine. */
  smtpUrl: string;
  /** One plain ASCII address each. */
  envelope: { from: string; to: string };
  /** The exact mail, CRLF line ends. */
  bytes: Uint8Array;
  /** Milliseconds for everything: connecting, handing over, the server's reply. */
  timeoutMs: number;
  signal?: AbortSignal;
}

/**
 * Sends the bytes as they are. Returns the server's reply when it accepted the mail. Throws SEND_REFUSED (a definite no: 5xx,
 * wrong password), SEND_DEFERRED (certainly not sent: no connection, TLS failure, 4xx, anything before the message was handed
 * over), SEND_UNKNOWN (time-out, reset or abort after it began leaving), or BAD_CONFIG for an unusable URL.
 */
export async function sendMail({ smtpUrl, envelope, bytes, timeoutMs, signal }: SendOptions): Promise<{ outcome: 'sent'; response: string }> {
  const server = readServerUrl(smtpUrl, 'smtp');
  const { default: Connection } = await import('nodemailer/lib/smtp-connection');
  const connection = new Connection(connectionSettings(server, timeoutMs));
  const body = { started: false, ended: false };
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const giveUp = (reason: string) => (): void => reject(new Error(reason));
  const timer = setTimeout(giveUp(`no answer within ${timeoutMs} ms`), timeoutMs);
  const abort = giveUp('it was stopped');
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  connection.on('error', reject);
  connection.once('end', giveUp('the connection was closed'));
  try {
    if (!signal?.aborted) exchange(connection, server.auth, envelope, streamOnce(bytes, body), bytes.length, resolve, reject);
    const response = await promise;
    if (!body.ended) throw new Error(`the server answered "${response}" before it had the whole mail`);
    return { outcome: 'sent', response };
  } catch (error) {
    throw classify(error, body.started);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    // Asks for a polite end only after success; a connection in doubt is torn down.
    if (body.ended) connection.quit();
    connection.close();
  }
}

function exchange(
  connection: SMTPConnection, auth: MailServer['auth'], { from, to }: SendOptions['envelope'], message: Readable, size: number,
  resolve: (response: string) => void, reject: (error: unknown) => void,
): void {
  const send = (): void => connection.send({ from, to: [to], size }, message, (error, info) => (error ? reject(error) : resolve(info.response)));
  connection.connect((error) => {
    if (error) reject(error);
    else if (auth === null) send();
    else connection.login(auth, (failure) => (failure ? reject(failure) : send()));
  });
}

function streamOnce(bytes: Uint8Array, body: { started: boolean; ended: boolean }): Readable {
  let at = 0;
  return new Readable({
    read() {
      body.started = true;
      if (at < bytes.length) this.push(bytes.subarray(at, (at += 64 * 1024)));
      else {
        body.ended = true;
        this.push(null);
      }
    },
  });
}

function classify(error: unknown, bodyStarted: boolean): KeelsonError {
  const { code, response, responseCode: reply = 0 } = error as NodemailerError;
  const reason = error instanceof Error ? error.message : String(error);
  const isReplyToMail = bodyStarted && code === 'EMESSAGE';
  if (bodyStarted && !(isReplyToMail && reply >= 400 && reply < 600)) {
    return new KeelsonError('SEND_UNKNOWN', `The mail had begun to leave when it failed: ${reason}.`, { cause: error });
  }
  // A refusal of TLS says nothing about the mail. An EAUTH, EMESSAGE or EENVELOPE without reply is nodemailer's own definite no.
  const isOwnRefusal = response === undefined && (code === 'EAUTH' || code === 'EMESSAGE' || code === 'EENVELOPE');
  if (code !== 'ETLS' && ((reply >= 500 && reply < 600) || isOwnRefusal)) {
    return new KeelsonError('SEND_REFUSED', `The mail was refused: ${reason}.`, { cause: error });
  }
  return new KeelsonError('SEND_DEFERRED', `The mail was not sent: ${reason}.`, { cause: error });
}

function connectionSettings({ host, port, secure, auth, isLocal }: MailServer, timeoutMs: number): ConstructorParameters<typeof SMTPConnection>[0] {
  return {
    host, secure, port: port ?? undefined, logger: false,
    requireTLS: !secure && auth !== null && !isLocal,
    tls: isLocal ? { rejectUnauthorized: false } : {},
    connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs,
  };
}
