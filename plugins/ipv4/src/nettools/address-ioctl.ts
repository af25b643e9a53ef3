/** nettools/address-ioctl.ts — addresses as ioctl(2) changes them: one of each label, by class where no mask is told (netdevice(7); cf. Linux net/ipv4/devinet.c devinet_ioctl). */
import {
  IFF_BROADCAST,
  IFF_POINTOPOINT,
  type Ifaddr,
  inetMakeMask,
  inetMaskLen,
  ipv4IsLbcast,
  ipv4IsZeronet,
  type NetDevice,
  type NewIfaddr,
} from '@packetwalk/framework';
import type { Devinet } from '../devinet.ts';

/** A refused request: the errno's text. */
export type Refusal = 'Invalid argument' | 'Cannot assign requested address' | null;

/** Prefix length that the class of an address gives it; -1: it has none (inet_abc_len). */
export function inetAbcLen(address: number): number {
  if (ipv4IsZeronet(address) || ipv4IsLbcast(address)) return 0;
  const first = address >>> 24;
  if (first < 128) return 8;
  if (first < 192) return 16;
  if (first < 224) return 24;
  return first >= 240 ? 32 : -1;
}

export class AddressIoctl {
  private readonly inet: Devinet;
  private readonly dev: NetDevice;
  /** `eth0` or `eth0:1`. */
  private readonly label: string;

  constructor(inet: Devinet, dev: NetDevice, label: string) {
    this.inet = inet;
    this.dev = dev;
    this.label = label;
  }

  /** The address that the label stands for. */
  find(): Ifaddr | undefined {
    return this.dev.inDev?.ifaList.find((ifa) => ifa.label === this.label);
  }

  /** SIOCSIFADDR */
  setAddress(local: number): Refusal {
    const length = inetAbcLen(local);
    if (length < 0) return 'Invalid argument';
    const known = this.find();
    if (known?.local === local) return null;
    if (known !== undefined) this.inet.delAddress(known);
    // Zero takes the address away.
    if (local === 0) return null;
    const { flags } = this.dev;
    const prefixlen = (flags & IFF_POINTOPOINT) !== 0 ? 32 : length;
    const broadcasts = (flags & IFF_BROADCAST) !== 0 && prefixlen < 31;
    return this.add({ local, prefixlen, ...(broadcasts ? { broadcast: local | ~inetMakeMask(prefixlen) } : {}) });
  }

  /** SIOCSIFNETMASK */
  setNetmask(mask: number): Refusal {
    const prefixlen = inetMaskLen(mask);
    if (prefixlen < 0) return 'Invalid argument';
    const old = this.find();
    if (old === undefined) return 'Cannot assign requested address';
    if (old.mask === mask) return null;
    // A broadcast address that followed from the mask follows from the new one.
    const follows = (this.dev.flags & IFF_BROADCAST) !== 0 && prefixlen < 31 && old.broadcast === (old.local | ~old.mask);
    return this.change(old, { prefixlen, ...(follows ? { broadcast: old.local | ~mask } : {}) });
  }

  /** SIOCSIFBRDADDR */
  setBroadcast(broadcast: number): Refusal {
    const old = this.find();
    if (old === undefined) return 'Cannot assign requested address';
    return old.broadcast === broadcast ? null : this.change(old, { broadcast });
  }

  /** SIOCSIFDSTADDR */
  setDestination(address: number): Refusal {
    const old = this.find();
    if (old === undefined) return 'Cannot assign requested address';
    if (old.address === address) return null;
    return inetAbcLen(address) < 0 ? 'Invalid argument' : this.change(old, { address });
  }

  /** An address of a label goes when the label goes down. */
  remove(): Refusal {
    const ifa = this.find();
    if (ifa === undefined) return 'Cannot assign requested address';
    this.inet.delAddress(ifa);
    return null;
  }

  private change(old: Ifaddr, by: Partial<NewIfaddr>): Refusal {
    const { local, address, prefixlen, broadcast, scope, metric } = old;
    this.inet.delAddress(old);
    return this.add({ local, address, prefixlen, broadcast, scope, metric, ...by });
  }

  private add(spec: NewIfaddr): Refusal {
    this.inet.addAddress(this.dev, { ...spec, label: this.label });
    return null;
  }
}
