/** core/loopback.ts — `lo`: what is sent comes back in (cf. Linux drivers/net/loopback.c). */
import { registerNetdev } from '../dev.ts';
import type { Net } from '../net.ts';
import { IFF_LOOPBACK, type NetDevice, type NetDeviceOps } from '../netdevice.ts';
import { CHECKSUM_UNNECESSARY, skbOwn } from '../skbuff.ts';
import { ARPHRD_LOOPBACK } from '../wire/arp.ts';

/** The kernel's loopback MTU: 64 KiB. */
const LOOPBACK_MTU = 65536;

const ops: NetDeviceOps = {
  startXmit(skb, dev) {
    skbOwn(skb);
    // The route stays: a packet that comes back by lo is not looked up again.
    skb.ipSummed = CHECKSUM_UNNECESSARY;
    dev.net.softirq.netifRx(skb);
    return 0;
  },
};

/** Makes the loopback device of a router. It starts down, as in a new namespace. */
export function createLoopback(net: Net): NetDevice {
  return registerNetdev(net, ops, {
    name: 'lo',
    kind: 'loopback',
    type: ARPHRD_LOOPBACK,
    mtu: LOOPBACK_MTU,
    minMtu: 0,
    maxMtu: 0,
    flags: IFF_LOOPBACK,
    address: new Uint8Array(6),
  });
}
