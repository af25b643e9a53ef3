/**
 * ipset/hash-set.ts — sets of the `hash` types (cf. Linux net/netfilter/ipset/ip_set_hash_gen.h): an open-addressing table over
 * typed arrays, so that a packet is looked up without allocation.
 *
 *      index  | 0 | e+1 | 0 | …        place of an element e
 *      keys   | ip | protocol and port | ip2 | prefix length, interface |   element 0 … size - 1, without gaps
 *
 * A network is looked for once for each prefix length that the set has, longest first.
 */
import { inetMakeMask, type Net, type SkBuff, type XtParam } from '@packetwalk/framework';
import type { CreateOptions } from './create-options.ts';
import { type Element, type ElementRange, eachElement, formatElement, newElement } from './element.ts';
import { type ElementOptions, Extensions, type SetQuery } from './extensions.ts';
import { type IpSet, SET_MATCH, SET_NO_MATCH, SET_NOMATCH } from './ip-set.ts';
import { ALREADY_ADDED, HASH_FULL, IpsetError, NOT_ADDED, NULL_ELEMENT } from './ipset-error.ts';
import { packetAddress, packetDevice, packetPort } from './packet-part.ts';
import type { SetType } from './set-type.ts';

const KEY = 4;
const FIRST_SIZE = 16;

/** The last word of a key: prefix length, two flags, and the interface's number. */
const PHYSDEV = 1 << 6;
const WILDCARD = 1 << 7;
const IFACE_SHIFT = 8;

export class HashSet implements IpSet {
  readonly type: SetType;
  readonly options: CreateOptions;
  size = 0;
  private readonly net: Net;
  private readonly extensions: Extensions;
  private readonly portAt: number;
  private readonly netAt: number;
  private readonly ip2At: number;
  private readonly ifaceAt: number;
  private readonly mask: number;
  private index = new Int32Array(FIRST_SIZE * 2);
  private keys = new Int32Array(FIRST_SIZE * KEY);
  private nomatch = new Uint8Array(FIRST_SIZE);
  /** Elements by prefix length, and the lengths there are, longest first. */
  private readonly byLength = new Int32Array(33);
  private lengths: number[] = [];
  private readonly ifaces = new Map<string, number>();
  private readonly ifaceNames: string[] = [''];
  /** Interface names that elements have as a prefix, with how many there are. */
  private readonly prefixes = new Map<string, number>();
  private prefixList: string[] = [];
  private readonly key = new Int32Array(KEY);

  constructor(type: SetType, options: CreateOptions, net: Net) {
    this.type = type;
    this.options = options;
    this.net = net;
    this.extensions = new Extensions(options);
    this.extensions.grow(FIRST_SIZE);
    this.portAt = type.parts.indexOf('port');
    this.netAt = type.parts.indexOf('net');
    this.ifaceAt = type.parts.indexOf('iface');
    this.ip2At = type.parts.length === 3 ? 2 : -1;
    this.mask = inetMakeMask(options.netmask);
  }

  private get now(): number {
    return this.net.softirq.jiffies;
  }

  add(range: ElementRange, options: ElementOptions, exist: boolean, wildcard: boolean): void {
    eachElement(range, 2 ** (32 - this.options.netmask), (element) => {
      element.wildcard = wildcard;
      this.setKey(element);
      if (!this.insert(options, exist)) throw new IpsetError(ALREADY_ADDED);
    });
  }

  delete(range: ElementRange, exist: boolean, wildcard: boolean): void {
    eachElement(range, 2 ** (32 - this.options.netmask), (element) => {
      element.wildcard = wildcard;
      this.setKey(element);
      const found = this.find();
      if (found >= 0) {
        const ended = this.extensions.hasEnded(found, this.now);
        this.removeAt(found);
        if (!ended) return;
      }
      if (!exist) throw new IpsetError(NOT_ADDED);
    });
  }

