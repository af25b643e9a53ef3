/** nat-range.ts — what an address or port may be translated to (cf. Linux struct nf_nat_range2). */

/** Choose an address of the range; else it stays. */
export const NAT_MAP_IPS = 0x01;
/** Choose a port (ICMP: an identifier) of the range. */
export const NAT_PROTO_SPECIFIED = 0x02;
/** `--random`: do not even try the port that it has. */
export const NAT_PROTO_RANDOM = 0x04;
/** `--persistent`: the same address for a client whatever it talks to. */
export const NAT_PERSISTENT = 0x08;
/** `--random-fully`; the same as `--random` for kernels of today. */
export const NAT_PROTO_RANDOM_FULLY = 0x10;
/** `PORT-PORT/BASE`: shift the port by as much as it lies behind BASE. */
export const NAT_PROTO_OFFSET = 0x20;
export const NAT_PROTO_RANDOM_ALL: number = NAT_PROTO_RANDOM | NAT_PROTO_RANDOM_FULLY;

/** Which end of packets of the original direction is translated. */
export const NAT_MANIP_SRC = 0;
export const NAT_MANIP_DST = 1;

/** Bounds are inclusive; addresses are int32. */
export interface NatRange {
  readonly flags: number;
  readonly minAddr: number;
  readonly maxAddr: number;
  readonly minPort: number;
  readonly maxPort: number;
  readonly basePort: number;
}

/** One address, and the ports as they are. */
export function addressRange(address: number, flags = 0): NatRange {
  return { flags: flags | NAT_MAP_IPS, minAddr: address, maxAddr: address, minPort: 0, maxPort: 0, basePort: 0 };
}
