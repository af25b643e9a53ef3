/** fib-trie — FIB backend: an LC-trie over one typed array. */
import { definePlugin, type FibBackendFactory, type Plugin } from '@packetwalk/framework';
import { FibTrie } from './fib-trie.ts';

export const fibTrie: FibBackendFactory = {
  name: 'fib-trie',
  create: ({ storage }) => new FibTrie(storage),
};

const plugin: Plugin = definePlugin({
  name: 'fib-trie',
  setup(ctx) {
    ctx.fibBackend(fibTrie);
  },
});
export default plugin;