  has(range: ElementRange, nomatch: boolean, wildcard: boolean): boolean {
    let answer: number | null = null;
    eachElement(range, 2 ** (32 - this.options.netmask), (element) => {
      if (answer !== null) return;
      element.wildcard = wildcard;
      this.setKey(element);
      const { key } = this;
      const found =
        this.netAt >= 0 && element.cidr === 32 ? this.findNetwork(key[0], key[1], key[2], key[3] & ~63) : this.living(this.find());
      answer = found < 0 ? SET_NO_MATCH : this.nomatch[found] === 0 ? SET_MATCH : SET_NOMATCH;
    });
    return answer === (nomatch ? SET_NOMATCH : SET_MATCH);
  }

  flush(): void {
    this.size = 0;
    this.index.fill(0);
    this.byLength.fill(0);
    this.lengths = [];
    this.prefixes.clear();
    this.prefixList = [];
  }

  members(sorted: boolean): string[] {
    this.collect();
    const element = newElement();
    const order = Array.from({ length: this.size }, (_, i) => i);
    if (sorted) {
      const { keys } = this;
      const value = (i: number): number => keys[i * KEY] >>> 0;
      const port = (i: number): number => keys[i * KEY + 1] & 0xffff;
      order.sort((a, b) => value(a) - value(b) || (keys[a * KEY + 3] & 63) - (keys[b * KEY + 3] & 63) || port(a) - port(b));
    }
    return order.map((i) => {
      this.readElement(i, element);
      const wildcard = element.wildcard ? ' wildcard' : '';
      element.wildcard = false;
      return `${formatElement(element, this.type)}${this.extensions.words(i, this.nomatch[i] === 1, this.now)}${wildcard}`;
    });
  }

  test(skb: SkBuff, par: XtParam, query: SetQuery): number {
    const found = this.findPacket(skb, par, query.sources);
    if (found < 0 || !this.extensions.matches(found, skb.len, query)) return SET_NO_MATCH;
    return this.nomatch[found] === 0 ? SET_MATCH : SET_NOMATCH;
  }

  addPacket(skb: SkBuff, par: XtParam, query: SetQuery, options: ElementOptions, exist: boolean): boolean {
    if (!this.setPacketKey(skb, par, query.sources, this.lengths[0] ?? 32)) return false;
    try {
      return this.insert(options, exist);
    } catch (error) {
      if (error instanceof IpsetError) return false;
      throw error;
    }
  }

  deletePacket(skb: SkBuff, par: XtParam, query: SetQuery): boolean {
    if (!this.setPacketKey(skb, par, query.sources, this.lengths[0] ?? 32)) return false;
    const found = this.find();
    if (found < 0) return false;
    this.removeAt(found);
    return true;
  }

  dispose(): void {}

  /** The element of a packet, or -1. */
  private findPacket(skb: SkBuff, par: XtParam, sources: number): number {
    if (!this.setPacketKey(skb, par, sources, 32)) return -1;
    const { key } = this;
    if (this.netAt < 0) return this.living(this.find());
    const exact = this.findNetwork(key[0], key[1], key[2], key[3] & ~63);
    if (exact >= 0 || this.prefixList.length === 0) return exact;
    return this.findPrefix(key[0], (packetDevice(par, (sources & 2) !== 0) as { name: string }).name);
  }

  /** A network's element, the longest prefix first; changes the key. */
  private findNetwork(ip: number, port: number, ip2: number, meta: number): number {
    const { key, lengths } = this;
    for (let i = 0; i < lengths.length; i++) {
      const mask = inetMakeMask(lengths[i]);
      key[0] = this.netAt === 0 ? ip & mask : ip;
      key[1] = port;
      key[2] = this.netAt === 2 ? ip2 & mask : ip2;
      key[3] = meta | lengths[i];
      const found = this.living(this.find());
      if (found >= 0) return found;
    }
    return -1;
  }

  /** An element of an interface's prefix. */
  private findPrefix(ip: number, name: string): number {
    for (const prefix of this.prefixList) {
      if (!name.startsWith(prefix)) continue;
      const found = this.findNetwork(ip, 0, 0, ((this.ifaces.get(prefix) as number) << IFACE_SHIFT) | WILDCARD);
      if (found >= 0) return found;
    }
    return -1;
  }

