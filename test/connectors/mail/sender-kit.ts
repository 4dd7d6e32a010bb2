// Domains with real keys and a DNS of their own, to sign mails as their senders do.
import { generateKeyPairSync } from 'node:crypto';
import { dkimSign, type DNSResolver } from 'mailauth';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'der' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
const key = `v=DKIM1; k=rsa; p=${publicKey.toString('base64')}`;

const zone: Record<string, string[][]> = {
  ...Object.fromEntries(['holt.example', 'evil.example', 'mail.holt.example', 'news.example', 'mail.news.example', 'nodmarc.example'].map((domain) => [`TXT s1._domainkey.${domain}`, [[key]]])),
  'TXT testing._domainkey.holt.example': [[key.replace('k=rsa', 'k=rsa; t=y')]],
  'TXT gone._domainkey.holt.example': [['v=DKIM1; k=rsa; p=']],
  'TXT _dmarc.holt.example': [['v=DMARC1; p=reject']],
  'TXT _dmarc.evil.example': [['v=DMARC1; p=none']],
  'TXT _dmarc.news.example': [['v=DMARC1; p=reject; adkim=s']],
  'TXT holt.example': [['v=spf1 ip4:192.0.2.10 -all']],
  'TXT evil.example': [['v=spf1 ip4:198.51.100.66 -all']],
};

/** What this DNS was asked, and its answers. */
export function startDns(over: DNSResolver | null = null): { resolve: DNSResolver; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async resolve(name, type) {
      asked.push(`${type} ${name}`);
      if (over) return over(name, type);
      const found = zone[`${type} ${name.toLowerCase()}`];
      if (!found) throw Object.assign(new Error(`no ${type} for ${name}`), { code: 'ENOTFOUND' });
      return found;
    },
  };
}

export const nowMs = Date.UTC(2026, 10, 23, 12);

export const mailFrom = (from: string, over: { subject?: string; text?: string; more?: string[] } = {}) => [
  ...(over.more ?? []), `From: ${from}`, 'To: mara@studio-voss.example', `Subject: ${over.subject ?? 'Offer'}`, 'Date: Mon, 23 Nov 2026 11:00:00 +0000', 'Message-ID: <1@holt.example>', 'MIME-Version: 1.0', 'Content-Type: text/plain', '', over.text ?? 'Hello Mara\r\n',
].join('\r\n');

export interface Signing { domain?: string; selector?: string; headers?: string; bodyBytes?: number; expiresMs?: number; signedMs?: number }

/** The mail with a DKIM-Signature on top. */
export async function sign(raw: string, { domain = 'holt.example', selector = 's1', headers, bodyBytes, expiresMs, signedMs = nowMs - 60_000 }: Signing = {}): Promise<string> {
  const { signatures, errors } = await dkimSign(raw, {
    signingDomain: domain, selector, privateKey, signTime: new Date(signedMs),
    signatureData: [{ signingDomain: domain, selector, privateKey, headerList: headers, maxBodyLength: bodyBytes, ...(expiresMs === undefined ? {} : { expires: new Date(expiresMs) }) }],
    ...(headers === undefined ? {} : { headerList: headers }), ...(expiresMs === undefined ? {} : { expires: new Date(expiresMs) }), ...(bodyBytes === undefined ? {} : { maxBodyLength: bodyBytes }),
  });
  if (errors.length > 0) throw new Error(String(errors[0]?.err));
  return signatures + raw;
}
