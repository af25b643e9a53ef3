/** packet-point.ts — where the headers of the packet under a filter are; every field read checks that it is there. */
import { ETH_HLEN, ETH_TYPE } from '../wire/ethernet.ts';
import { VLAN_HLEN } from '../wire/vlan.ts';

const NOTHING: DataView = new DataView(new ArrayBuffer(0));

/** One object a filter, set anew for each packet: nothing is allocated while packets pass. */
export class PacketPoint {
  private view: DataView = NOTHING;
  private end = 0;
  /** Where the Ethernet header starts, or -1 when the packet has none (yet). */
  private link = -1;
  private ip = 0;
  private etherType = 0;
  /** Bytes of the packet as it was given, link-layer header included when it has one. */
  length = 0;

  /** The packet is an Ethernet frame. */
  frame(view: DataView, offset: number, length: number): void {
    this.view = view;
    this.link = offset;
    this.end = offset + length;
    this.length = length;
  }

  /** The packet starts at its network header. */
  network(view: DataView, offset: number, length: number, etherType: number): void {
    this.view = view;
    this.link = -1;
    this.ip = offset;
    this.etherType = etherType;
    this.end = offset + length;
    this.length = length;
  }

  /** The EtherType behind `tags` VLAN tags; -1 when there is none. */
  type(tags: number): number {
    if (this.link >= 0) return this.u16(this.link + ETH_TYPE + tags * VLAN_HLEN);
    return tags === 0 ? this.etherType : -1;
  }

  /** Where the network header is when there are `tags` VLAN tags. */
  networkHeader(tags: number): number {
    return this.link >= 0 ? this.link + ETH_HLEN + tags * VLAN_HLEN : this.ip;
  }

  /** Where field `at` of the link-layer header is; an offset that reads as -1 when there is no such header. */
  linkField(at: number): number {
    return this.link >= 0 ? this.link + at : this.end;
  }

  /** The byte at an offset, or -1 behind the end. */
  u8(at: number): number {
    return at < this.end ? this.view.getUint8(at) : -1;
  }

  /** Two bytes, or -1 behind the end. */
  u16(at: number): number {
    return at + 2 <= this.end ? this.view.getUint16(at) : -1;
  }

  /** Whether the four bytes under `mask` are `value`; false behind the end. */
  is32(at: number, mask: number, value: number): boolean {
    return at + 4 <= this.end && (this.view.getInt32(at) & mask) === value;
  }
}
