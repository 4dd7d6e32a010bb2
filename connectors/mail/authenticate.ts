// Who really sent it, as far as DNS can tell: DKIM, SPF and DMARC of a mail that came by IMAP. Evidence, never a gate: whatever goes wrong
// here is a result in words. Only what the signature covers and what the reader is shown counts, and what the mail says about itself
// (Authentication-Results, Received lines of strangers) does not.
import type { DNSResolver } from 'mailauth';
import type { Mailbox } from '#machines/mail.ts';

export interface Authentication {
  /** An aligned pass of DMARC for exactly the address that the mail shows as its sender. */
  passed: boolean;
  dkim: string;
  spf: string;
  dmarc: string;
  /** Of the sender's address; empty when there is none. */
  domain: string;
  /** Why it did not pass, in words; empty when it did. */
  why: string;
}

export interface AuthenticateOptions {
  /** Like `dns.promises.resolve`: rejects with a code ENOTFOUND or ENODATA when there is no such record. */
  resolve: DNSResolver;
  nowMs: number;
  /** The host that writes the first Received line of each mail, as it names itself there. Without it SPF is not looked at: its input would be the sender's word. */
  receivedBy?: string | null;
  timeoutMs?: number;
}

/** A mail with more asks for lookups on somebody else's behalf. */
const signaturesMax = 10;
const lookupsMax = 60;
/** Shown or acted upon: a signature that leaves one of them out says nothing about it. */
const mustBeSigned = ['from', 'subject', 'reply-to'];
const onceOnly = [...mustBeSigned, 'to', 'date', 'message-id', 'content-type', 'mime-version'];

/** Never throws. `from` is the sender as the mail was read. */
export async function authenticateMail(raw: Uint8Array, from: Mailbox | null, { resolve, nowMs, receivedBy = null, timeoutMs = 10_000 }: AuthenticateOptions): Promise<Authentication> {
  const address = from?.address.toLowerCase() ?? '';
  const domain = address.slice(address.lastIndexOf('@') + 1);
  const failed = (why: string, found: Partial<Authentication> = {}): Authentication => ({ passed: false, dkim: 'none', spf: 'none', dmarc: 'none', domain, why, ...found });
  if (address === '') return failed('it names no sender');
  const fields = readFields(raw);
  if (fields.filter(({ name }) => name === 'dkim-signature').length > signaturesMax) return failed(`it has more than ${signaturesMax} signatures`);
  const twice = onceOnly.find((name) => fields.filter((field) => field.name === name).length > 1);
  if (twice !== undefined) return failed(`it has more than one "${twice}" field`);
  const until = AbortSignal.timeout(timeoutMs);
  try {
    const checking = check(raw, { fields, address, resolve: bounded(resolve, until), nowMs, receivedBy });
    checking.catch(() => undefined);
    const { why, ...found } = await Promise.race([checking, ended(until)]);
    return why === '' ? { passed: true, ...found, domain, why } : failed(why, found);
  } catch (error) {
    return failed(until.aborted ? `it could not be checked within ${timeoutMs} ms` : `it could not be checked: ${(error as Error).message}`.slice(0, 200), { dmarc: 'temperror' });
  }
}

interface Check { fields: Field[]; address: string; resolve: DNSResolver; nowMs: number; receivedBy: string | null }

