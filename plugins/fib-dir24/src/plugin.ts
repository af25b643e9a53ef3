/** fib-dir24 — FIB backend: DIR-24-8, one or two loads a lookup. */
import { definePlugin, type FibBackendFactory, FibBackends, type Plugin } from '@packetwalk/framework';
import { FibDir24 } from './fib-dir24.ts';

export const fibDir24: FibBackendFactory = {
  name: 'fib-dir24',
  create: ({ storage }) => new FibDir24(storage),
};

const plugin: Plugin = definePlugin({
  name: 'fib-dir24',
  provides: [FibBackends],
  setup(ctx) {
    ctx.fibBackend(fibDir24);
  },
});
export default plugin;
