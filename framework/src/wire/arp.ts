/**
 * wire/arp.ts — ARP for IPv4 over Ethernet (RFC 826).
 *
 *      0               2               4       5       6               8
 *      +---------------+---------------+-------+-------+---------------+
 *      | hardware type | protocol type | hlen  | plen  |   operation   |
 *      +---------------+---------------+-------+-------+---------------+
 *   8  | sender hardware address (6), sender protocol address (4)      |
 *  18  | target hardware address (6), target protocol address (4)      |
 */

export const ARP_HRD = 0;
export const ARP_PRO = 2;
export const ARP_HLN = 4;
export const ARP_PLN = 5;
export const ARP_OP = 6;
export const ARP_SHA = 8;
export const ARP_SIP = 14;
export const ARP_THA = 18;
export const ARP_TIP = 24;
/** Length of an ARP packet for IPv4 over Ethernet. */
export const ARP_LEN = 28;

export const ARPHRD_ETHER = 1;
export const ARPHRD_IEEE802 = 6;
export const ARPHRD_TUNNEL = 768;
export const ARPHRD_LOOPBACK = 772;
export const ARPHRD_IPGRE = 778;
export const ARPHRD_NONE = 0xfffe;

export const ARPOP_REQUEST = 1;
export const ARPOP_REPLY = 2;