async function check(raw: Uint8Array, { fields, address, resolve, nowMs, receivedBy }: Check): Promise<Pick<Authentication, 'dkim' | 'spf' | 'dmarc' | 'why'>> {
  const { dkimVerify, spf, dmarc } = await import('mailauth');
  const { results, headerFrom, fromFields } = await dkimVerify(Buffer.from(raw), { resolver: resolve, curTime: new Date(nowMs), strict: true });
  const needed = mustBeSigned.filter((name) => fields.some((field) => field.name === name));
  const valid = results.filter(({ status, canonBodyLengthLimited, signingHeaders }) => {
    const signed = (signingHeaders?.keys ?? '').toLowerCase().split(':').map((name) => name.trim());
    // With l= anybody may add to the text; with t=y the domain says that its signatures mean nothing yet.
    return status.result === 'pass' && !canonBodyLengthLimited && !status.testing && needed.every((name) => signed.includes(name));
  });
  const received = receivedBy === null ? null : clientOf(fields, receivedBy);
  const sent = received === null ? null : await spf({ ...received, resolver: resolve, maxElapsedTime: 5_000 });
  const verdict = await dmarc({
    headerFrom, fromFields, resolver: resolve, strict: true,
    dkimDomains: valid.map(({ id, signingDomain = '' }) => ({ id, domain: signingDomain })),
    spfDomains: sent && sent.status.result === 'pass' ? [sent.domain] : [],
  });
  const dkim = valid.length > 0 ? 'pass' : (results.map(({ status }) => status.result).find((result) => result !== 'pass') ?? (results.length > 0 ? 'policy' : 'none'));
  const found = { dkim, spf: sent ? sent.status.result : 'none', dmarc: verdict ? verdict.status.result : 'none' };
  const comment = results.map(({ status }) => status.comment).find((text) => text !== undefined && text !== '');
  if (headerFrom.length !== 1 || headerFrom[0]?.toLowerCase() !== address) return { ...found, why: 'it can be read as coming from different senders' };
  if (found.dmarc !== 'pass') return { ...found, why: whyNot(found, comment) };
  return { ...found, why: '' };
}

function whyNot({ dkim, dmarc }: { dkim: string; dmarc: string }, comment: string | undefined): string {
  if (dmarc === 'none') return 'the domain of the sender publishes no DMARC policy';
  if (dmarc === 'temperror' || dkim === 'temperror') return 'it could not be checked: DNS did not answer';
  if (dkim === 'pass') return 'it is signed by another domain than its sender’s';
  if (dkim === 'policy') return 'its signature does not cover what is shown';
  return dkim === 'none' ? 'it is not signed' : `its signature does not hold (${comment ?? dkim})`.slice(0, 200);
}

interface Field { name: string; value: string }

/** The fields of the header, unfolded; bounded, as a signature covers nothing beyond. */
function readFields(raw: Uint8Array): Field[] {
  const head = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.byteLength, 1024 * 1024)).toString('latin1').split(/\r?\n\r?\n/, 1)[0] ?? '';
  return head.split(/\r?\n(?![ \t])/).flatMap((line) => {
    const colon = line.indexOf(':');
    return colon < 1 ? [] : [{ name: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1).replace(/\r?\n/g, ' ').trim() }];
  });
}

/** Who handed the mail over, as the first Received line says, when our own server wrote that. */
function clientOf(fields: Field[], receivedBy: string): { ip: string; helo: string; sender: string } | null {
  const line = fields.find(({ name }) => name === 'received')?.value ?? '';
  const [, clause = '', by = ''] = /^from\s(.{1,1000}?)\sby\s+([^\s;()]{1,255})/i.exec(line) ?? [];
  if (by.toLowerCase() !== receivedBy.toLowerCase()) return null;
  // The last literal is what the server saw; those before are what the client called itself.
  const ip = [...clause.matchAll(/\[(?:IPv6:)?([\da-f.:]{2,45})\]/gi)].at(-1)?.[1];
  const sender = /<?([^<>\s]*)>?$/.exec(fields.find(({ name }) => name === 'return-path')?.value ?? '')?.[1] ?? '';
  return ip === undefined ? null : { ip, helo: clause.split(/\s/, 1)[0] ?? '', sender };
}

function bounded(resolve: DNSResolver, until: AbortSignal): DNSResolver {
  let lookups = 0;
  return async (name, type) => {
    lookups += 1;
    if (until.aborted || lookups > lookupsMax) throw Object.assign(new Error('too many lookups'), { code: 'ETIMEOUT' });
    return resolve(name, type);
  };
}

function ended(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  promise.catch(() => undefined);
  return promise;
}
