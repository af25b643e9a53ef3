/** link-type.ts — what the frames of a capture start with (the LINKTYPE_ registry of tcpdump.org). */

export const LINKTYPE_ETHERNET = 1;

/** Names of the types that people are likely to meet, for error messages. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'NULL: BSD loopback'],
  [9, 'PPP'],
  [101, 'RAW: IP without a link-layer header'],
  [105, 'IEEE802_11'],
  [108, 'LOOP: OpenBSD loopback'],
  [113, 'LINUX_SLL: captured on "any"'],
  [127, 'IEEE802_11_RADIOTAP'],
  [228, 'IPV4'],
  [276, 'LINUX_SLL2: captured on "any"'],
]);

/** `link type 101 (RAW: …), only 1 (ETHERNET) can be read`. */
export function refusedLinkType(linkType: number): string {
  const name = NAMES.get(linkType);
  return `link type ${linkType}${name === undefined ? '' : ` (${name})`}, only ${LINKTYPE_ETHERNET} (ETHERNET) can be read`;
}
