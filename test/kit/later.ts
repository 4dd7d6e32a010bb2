// Loaded into a server by `--import`: the computer that it runs on has been on for so much longer. Clock and uptime move together, so this
// is time that passed and not a clock that was set; both go on from there. The test does not wait for days.
//   env: KEELSON_TEST_LATER_MS
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

const laterMs = Number(process.env['KEELSON_TEST_LATER_MS'] ?? 0);
const { uptime } = os;
const RealDate = Date;

os.uptime = () => uptime() + laterMs / 1_000;
syncBuiltinESMExports();
globalThis.Date = class extends RealDate {
  constructor(...given: []) {
    if (given.length === 0) super(RealDate.now() + laterMs);
    else super(...given);
  }
  static override now(): number {
    return RealDate.now() + laterMs;
  }
} as DateConstructor;
