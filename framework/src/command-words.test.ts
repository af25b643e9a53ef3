/** The refusals below are iproute2 6.1's own, as it prints them. */
import { describe, expect, test } from 'vitest';
import {
  duparg,
  duparg2,
  getInteger,
  getNetmask,
  getTimeRtt,
  getUnsigned,
  invarg,
  matches,
  onOff,
  toAddress,
  toLladdr,
  toPrefix,
  Words,
} from './command-words.ts';
import { CommandError } from './errors.ts';
import { formatIpv4 } from './wire/ipv4.ts';

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof CommandError) return `${error.status}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('Words', () => {
  test('takes words in order and refuses an early end', () => {
    const words = new Words(['dev', 'eth0', 'mtu', '1400']);
    expect(words.take('via')).toBe(false);
    expect(words.take('dev')).toBe(true);
    expect(words.next()).toBe('eth0');
    expect(words.peek()).toBe('mtu');
    expect(words.peek(1)).toBe('1400');
    expect(words.rest()).toEqual(['mtu', '1400']);
    expect(words.done).toBe(true);
    expect(words.peek()).toBeUndefined();
    expect(refusal(() => words.next())).toBe('255: Command line is not complete. Try option "help"');
    expect(refusal(() => words.need('dev'))).toBe('255: Error: argument "dev" is required');
  });

  test('reads numbers, addresses and prefixes, and names the word it refuses', () => {
    expect(new Words(['0x10']).u32('')).toBe(16);
    expect(new Words(['-3']).s32('')).toBe(-3);
    expect(formatIpv4(new Words(['10.1.2.3']).address().address)).toBe('10.1.2.3');
    expect(new Words(['10/8']).prefix().length).toBe(8);
    expect(refusal(() => new Words(['x']).u32('"mtu" value is invalid\n'))).toBe(
      '255: Error: argument "x" is wrong: "mtu" value is invalid\n',
    );
    expect(refusal(() => new Words(['x']).address('unspec'))).toBe('1: Error: any valid address is expected rather than "x".');
    expect(refusal(() => new Words(['x']).prefix())).toBe('1: Error: inet prefix is expected rather than "x".');
    expect(refusal(() => new Words(['1:2:zz']).lladdr())).toBe('1: "zz" is invalid lladdr.');
  });
});

test('keywords match by their beginning', () => {
  expect(matches('f', 'flush')).toBe(true);
  expect(matches('flush', 'flush')).toBe(true);
  expect(matches('flushed', 'flush')).toBe(false);
  expect(matches('', 'flush')).toBe(false);
});

test('refusals have the words of iproute2', () => {
  expect(refusal(() => invarg('nud state is bad', 'foo'))).toBe('255: Error: argument "foo" is wrong: nud state is bad');
  expect(refusal(() => duparg('src', '1.1.1.1'))).toBe('255: Error: duplicate "src": "1.1.1.1" is the second value.');
  expect(refusal(() => duparg2('to', 'foo'))).toBe('255: Error: either "to" is duplicate, or "foo" is a garbage.');
  expect(refusal(() => onOff('arp', 'maybe'))).toBe('1: Error: argument of "arp" must be "on" or "off", not "maybe"');
  expect(onOff('arp', 'on')).toBe(true);
});

test.each([
  ['10', 10],
  ['0x1F', 31],
  ['010', 8],
  ['+5', 5],
  [' 7', 7],
  ['4294967295', 4294967295],
  ['4294967296', null],
  ['-1', null],
  ['08', null],
  ['1x', null],
  ['', null],
  ['0x', null],
])('the unsigned number %j is %j', (text, value) => {
  expect(getUnsigned(text)).toBe(value);
});

test('sizes and bases bound numbers', () => {
  expect(getUnsigned('256', 255)).toBeNull();
  expect(getUnsigned('ff', 255, 16)).toBe(255);
  expect(getInteger('-2147483648')).toBe(-2147483648);
  expect(getInteger('2147483648')).toBeNull();
});

test.each([
  ['1.5s', { value: 1500, raw: false }],
  ['.2', { value: 1, raw: true }],
  ['10msecs', { value: 10, raw: false }],
  ['0x10', { value: 16, raw: true }],
  ['2SEC', { value: 2000, raw: false }],
  ['1.5x', null],
  ['.', null],
  ['x', null],
])('the time %j is %j', (text, value) => {
  expect(getTimeRtt(text)).toEqual(value);
});

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['10', '10.0.0.0'],
  ['10.1', '10.1.0.0'],
  ['010.0xa.1.9', '8.10.1.9'],
  ['255.255.255.255', '255.255.255.255'],
])('the address %s is %s', (text, address) => {
  expect(formatIpv4(toAddress(text).address)).toBe(address);
});

test.each(['10.0.0.256', '10..1', '1.2.3.4.', '1.2.3.4.5', '', 'a', '10.0.0.3/24', '::g'])('%j is no address', (text) => {
  expect(refusal(() => toAddress(text, 'unspec'))).toBe(`1: Error: any valid address is expected rather than "${text}".`);
});

test('an IPv6 address is understood and refused', () => {
  const unsupported = '2: RTNETLINK answers: Address family not supported by protocol';
  for (const text of ['::', '::1', 'fe80::1:2', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4'])
    expect(refusal(() => toAddress(text, 'unspec'))).toBe(unsupported);
  expect(refusal(() => toAddress('::1'))).toBe('1: Error: inet address is expected rather than "::1".');
});

test('prefixes have a length, a mask, or neither', () => {
  expect(toPrefix('10/8')).toEqual({ address: 0x0a000000, length: 8, specified: true, any: false });
  expect(toPrefix('10.0.0.1')).toEqual({ address: 0x0a000001, length: 32, specified: false, any: false });
  expect(toPrefix('10.0.0.1/255.255.0.0').length).toBe(16);
  expect(toPrefix('default')).toEqual({ address: 0, length: 0, specified: true, any: true });
  expect(toPrefix('any')).toEqual({ address: 0, length: 0, specified: false, any: true });
  expect(getNetmask('0x18')).toBe(24);
  expect(getNetmask('any')).toBe(0);
  for (const text of ['10.0.0.0/33', '10.0.0.0/255.255.0.255', '10.0.0.0/', 'any/8', 'foo']) {
    expect(refusal(() => toPrefix(text, 'unspec'))).toBe(`1: Error: any valid prefix is expected rather than "${text}".`);
  }
});

test('link-layer addresses are as long as they were typed', () => {
  expect([...toLladdr('1:0x2:3')]).toEqual([1, 2, 3]);
  expect([...toLladdr('02:00:00:00:0b:66')]).toEqual([2, 0, 0, 0, 0x0b, 0x66]);
  expect([...toLladdr('192.0.2.1')]).toEqual([192, 0, 2, 1]);
  expect(refusal(() => toLladdr('1:2:3:4:5:100'))).toBe('1: "100" is invalid lladdr.');
  expect(refusal(() => toLladdr('1::3'))).toBe('1: "" is invalid lladdr.');
  expect(refusal(() => toLladdr('1.2.zz'))).toBe('1: "1.2.zz" is invalid lladdr.');
});
