import { startWorld } from '../test/kit/world.ts';
import { orderEvent, orderEvents, orderMachine } from '../test/bench/order-machine.ts';
import { readFileSync } from 'node:fs';
const world = await startWorld({ machines: [orderMachine] });
const pool = async (items, work, n = 64) => { const it = items.values(); await Promise.all(Array.from({ length: n }, async () => { for (const x of it) await work(x); })); };
const cpuOf = (pid) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(f[11]) + Number(f[12])) * 10; };
const threads = () => { const t = {}; const { readdirSync } = fs; for (const id of readdirSync(`/proc/${process.pid}/task`)) { const s = readFileSync(`/proc/${process.pid}/task/${id}/stat`, 'utf8'); const name = s.slice(s.indexOf('(') + 1, s.lastIndexOf(')')); const f = s.slice(s.lastIndexOf(') ') + 2).split(' '); t[id + ' ' + name] = [Number(f[11]) * 10, Number(f[12]) * 10]; } return t; };
import fs from 'node:fs';
const W1 = async (name, actors = 2000) => {
  const a = Array.from({ length: actors }, (_, i) => `order/${name}-${i}`);
  await pool(a, (x) => world.start(x, 'order@1', {}));
  const t0 = performance.now(), n0 = cpuOf(world.nats.server?.pid ?? world.nats.pid), th0 = threads();
  const lat = [];
  for (let i = 0; i < 5; i++) await pool(a, async (x) => { const f = performance.now(); const r = await world.event(x, orderEvent(i)); if (r.outcome !== 'applied') throw new Error(r.note); lat.push(performance.now() - f); });
  const ms = performance.now() - t0; const n1 = cpuOf(world.nats.server?.pid ?? world.nats.pid), th1 = threads();
  lat.sort((x, y) => x - y);
  const all = (Object.values(th1).flat().reduce((a,b)=>a+b,0)-Object.values(th0).flat().reduce((a,b)=>a+b,0))*1000/actors/5; console.log("sum", Math.round(all + (n1-n0)*1000/actors/5), name, Math.round(actors * 5000 / ms) + '/s', 'p50', lat[lat.length >> 1].toFixed(1), 'nats cpu µs/ev', Math.round((n1 - n0) * 1000 / actors / 5), Object.entries(th1).map(([k, v]) => [k, v.map((x, j) => Math.round((x - (th0[k]?.[j] ?? 0)) * 1000 / actors / 5))]).filter(([, v]) => v[0] + v[1] > 3).map(([k, v]) => k + ' u' + v[0] + ' s' + v[1]).join(' | '));
};
const rounds = Number(process.env.ROUNDS ?? 4);
for (let r = 0; r < rounds; r++) await W1('r' + r);
if (!process.env.NOW3) for (let k = 0; k < 3; k++) { const w = []; for (let i = 0; i < 300; i++) { const ad = `order/w-${k}-${i}`; await world.start(ad, 'order@1', {}); const f = performance.now(); await world.event(ad, orderEvent(0)); w.push(performance.now() - f); } w.sort((a, b) => a - b); console.log('W3 p10', w[30].toFixed(2), 'p50', w[150].toFixed(2), 'p99', w[296].toFixed(2)); }
await world.stop();
