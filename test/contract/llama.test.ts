// Goal: a real server that others run, llama.cpp's, passes what the scripted one passes. Method: KEELSON_TEST_LLAMA=1; it is fetched from
// Debian unstable once (19 MB), and its model has random weights, so it knows nothing and keeps to schemas all the same.
import test from 'node:test';
import { startLlama } from './llama-server.ts';
import { modelContract } from './model.ts';

if (process.env['KEELSON_TEST_LLAMA'] === '1') modelContract('llama.cpp', startLlama);
else test('llama.cpp passes the contract of a model server', { skip: 'fetches 19 MB: set KEELSON_TEST_LLAMA=1' }, () => {});
