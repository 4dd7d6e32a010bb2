// Goal: a wrong setting is named, all of them at once, and no value of one is ever shown.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { KeelsonError } from '#machines/errors.ts';
import { createCompany } from '#supervisor/company.ts';
import { companyToken, readConfig, readEnvironment, type CompanyConfig } from '#supervisor/config.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-config-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
function failure(work: () => unknown): KeelsonError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof KeelsonError, String(error));
    return error;
  }
  assert.fail('it did not throw');
}
const company = (t: TestContext): string => {
  const dir = join(folder(t), 'company');
  createCompany(dir);
  return dir;
};

test('every wrong setting is named at once and none of their values is shown', () => {
  const secret = 'hunter2-very-secret';
  const error = failure(() => readEnvironment({
    KEELSON_SMTP_URL: `http://user:${secret}@mail.example`, KEELSON_IMAP_URL: `${secret} no url`, KEELSON_OPENAI_BASE_URL: `ftp://${secret}.example`,
    KEELSON_LOG_LEVEL: secret, OPENAI_API_KEY: secret,
  }));
  assert.equal(error.code, 'BAD_CONFIG');
  for (const name of ['KEELSON_SMTP_URL', 'KEELSON_IMAP_URL', 'KEELSON_OPENAI_BASE_URL', 'KEELSON_LOG_LEVEL']) assert.match(error.message, new RegExp(name));
  assert.doesNotMatch(error.message, /OPENAI_API_KEY/);
  assert.ok(!`${error.message} ${error.hint} ${error.stack}`.includes(secret));
});

test('an empty value counts as absent', (t) => {
  const empty = { KEELSON_SMTP_URL: '', KEELSON_IMAP_URL: '', OPENAI_API_KEY: '', KEELSON_OPENAI_BASE_URL: '', KEELSON_OPENAI_MODEL: '', KEELSON_LOG_LEVEL: '' };
  assert.deepEqual(readEnvironment(empty), readEnvironment({}));
  assert.equal(readEnvironment(empty).KEELSON_LOG_LEVEL, 'info');
  const config = readConfig(company(t), readEnvironment(empty));
  assert.deepEqual([config.smtpUrl, config.imapUrl, config.model], [null, null, null]);
});

test('settings that are not ours are let be', () => {
  assert.deepEqual(Object.keys(readEnvironment({ PATH: '/bin', KEELSON_SMTP_URL: 'smtps://u:p@mail.example:465' })).toSorted(), ['KEELSON_LOG_LEVEL', 'KEELSON_SMTP_URL']);
});

test('a model is used when there is a key or an endpoint, and only a named endpoint chooses its own model', (t) => {
  const dir = company(t);
  const model = (env: Record<string, string>) => readConfig(dir, readEnvironment(env)).model;
  assert.equal(model({}), null);
  assert.equal(model({ KEELSON_OPENAI_MODEL: 'some' }), null);
  assert.equal(model({ OPENAI_API_KEY: 'k' })?.baseUrl, null);
  assert.notEqual(model({ OPENAI_API_KEY: 'k' })?.model, null);
  assert.deepEqual(model({ KEELSON_OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' }), { apiKey: 'none', baseUrl: 'http://127.0.0.1:1/v1', model: null });
  assert.deepEqual(model({ KEELSON_OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', KEELSON_OPENAI_MODEL: 'local', OPENAI_API_KEY: 'k' }), { apiKey: 'k', baseUrl: 'http://127.0.0.1:1/v1', model: 'local' });
});

test('a folder without a company says so', (t) => {
  assert.equal(failure(() => readConfig(folder(t), readEnvironment({}))).code, 'NO_COMPANY');
  assert.equal(failure(() => readConfig(join(folder(t), 'nowhere'), readEnvironment({}))).code, 'NO_COMPANY');
});

test('a company.json that is not JSON is named with its file', (t) => {
  const dir = company(t);
  writeFileSync(join(dir, 'company.json'), '{"name": ');
  const error = failure(() => readConfig(dir, readEnvironment({})));
  assert.equal(error.code, 'BAD_CONFIG');
  assert.match(error.message, /company\.json is not JSON/);
});

test('every wrong field of company.json is named at once', (t) => {
  const dir = company(t);
  writeFileSync(join(dir, 'company.json'), JSON.stringify({ name: '', operator: 'M', email: 'nobody', signature: '', domain: 'a b', thresholds: { triage: 2, draft: 0.5 }, approvals: { reminderAfterHours: 0, expiresAfterHours: 'long' } }));
  const error = failure(() => readConfig(dir, readEnvironment({})));
  assert.equal(error.code, 'BAD_CONFIG');
  for (const field of ['name', 'email', 'domain', 'thresholds.triage', 'approvals.reminderAfterHours', 'approvals.expiresAfterHours']) assert.match(error.message, new RegExp(`${field.replace('.', '\\.')}: `));
  assert.doesNotMatch(error.message, /operator|signature|thresholds\.draft/);
});

test('a company of any name has a name that fits into a subject', () => {
  const token = (name: string) => companyToken({ name } as CompanyConfig);
  assert.equal(token('Studio Voss'), 'studio-voss');
  assert.equal(token('Müller & Söhne'), 'mu-ller-so-hne');
  for (const name of ['株式会社', '...', 'a.b*c>d', 'x'.repeat(500), ' - ']) assert.match(token(name), /^[a-z0-9][a-z0-9-]{0,31}$/, name);
});
