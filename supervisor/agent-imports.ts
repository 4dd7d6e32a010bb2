// Files in a company's `agents/` and `connectors/` may import `keelson`, `keelson/connector`, `keelson/testing`, `xstate` and `zod`,
// wherever the folder is: they get the ones of this build, because two copies of XState would not know each other's actors. Load it
// before them.
import { registerHooks } from 'node:module';

const ours = /^(?:keelson|keelson\/(?:connector|testing)|xstate|zod)$/;

registerHooks({
  resolve(specifier, context, next) {
    return ours.test(specifier) ? next(specifier, { ...context, parentURL: import.meta.url }) : next(specifier, context);
  },
});
