import { isIPv4 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FORMATS } from './formats.ts';

fc.configureGlobal({ seed: 1 });

const fault = (format: string, text: string): string | undefined => FORMATS.get(format)!(text);

describe('ipv4 formats', () => {
  it('takes the addresses that inet_pton takes', () => {
    const part = fc.oneof(fc.nat(300).map(String), fc.constantFrom('', '01', '1e1', '-1', ' 1'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 3, maxLength: 5 }), (parts) => {
        const text = parts.join('.');
        expect(fault('ipv4', text) === undefined).toBe(isIPv4(text));
        expect(fault('ipv4-interface', `${text}/24`) === undefined).toBe(isIPv4(text));
      }),
    );
  });

  it('names the network of a prefix with host bits', () => {
    const byte = fc.nat(255);
    fc.assert(
      fc.property(byte, byte, byte, byte, fc.nat(32), (a, b, c, d, length) => {
        const size = 2 ** (32 - length);
        const address = ((a * 256 + b) * 256 + c) * 256 + d;
        const network = address - (address % size);
        const dotted = [24, 16, 8, 0].map((shift) => Math.floor(network / 2 ** shift) % 256).join('.');
        const message = fault('ipv4-prefix', `${a}.${b}.${c}.${d}/${length}`);
        if (network === address) expect(message).toBeUndefined();
        else expect(message).toContain(`the network is ${dotted}/${length}`);
      }),
    );
  });

  it.each(['', '10.0.0.1', '10.0.0.1/33', '10.0.0.1/', '10.0.0.1/255.255.255.0', '10.0.0.1/24 ', 'fe80::1/64'])(
    'refuses %j as an interface',
    (text) => {
      expect(fault('ipv4-interface', text)).toBe('must be an IPv4 address with its prefix length, such as 192.168.0.1/24');
      expect(fault('ipv4-prefix', text)).toBe('must be an IPv4 prefix, such as 192.168.0.0/24');
    },
  );
});

describe('mac', () => {
  it.each(['02:00:00:00:00:01', '02-00-00-00-00-01', '2:0:0:0:0:A'])('takes %s', (text) => {
    expect(fault('mac', text)).toBeUndefined();
  });

  it.each([
    ['02:00:00:00:00', 'must be a MAC address, such as 02:00:00:00:00:01'],
    ['02:00:00:00:00:0g', 'must be a MAC address, such as 02:00:00:00:00:01'],
    ['020000000001', 'must be a MAC address, such as 02:00:00:00:00:01'],
    ['01:00:5e:00:00:01', 'must be the MAC address of one station: the first byte is odd in group addresses'],
    ['ff:ff:ff:ff:ff:ff', 'must be the MAC address of one station: the first byte is odd in group addresses'],
    ['00:00:00:00:00:00', 'must not be the zero MAC address'],
  ])('says of %s: %s', (text, message) => {
    expect(fault('mac', text)).toBe(message);
  });
});

describe('names', () => {
  it.each([
    ['interface-name', 'eth0.10', undefined],
    ['interface-name', 'fifteen-letters', undefined],
    ['interface-name', 'sixteen--letters', 'must be at most 15 characters long'],
    ['interface-name', 'eth 0', 'must not contain a space, a slash or a colon'],
    ['interface-name', 'eth0:1', 'must not contain a space, a slash or a colon'],
    ['interface-name', 'a/b', 'must not contain a space, a slash or a colon'],
    ['interface-name', '', 'must not be empty'],
    ['interface-name', '..', 'is a reserved word'],
    ['interface-name', 'all', 'is a reserved word'],
    ['host-label', 'r1', undefined],
    ['host-label', 'r.1', 'must be letters, digits and hyphens, 63 at most'],
    ['host-label', '-r', 'must be letters, digits and hyphens, 63 at most'],
    ['host-label', 'r'.repeat(64), 'must be letters, digits and hyphens, 63 at most'],
    ['link-end', 'a.eth0', undefined],
    ['link-end', 'a.eth0.10', undefined],
    ['link-end', 'a', 'must be router.device, such as a.eth0'],
    ['link-end', '.eth0', 'must be router.device, such as a.eth0'],
    ['link-end', 'a.', 'must be router.device, such as a.eth0'],
  ])('%s %j: %s', (format, text, message) => {
    expect(fault(format, text)).toBe(message);
  });
});
