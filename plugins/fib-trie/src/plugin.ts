/** fib-trie — FIB backend: an LC-trie over one typed array. */
import { definePlugin, type FibBackendFactory, FibBackends, type Plugin } from '@packetwalk/framework';
import { FibTrie } from './fib-trie.ts';

export const fibTrie: FibBackendFactory = {
  name: 'fib-trie',
  create: ({ storage }) => new FibTrie(storage),
};

const plugin: Plugin = definePlugin({
  name: 'fib-trie',
  provides: [FibBackends],
  setup(ctx) {
    ctx.fibBackend(fibTrie);
  },
});
export default plugin;
