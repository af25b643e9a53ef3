/** ether-types.ts — names of EtherTypes, as people type and ebtables lists them; the choice is that of a Debian system's /etc/ethertypes. */

/** `TYPE NAME ALIAS…`, with `;` between. */
const ETHERTYPES = `
0800 IPv4 ip ip4; 0805 X25; 0806 ARP ether-arp; 0808 FR_ARP; 08ff BPQ; 22f3 TRILL; 22f4 L2-IS-IS; 6558 TEB; 6559 RAW_FR; 8035 RARP;
809b ATALK; 80f3 AARP; 8100 802_1Q 8021q 1q 802.1q dot1q; 8137 IPX; 8191 NetBEUI; 86dd IPv6 ip6; 880b PPP; 8847 MPLS; 8848 MPLS_MULTI;
884c ATMMPOA; 8863 PPP_DISC; 8864 PPP_SES; 8884 ATMFATE; 888e EAPOL; 88a8 S-TAG; 88c7 EAP_PREAUTH; 88cc LLDP; 88e5 MACSEC;
88e7 PBB macinmac; 88f5 MVRP; 88f7 PTP; 8906 FCOE; 8914 FIP; 8915 ROCE; a0ed LoWPAN
`;

const byName = new Map<string, number>();
const byType = new Map<number, string>();
for (const entry of ETHERTYPES.trim().split(/;\s+/)) {
  const [type, ...names] = entry.split(' ');
  byType.set(Number.parseInt(type, 16), names[0]);
  for (const name of names) byName.set(name.toLowerCase(), Number.parseInt(type, 16));
}

/** The EtherType of that name, in any case; null when there is none. */
export function etherTypeNumber(name: string): number | null {
  return byName.get(name.toLowerCase()) ?? null;
}

/** The name of an EtherType, or null. */
export function etherTypeName(type: number): string | null {
  return byType.get(type) ?? null;
}