  private living(found: number): number {
    return found >= 0 && this.extensions.hasEnded(found, this.now) ? -1 : found;
  }

  private setKey(element: Element): void {
    const { key } = this;
    key[0] = element.ip & this.mask;
    key[1] = (element.proto << 16) | element.port;
    key[2] = element.ip2;
    key[3] = this.netAt < 0 ? 32 : element.cidr;
    if (this.ifaceAt < 0) return;
    key[3] |= (this.ifaceNumber(element.iface) << IFACE_SHIFT) | (element.physdev ? PHYSDEV : 0) | (element.wildcard ? WILDCARD : 0);
  }

  /** The key of a packet with networks of `length` bits; false: it does not have all the parts. */
  private setPacketKey(skb: SkBuff, par: XtParam, sources: number, length: number): boolean {
    const { key } = this;
    const netMask = inetMakeMask(length);
    key[0] = packetAddress(skb, (sources & 1) !== 0) & (this.netAt === 0 ? netMask : this.mask);
    key[1] = 0;
    key[2] = 0;
    key[3] = this.netAt < 0 ? 32 : length;
    if (this.portAt >= 0) {
      key[1] = packetPort(skb, par, (sources & 2) !== 0);
      if (key[1] < 0) return false;
    }
    if (this.ip2At >= 0) key[2] = packetAddress(skb, (sources & 4) !== 0) & (this.netAt === 2 ? netMask : -1);
    if (this.ifaceAt >= 0) {
      const dev = packetDevice(par, (sources & 2) !== 0);
      if (dev === null) return false;
      key[3] |= (this.ifaces.get(dev.name) ?? 0) << IFACE_SHIFT;
    }
    return true;
  }

  private ifaceNumber(name: string): number {
    let number = this.ifaces.get(name);
    if (number === undefined) {
      number = this.ifaceNames.push(name) - 1;
      this.ifaces.set(name, number);
    }
    return number;
  }

  private readElement(i: number, element: Element): void {
    const { keys } = this;
    const at = i * KEY;
    const meta = keys[at + 3];
    element.ip = keys[at];
    element.proto = (keys[at + 1] >> 16) & 255;
    element.port = keys[at + 1] & 0xffff;
    element.ip2 = keys[at + 2];
    element.cidr = meta & 63;
    element.physdev = (meta & PHYSDEV) !== 0;
    element.wildcard = (meta & WILDCARD) !== 0;
    element.iface = this.ifaceNames[meta >> IFACE_SHIFT];
  }

  private hash(a: number, b: number, c: number, d: number): number {
    let h = Math.imul(a ^ this.options.initval, 0x9e3779b1);
    h = Math.imul((h ^ (h >>> 15)) + b, 0x85ebca6b);
    h = Math.imul((h ^ (h >>> 13)) + c, 0xc2b2ae35);
    h = Math.imul((h ^ (h >>> 16)) + d, 0x27d4eb2f);
    return h ^ (h >>> 15);
  }

  /** The element of the key, or -1. */
  private find(): number {
    const { key, keys, index } = this;
    const [a, b, c, d] = [key[0], key[1], key[2], key[3]];
    const mask = index.length - 1;
    for (let place = this.hash(a, b, c, d) & mask; ; place = (place + 1) & mask) {
      const i = index[place] - 1;
      if (i < 0) return -1;
      const at = i * KEY;
      if (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c && keys[at + 3] === d) return i;
    }
  }

  /** Adds the key's element; false when it is there. Throws IpsetError when there is no room. */
  private insert(options: ElementOptions, exist: boolean): boolean {
    const { key } = this;
    if (this.netAt < 0 && this.ifaceAt < 0 && this.portAt < 0 && key[0] === 0) throw new IpsetError(NULL_ELEMENT);
    const found = this.find();
    if (found >= 0) {
      if (!exist && !this.extensions.hasEnded(found, this.now)) return false;
      this.extensions.write(found, options, this.now);
      this.nomatch[found] = options.nomatch ? 1 : 0;
      return true;
    }
    if (this.size >= this.options.maxElem) this.makeRoom();
    if (this.size * KEY === this.keys.length) this.grow();
    const i = this.size++;
    this.keys.set(key, i * KEY);
    this.nomatch[i] = options.nomatch ? 1 : 0;
    this.extensions.write(i, options, this.now);
    this.place(i);
    this.countLength(key[3] & 63, 1);
    if ((key[3] & WILDCARD) !== 0) this.countPrefix(this.ifaceNames[key[3] >> IFACE_SHIFT], 1);
    return true;
  }

