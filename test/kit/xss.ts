// What a stranger writes to make a browser run something: each names the place where it was planted.
/** By place: each string calls alert() with that name wherever it is taken for HTML, an attribute, a URL, a template or a script. */
export const xss = {
  subject: '<img src=x onerror=alert("subject")>',
  body: '</pre></textarea></title><script>alert("body")</script><iframe srcdoc="<script>parent.alert(1)</script>">',
  sender: '<svg onload=alert("sender")>',
  link: 'javascript:alert("link")//https://evil.test/login',
  remote: '<img src="http://evil.test/beacon.png"><link rel=stylesheet href=//evil.test/x.css>',
  fileName: '\'><svg onload=alert(name)>.txt',
  draft: '"><details open ontoggle=alert("draft")>{{constructor.constructor("alert(1)")()}}${alert(2)}',
  summary: '<a href="javascript:alert(\'summary\')" onmouseover=alert(1)>approve me</a>',
  error: '<math><mi xlink:href="data:x,<script>alert(\'error\')</script>">',
  fact: '<object data="data:text/html,<script>alert(\'fact\')</script>"></object>',
  address: '<img src=x onerror=alert("address")>',
  /** Also a part of a subject as it is: no blanks, no dots. */
  bus: '<svg/onload=alert("bus")>',
  hidden: 'invoice\u202Efdp.exe\u200B\u2066',
} as const;

const boundary = 'x-boundary';
const quoted = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
const encoded = (text: string) => `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;

/** A question that the templates answer, with all of it in every part of it. */
export const hostileMail = Buffer.from([
  `From: "${quoted(xss.sender)}" <hostile@customer.example>`, 'To: hello@studio-voss.example', `Subject: How much is a website? ${xss.subject}`, 'Message-ID: <hostile@customer.example>',
  'Date: Mon, 05 Oct 2026 07:00:00 +0000', 'MIME-Version: 1.0', `Content-Type: multipart/mixed; boundary=${boundary}`, '',
  `--${boundary}`, 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', '',
  Buffer.from(`Hello,\n\nhow much does a website for a bookshop cost? Please send a quote.\n\n${xss.body}\n${xss.link}\n${xss.remote}\n\nKind regards`).toString('base64'),
  `--${boundary}`, 'Content-Type: text/plain; charset=utf-8', `Content-Disposition: attachment; filename="${quoted(xss.fileName)}"`, '', xss.body, `--${boundary}--`, '',
].join('\r\n'));

/** One with a name that hides its end. */
export const hiddenMail = Buffer.from([`From: Ann <ann@customer.example>`, 'To: hello@studio-voss.example', `Subject: ${encoded(`How much is a website? ${xss.hidden}`)}`, 'Message-ID: <hidden@customer.example>', 'Date: Mon, 05 Oct 2026 07:00:00 +0000', 'Content-Type: text/plain; charset=utf-8', '', 'Hello, how much does a website for a bakery cost? Please send a quote.', ''].join('\r\n'));
