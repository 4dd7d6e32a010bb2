// What every run of the mail pipeline is told about the company.
import type { Config } from './config.ts';

const hourMs = 3_600_000;

/** `useModel`: tiers of models are set up. */
export const mailSettings = ({ company }: Pick<Config, 'company'>, { useModel }: { useModel: boolean }) => ({
  from: { address: company.email, name: `${company.operator} · ${company.name}` },
  thresholds: company.thresholds,
  remindAfterMs: company.approvals.reminderAfterHours * hourMs,
  expireAfterMs: company.approvals.expiresAfterHours * hourMs,
  useModel,
});
