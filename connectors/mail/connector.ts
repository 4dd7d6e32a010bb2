// Mail as a way out: by SMTP when a server is configured, else into the outbox folder, clearly not sent.
import { relative } from 'node:path';
import { firstIssue, KeelsonError } from '#machines/errors.ts';
import { outgoingMailSchema, type OutgoingMail } from '#machines/mail.ts';
import type { Connector } from '../connector.ts';
import { composeMail, messageIdFor } from './compose.ts';
import { writeEml } from './outbox.ts';
import { sendMail } from './smtp.ts';

export interface MailOptions {
  smtpUrl: string | null;
  outboxDir: string;
  /** Domain of our Message-IDs. */
  domain: string;
  /** When the mail was approved or composed; a parameter, like all time. */
  now(): number;
}

const sendTimeoutMs = 60_000;

export function createMailConnector({ smtpUrl, outboxDir, domain, now }: MailOptions): Connector<OutgoingMail> {
  const compose = (payload: OutgoingMail, operationId: string) => composeMail(payload, { messageId: messageIdFor(operationId, domain), date: new Date(now()) });
  return {
    action: 'mail.send',
    parse(payload) {
      const parsed = outgoingMailSchema.safeParse(payload);
      if (!parsed.success) throw new KeelsonError('REFUSED', `not a mail that can be sent: ${firstIssue(parsed.error)}`);
      return parsed.data;
    },
    async dryRun(payload, { operationId, trusted }) {
      await compose(payload, operationId);
      const known = trusted.map((a) => a.toLowerCase()).includes(payload.to.address.toLowerCase());
      return {
        risk: known ? 'medium' : 'high',
        reasons: [
          ...(known ? [] : [`the recipient ${payload.to.address} is not the sender of the mail that is answered`]),
          ...(smtpUrl ? [] : ['no SMTP server is configured: it will be written to outbox/ and not sent']),
        ],
      };
    },
    async perform(payload, { operationId, signal }) {
      const bytes = await compose(payload, operationId);
      const providerRef = messageIdFor(operationId, domain);
      if (smtpUrl === null) {
        const file = await writeEml(outboxDir, operationId, bytes);
        return { sent: false, providerRef, note: `not sent: written to outbox/${relative(outboxDir, file)} because no SMTP server is configured` };
      }
      const { response } = await sendMail({ smtpUrl, envelope: { from: payload.from.address, to: payload.to.address }, bytes, timeoutMs: sendTimeoutMs, signal });
      return { sent: true, providerRef, note: response };
    },
  };
}
