/**
 * A reader beside the writer, made deterministic: the cells are watched, and after every single store of every change a
 * reader looks addresses up. Each answer must be the one before the change or the one after it.
 */
import { type FibStorage, SeededRandom } from '@packetwalk/framework';
import { fibMask, LinearFib } from '@packetwalk/framework/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { FibTrie } from './fib-trie.ts';
import { TrieReader } from './trie-reader.ts';

/** Storage whose arrays report each store; freed cells wait until the change is over. */
class WatchedStorage implements FibStorage {
  generation = 0;
  /** What a reader sees: the array of the last generation. */
  shared = new Int32Array(1);
  onStore: () => void = () => {};
  private newest = this.shared;
  private waiting: (() => void)[] = [];

  int32(_name: string, length: number): Int32Array {
    const target = new Int32Array(length);
    this.newest = target;
    if (this.generation === 0) this.shared = target;
    return new Proxy(target, {
      get: (cells, key) => {
        const value: unknown = Reflect.get(cells, key, cells);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          const result: unknown = value.apply(cells, args);
          this.onStore();
          return result;
        };
      },
      set: (cells, key, value) => {
        const done = Reflect.set(cells, key, value, cells);
        this.onStore();
        return done;
      },
    });
  }

  publish(): void {
    this.generation++;
    this.shared = this.newest;
  }

  quiesce(free: () => void): void {
    this.waiting.push(free);
  }

  burstEnds(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const free of waiting) free();
  }

  uint32(): Uint32Array {
    throw new Error('not used');
  }
  uint16(): Uint16Array {
    throw new Error('not used');
  }
  uint8(): Uint8Array {
    throw new Error('not used');
  }
}

afterEach(() => void vi.restoreAllMocks());

it('answers as before or as after a change, at each of its stores', { timeout: 60_000 }, () => {
  // The real one takes no Proxy.
  const store = (cells: Int32Array, index: number, value: number): number => {
    cells[index] = value;
    return value;
  };
  vi.spyOn(Atomics, 'store').mockImplementation(store as unknown as typeof Atomics.store);
  const random = new SeededRandom(7);
  const storage = new WatchedStorage();
  const trie = new FibTrie(storage);
  const model = new LinearFib();
  const somewhere = (): number => 0x0a000000 | (random.int32() & (random.below(2) === 0 ? 0x003fff03 : 0x000000ff));
  let stores = 0;

  for (let step = 0; step < 5000; step++) {
    const length = 10 + random.below(23);
    const prefix = somewhere() & fibMask(length);
    const removing = random.below(10) < (step < 3000 ? 2 : 7);
    if (removing && !model.has(prefix, length)) continue;
    const addresses = [prefix, prefix | ~fibMask(length), (prefix - 1) | 0, prefix ^ 1, ...Array.from({ length: 8 }, somewhere)];
    const before = addresses.map((address) => model.lookup(address));
    if (removing) model.remove(prefix, length);
    else model.insert(prefix, length, step);
    const after = addresses.map((address) => model.lookup(address));

    storage.onStore = () => {
      stores++;
      const reader = new TrieReader(storage.shared);
      for (const [i, address] of addresses.entries()) {
        const answer = reader.lookup(address);
        if (answer !== before[i] && answer !== after[i]) expect.fail(`step ${step}: ${answer}, not ${before[i]} or ${after[i]}`);
      }
    };
    const cover = model.longest(prefix, length - 1);
    if (removing) trie.remove(prefix, length, cover?.length ?? -1, cover?.value ?? -1);
    else trie.insert(prefix, length, step);
    storage.onStore = () => {};
    storage.burstEnds();
    const reader = new TrieReader(storage.shared);
    expect(addresses.map((address) => reader.lookup(address))).toEqual(after);
  }
  // The trie grew, moved and shrank on the way.
  expect(stores).toBeGreaterThan(20_000);
  expect(storage.generation).toBeGreaterThan(8);
});
