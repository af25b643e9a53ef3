/** fib-hash — FIB backend: a hash table per prefix length, longest first. */
import { definePlugin, type FibBackendFactory, FibBackends, type Plugin } from '@packetwalk/framework';
import { FibHash } from './fib-hash.ts';

export const fibHash: FibBackendFactory = {
  name: 'fib-hash',
  create: ({ storage }) => new FibHash(storage),
};

const plugin: Plugin = definePlugin({
  name: 'fib-hash',
  provides: [FibBackends],
  setup(ctx) {
    ctx.fibBackend(fibHash);
  },
});
export default plugin;
