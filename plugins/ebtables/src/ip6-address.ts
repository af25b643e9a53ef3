/** ip6-address.ts — IPv6 addresses under a mask, as four int32 words each (RFC 4291 §2.2, RFC 5952). */
import { EbtProblem, formatIpv4, parseIpv4 } from '@packetwalk/framework';
import { cNumber } from './numbers.ts';

export interface Ip6Mask {
  /** No bits outside the mask. */
  readonly address: Int32Array;
  readonly mask: Int32Array;
}

const GROUPS = 8;

/** An address as eight groups of 16 bits; null when the text is none (inet_pton). */
function parseGroups(text: string): number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const sides = halves.map((half, i) => groupsOf(half, i === halves.length - 1));
  const [head, tail = []] = sides;
  if (head === null || tail === null) return null;
  const missing = GROUPS - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** The groups of one side of `::`; the last side may end in an IPv4 address. */
function groupsOf(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes('.')) {
      const ipv4 = parseIpv4(part);
      if (ipv4 === null) return null;
      groups.push(ipv4 >>> 16, ipv4 & 0xffff);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}

function toWords(groups: readonly number[]): Int32Array {
  return Int32Array.from([0, 2, 4, 6], (i) => (groups[i] << 16) | groups[i + 1]);
}

function maskOf(length: number): Int32Array {
  return Int32Array.from([0, 32, 64, 96], (at) => {
    const bits = Math.min(Math.max(length - at, 0), 32);
    return bits === 0 ? 0 : -1 << (32 - bits);
  });
}

/** `fe80::1`, `2001:db8::/32`, `fe80::/ffff::`. */
export function parseIp6Mask(text: string): Ip6Mask {
  const slash = text.lastIndexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const groups = parseGroups(host);
  if (groups === null) throw new EbtProblem(`host/network \`${host}' not found`);
  const mask = slash < 0 ? maskOf(128) : parseMask(text.slice(slash + 1));
  return { address: toWords(groups).map((word, i) => word & mask[i]), mask };
}

function parseMask(text: string): Int32Array {
  const length = cNumber(text, 10);
  if (length !== null && length >= 0 && length <= 128) return maskOf(length);
  const groups = length === null ? parseGroups(text) : null;
  if (groups === null) throw new EbtProblem(`invalid mask \`${text}' specified`);
  return toWords(groups);
}

/** The longest run of zero groups becomes `::`; addresses that hold an IPv4 address end in it (inet_ntop). */
export function formatIp6(words: Int32Array): string {
  const groups = [...words].flatMap((word) => [word >>> 16, word & 0xffff]);
  const run = longestZeros(groups);
  const mapped = run.start === 0 && (run.length === 6 || (run.length === 5 && groups[5] === 0xffff));
  const shown = mapped ? groups.slice(0, 6) : groups;
  const texts = shown.map((group) => group.toString(16));
  if (mapped) texts.push(formatIpv4(words[3]));
  if (run.length < 2) return texts.join(':');
  return `${texts.slice(0, run.start).join(':')}::${texts.slice(run.start + run.length).join(':')}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 0 };
  for (let i = 0; i < groups.length; ) {
    let end = i;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - i > best.length) best = { start: i, length: end - i };
    i = Math.max(end, i + 1);
  }
  return best;
}

export function ip6MaskText({ address, mask }: Ip6Mask): string {
  const ones = mask.reduce((sum, word) => sum + Math.clz32(~word), 0);
  const prefix = mask.every((word, i) => word === maskOf(ones)[i]);
  if (prefix) return formatIp6(address) + (ones === 128 ? '' : `/${ones}`);
  return `${formatIp6(address)}/${formatIp6(mask)}`;
}

/** Is the address at `offset` of the view the one under the mask? */
export function ip6Matches(view: DataView, offset: number, { address, mask }: Ip6Mask): boolean {
  return (
    (view.getInt32(offset) & mask[0]) === address[0] &&
    (view.getInt32(offset + 4) & mask[1]) === address[1] &&
    (view.getInt32(offset + 8) & mask[2]) === address[2] &&
    (view.getInt32(offset + 12) & mask[3]) === address[3]
  );
}
