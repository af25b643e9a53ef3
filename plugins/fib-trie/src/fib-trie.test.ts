import { LocalFibStorage } from '@packetwalk/framework';
import { coversOf, describeFibBackend, syntheticRoutes } from '@packetwalk/framework/testing';
import { describe, expect, it } from 'vitest';
import { FibTrie } from './fib-trie.ts';
import { fibTrie } from './plugin.ts';

describeFibBackend(fibTrie, { full: process.env.FIB_FULL === '1' });

describe('the shape of fib-trie', () => {
  it('stays within two kilobytes and four steps for a policy table', () => {
    const trie = new FibTrie(new LocalFibStorage());
    const hosts = [0x7f000001, 0x0a000001, 0x0a0000ff, 0xc0a80001 | 0, 0xc0a800ff | 0, 0xac100101 | 0];
    for (const host of hosts) trie.insert(host, 32, 1);
    trie.insert(0x7f000000, 8, 2);
    expect(trie.memory()).toBeLessThanOrEqual(2048);
    for (const host of hosts) expect(trie.depth(host)).toBeLessThanOrEqual(4);
    expect(trie.depth(0x08080808)).toBe(1);
  });

  it('widens the root with the table, and goes back to an empty one', () => {
    const trie = new FibTrie(new LocalFibStorage());
    const routes = syntheticRoutes(60_000);
    const covers = coversOf(routes);
    const { count, prefixes, lengths, values } = routes;
    for (let i = 0; i < count; i++) trie.insert(prefixes[i], lengths[i], values[i]);
    let steps = 0;
    for (const prefix of prefixes) steps += trie.depth(prefix);
    expect(steps / count).toBeLessThan(4);
    expect(trie.memory() / count).toBeLessThan(60);
    for (let i = count - 1; i >= 0; i--) {
      const cover = covers[i];
      trie.remove(prefixes[i], lengths[i], cover < 0 ? -1 : lengths[cover], cover < 0 ? -1 : values[cover]);
    }
    for (const prefix of prefixes) expect(trie.depth(prefix)).toBe(1);
    expect(trie.memory()).toBeLessThan(64 * 1024);
  });
});
