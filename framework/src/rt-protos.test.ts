import { expect, test } from 'vitest';
import { rtprotA2n, rtprotN2a } from './rt-protos.ts';

test('every number has a text that reads back', () => {
  for (let n = 0; n <= 255; n++) expect(rtprotA2n(rtprotN2a(n))).toBe(n);
  expect(rtprotN2a(4)).toBe('static');
  expect(rtprotN2a(200)).toBe('200');
});

test('other words are refused', () => {
  for (const word of ['', 'foo', '256', '-1', 'Static']) expect(rtprotA2n(word)).toBeNull();
});
