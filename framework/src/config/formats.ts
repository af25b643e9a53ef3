/**
 * formats.ts — the string formats that schemas may name (`format: mac`), the framework's and the plugins' alike. Each
 * tells what is wrong with a text, so that a message says more than "does not match".
 */
import { parseMac } from '../wire/ethernet.ts';
import { formatIpv4, inetMakeMask, parseCidr, parseIpv4 } from '../wire/ipv4.ts';

/** What is wrong with a text of this format, as the end of "`path` …"; undefined when nothing is. */
export type Format = (text: string) => string | undefined;

/** Room for a device's name, its closing zero included (IFNAMSIZ of linux/if.h). */
const IFNAMSIZ = 16;
const RESERVED_NAMES = new Set(['.', '..', 'all', 'default']);

/** A unicast Ethernet address. */
function mac(text: string): string | undefined {
  const bytes = parseMac(text);
  if (bytes === null) return 'must be a MAC address, such as 02:00:00:00:00:01';
  if ((bytes[0] & 1) !== 0) return 'must be the MAC address of one station: the first byte is odd in group addresses';
  return bytes.every((b) => b === 0) ? 'must not be the zero MAC address' : undefined;
}

function ipv4(text: string): string | undefined {
  return parseIpv4(text) === null ? 'must be an IPv4 address, such as 192.168.0.1' : undefined;
}

/** An address and the length of its subnet's prefix, host bits being what it is about; more words may follow, as in `ip addr add`. */
function ipv4Interface(text: string): string | undefined {
  const [address, more] = text.split(/ (\S.*)/, 2);
  return (/\/\d+$/.test(address) && parseCidr(address) !== null) || (more !== undefined && parseIpv4(address) !== null)
    ? undefined
    : 'must be an IPv4 address with its prefix length, such as 192.168.0.1/24';
}

/** A network: no bit may be set behind the prefix. */
function ipv4Prefix(text: string): string | undefined {
  const cidr = /\/\d+$/.test(text) ? parseCidr(text) : null;
  if (cidr === null) return 'must be an IPv4 prefix, such as 192.168.0.0/24';
  const network = cidr.address & inetMakeMask(cidr.length);
  return network === cidr.address ? undefined : `has bits set behind the prefix: the network is ${formatIpv4(network)}/${cidr.length}`;
}

/** What the kernel takes as a device's name, and its sysctl tree as a folder's (dev_valid_name). */
function interfaceName(text: string): string | undefined {
  if (text === '') return 'must not be empty';
  if (text.length >= IFNAMSIZ) return `must be at most ${IFNAMSIZ - 1} characters long`;
  if (/[\s/:]/.test(text)) return 'must not contain a space, a slash or a colon';
  return RESERVED_NAMES.has(text) ? 'is a reserved word' : undefined;
}

/** A router's name: one label of a host name (RFC 1123 §2.1). */
function hostLabel(text: string): string | undefined {
  return /^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/.test(text) ? undefined : 'must be letters, digits and hyphens, 63 at most';
}

/** A device of a lab. Names of routers have no dot, those of devices may (`eth0.10`). */
function linkEnd(text: string): string | undefined {
  const dot = text.indexOf('.');
  const right = dot > 0 && hostLabel(text.slice(0, dot)) === undefined && interfaceName(text.slice(dot + 1)) === undefined;
  return right ? undefined : 'must be router.device, such as a.eth0';
}

/** Formats by the name that a schema gives. */
export const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['mac', mac],
  ['ipv4', ipv4],
  ['ipv4-interface', ipv4Interface],
  ['ipv4-prefix', ipv4Prefix],
  ['interface-name', interfaceName],
  ['host-label', hostLabel],
  ['link-end', linkEnd],
]);
