import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonFault } from './json-fault.ts';

it('finds nothing in JSON', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t'), (text, indent) => {
      expect(jsonFault(JSON.stringify(JSON.parse(text), null, indent))).toBe(-1);
    }),
  );
});

it('finds a place in all that JSON.parse refuses, and only there', () => {
  const edit = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', '{', ']', ',', ':', '1', 'x', ' ', '\\'), fc.boolean());
  fc.assert(
    fc.property(edit, ([text, n, put, replace]) => {
      const at = n % (text.length + 1);
      const edited = text.slice(0, at) + put + text.slice(at + (replace ? 1 : 0));
      let refused = false;
      try {
        JSON.parse(edited);
      } catch {
        refused = true;
      }
      expect(jsonFault(edited) >= 0, edited).toBe(refused);
    }),
    { numRuns: 3000 },
  );
});

it.each([
  ['{\n  "name": oops\n}', 12],
  ['{"a": 1,}', 8],
  ['[1 2]', 3],
  ['{"a" 1}', 5],
  ['[', 1],
  ['', 0],
  ['  ', 2],
  ['{} {}', 3],
  ['01', 1],
  ['"\n"', 0],
  ['{a: 1}', 1],
  ['[1}', 2],
])('%j at %i', (text, at) => {
  expect(jsonFault(text)).toBe(at);
});