  private place(i: number): void {
    const { keys, index } = this;
    const at = i * KEY;
    const mask = index.length - 1;
    let place = this.hash(keys[at], keys[at + 1], keys[at + 2], keys[at + 3]) & mask;
    while (index[place] !== 0) place = (place + 1) & mask;
    index[place] = i + 1;
  }

  private countLength(length: number, by: number): void {
    if (this.netAt < 0) return;
    this.byLength[length] += by;
    const there = this.lengths.includes(length);
    if (this.byLength[length] > 0 === there) return;
    this.lengths = there ? this.lengths.filter((l) => l !== length) : [...this.lengths, length].sort((a, b) => b - a);
  }

  private countPrefix(name: string, by: number): void {
    const count = (this.prefixes.get(name) ?? 0) + by;
    if (count === 0) this.prefixes.delete(name);
    else this.prefixes.set(name, count);
    this.prefixList = [...this.prefixes.keys()].sort((a, b) => b.length - a.length);
  }

  /** Takes element `i` away; the last one takes its number. */
  private removeAt(i: number): void {
    const { keys } = this;
    const meta = keys[i * KEY + 3];
    this.countLength(meta & 63, -1);
    if ((meta & WILDCARD) !== 0) this.countPrefix(this.ifaceNames[meta >> IFACE_SHIFT], -1);
    this.vacate(this.placeOf(i));
    const last = --this.size;
    this.extensions.forget(i);
    if (last === i) return;
    this.index[this.placeOf(last)] = i + 1;
    keys.copyWithin(i * KEY, last * KEY, (last + 1) * KEY);
    this.nomatch[i] = this.nomatch[last];
    this.extensions.move(last, i);
  }

  private placeOf(i: number): number {
    const { keys, index } = this;
    const at = i * KEY;
    const mask = index.length - 1;
    let place = this.hash(keys[at], keys[at + 1], keys[at + 2], keys[at + 3]) & mask;
    while (index[place] !== i + 1) place = (place + 1) & mask;
    return place;
  }

  /** Frees a place of the index; those behind it that are out of their own move up. */
  private vacate(place: number): void {
    const { keys, index } = this;
    const mask = index.length - 1;
    let hole = place;
    for (let next = (hole + 1) & mask; index[next] !== 0; next = (next + 1) & mask) {
      const at = (index[next] - 1) * KEY;
      const home = this.hash(keys[at], keys[at + 1], keys[at + 2], keys[at + 3]) & mask;
      // Its own place lies behind the hole: it is found without moving.
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      index[hole] = index[next];
      hole = next;
    }
    index[hole] = 0;
  }

  private makeRoom(): void {
    this.collect();
    if (this.size < this.options.maxElem) return;
    if (!this.options.forceAdd || this.size === 0) throw new IpsetError(HASH_FULL);
    this.removeAt(this.net.softirq.random.below(this.size));
  }

  private grow(): void {
    const size = this.size * 2;
    const keys = new Int32Array(size * KEY);
    keys.set(this.keys);
    this.keys = keys;
    const nomatch = new Uint8Array(size);
    nomatch.set(this.nomatch);
    this.nomatch = nomatch;
    this.extensions.grow(size);
    this.index = new Int32Array(size * 2);
    for (let i = 0; i < this.size; i++) this.place(i);
  }

  /** Lets go of elements that have ended. */
  private collect(): void {
    if (this.options.timeout === null) return;
    for (let i = this.size - 1; i >= 0; i--) if (this.extensions.hasEnded(i, this.now)) this.removeAt(i);
  }
}
