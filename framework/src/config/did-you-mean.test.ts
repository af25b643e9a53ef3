import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignmentDistance, didYouMean, suggestion } from './did-you-mean.ts';

fc.configureGlobal({ seed: 1 });

/** The definition, word for word: the shortest of all edits of the last letters. */
function model(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const [restA, restB] = [a.slice(0, -1), b.slice(0, -1)];
  if (a.at(-1) === b.at(-1)) return model(restA, restB);
  const edits = [model(restA, b), model(a, restB), model(restA, restB)];
  if (a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1)) edits.push(model(a.slice(0, -2), b.slice(0, -2)));
  return 1 + Math.min(...edits);
}

describe('alignmentDistance', () => {
  it('is what the definition says', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
    fc.assert(fc.property(word, word, (a, b) => alignmentDistance(a, b) === model(a, b)));
  });
});

describe('didYouMean', () => {
  it.each([
    ['adresses', 'addresses'],
    ['addresess', 'addresses'],
    ['drvier', 'driver'],
    ['MTU', 'mtu'],
    ['lna', 'lan'],
    ['fib-tri', 'fib-trie'],
    ['fib_hash', 'fib-hash'],
  ])('takes %s for %s', (word, meant) => {
    expect(didYouMean(word, ['addresses', 'driver', 'mtu', 'lan', 'fib-trie', 'fib-hash', 'up'])).toBe(meant);
  });

  it('is silent about words that are like none', () => {
    expect(didYouMean('hostname', ['plugins', 'devices'])).toBeUndefined();
    expect(didYouMean('a', ['b', 'c'])).toBeUndefined();
    expect(didYouMean('', ['b'])).toBeUndefined();
    expect(didYouMean('mtu', [])).toBeUndefined();
  });

  it('prefers the nearest, and of equals the first', () => {
    expect(didYouMean('eth3', ['eth12', 'eth1', 'eth2'])).toBe('eth1');
    expect(didYouMean('nic-tap', ['nic-pcap', 'nic-tap'])).toBe('nic-tap');
  });

  it('finds every word of five letters and more behind one mistake', () => {
    const letters = 'abcdefghij'.split('');
    const word = fc.string({ unit: fc.constantFrom(...letters), minLength: 5, maxLength: 12 });
    fc.assert(
      fc.property(word, fc.nat(), fc.constantFrom(...letters), (choice, n, letter) => {
        const i = n % choice.length;
        for (const wrong of [choice.slice(0, i) + choice.slice(i + 1), choice.slice(0, i) + letter + choice.slice(i)]) {
          expect(didYouMean(wrong, ['zzzzz', choice])).toBe(choice);
        }
      }),
    );
  });

  it('looks at a word of any length at once', () => {
    expect(didYouMean('x'.repeat(10_000_000), ['mtu', 'addresses'])).toBeUndefined();
  });
});

describe('suggestion', () => {
  it('ends a message, or adds nothing', () => {
    expect(suggestion('mut', ['mtu'])).toBe(', did you mean "mtu"?');
    expect(suggestion('speed', ['mtu'])).toBe('');
  });
});
