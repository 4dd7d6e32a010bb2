// Run it:  keelson test
import test from 'node:test';
import { testCompany } from 'keelson/testing';
import followUp from './follow-up.ts';

const input = { customer: 'Anna', offer: 'o-7', days: 14 };

for (const chaos of [0, 0.3]) {
  test(`an offer that nobody answered becomes a task (chaos ${chaos})`, async () => {
    const company = testCompany({ machines: [followUp], chaos });
    await company.given('follow-up/o-7', followUp, input);
    await company.after({ days: 13 });
    company.expect('follow-up/o-7').is('waiting').asksNothing();
    await company.after({ days: 1 });
    company.expect('follow-up/o-7').is('asking').asks(/Anna has not answered/);
    await company.approve();
    company.expect('follow-up/o-7').ended({ outcome: 'followed up' });
  });
}

test('an answer in time ends it', async () => {
  const company = testCompany({ machines: [followUp] });
  await company.given('follow-up/o-7', followUp, input);
  await company.when('follow-up/o-7', { type: 'ANSWERED' });
  await company.after({ days: 100 });
  company.expect('follow-up/o-7').ended({ outcome: 'answered' }).asksNothing();
});
