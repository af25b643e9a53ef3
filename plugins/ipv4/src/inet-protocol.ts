/** inet-protocol.ts — who gets packets for this router, by IP protocol number (cf. Linux net/ipv4/protocol.c). */
import type { InetProtocol, InetProtocols } from '@packetwalk/framework';
import { SharedProtocol } from './shared-protocol.ts';

/** MAX_INET_PROTOS: the protocol field is one byte. */
const MAX_INET_PROTOS = 256;

export class InetProtocolTable implements InetProtocols {
  private readonly table: (InetProtocol | null)[] = new Array(MAX_INET_PROTOS).fill(null);

  add(protocol: InetProtocol): () => void {
    const number = protocol.protocol;
    if (!Number.isInteger(number) || number < 0 || number >= MAX_INET_PROTOS) throw new Error(`IP protocol ${number} does not exist`);
    if (protocol.sharedPriority !== undefined) return this.share(protocol);
    if (this.table[number] !== null) throw new Error(`IP protocol ${number} has a handler already`);
    this.table[number] = protocol;
    return () => {
      if (this.table[number] === protocol) this.table[number] = null;
    };
  }

  private share(taker: InetProtocol): () => void {
    const number = taker.protocol;
    const other = this.table[number];
    if (other !== null && !(other instanceof SharedProtocol)) throw new Error(`IP protocol ${number} has a handler already`);
    const shared = other ?? new SharedProtocol(number);
    this.table[number] = shared;
    shared.add(taker);
    return () => {
      shared.remove(taker);
      if (shared.empty && this.table[number] === shared) this.table[number] = null;
    };
  }

  /** The handler of a protocol number, or null. */
  get(protocol: number): InetProtocol | null {
    return this.table[protocol];
  }
}
