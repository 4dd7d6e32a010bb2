// Goal: the scripted server that other tests rely on behaves as a real one does. Method: the contract that llama.cpp's server passes too,
// in llama.test.ts.
import { answering, startModelServer } from '#test/kit/model-server.ts';
import { modelContract } from './model.ts';

modelContract('the scripted server', async () => {
  const server = await startModelServer({ respond: answering({ colour: 'green', confidence: 0.5 }) });
  return { url: server.url.replace(/\/v1$/, ''), model: 'small-1', stop: server.stop };
});
