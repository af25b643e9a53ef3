/** ipset/bitmap-set.ts — sets of the `bitmap` types: a byte for each address or port of a range (cf. Linux ip_set_bitmap_gen.h). */
import { inetMakeMask, type Net, type SkBuff, type XtParam } from '@packetwalk/framework';
import type { CreateOptions } from './create-options.ts';
import { type ElementRange, eachElement, formatElement, newElement } from './element.ts';
import { type ElementOptions, Extensions, type SetQuery } from './extensions.ts';
import { type IpSet, SET_MATCH, SET_NO_MATCH } from './ip-set.ts';
import { ALREADY_ADDED, IpsetError, NOT_ADDED, OUT_OF_RANGE } from './ipset-error.ts';
import { hasPlainPorts, packetAddress, packetPort } from './packet-part.ts';
import type { SetType } from './set-type.ts';

export class BitmapSet implements IpSet {
  readonly type: SetType;
  readonly options: CreateOptions;
  size = 0;
  private readonly net: Net;
  private readonly ofPorts: boolean;
  /** What one place stands for: addresses of a netmask. */
  private readonly step: number;
  /** First value, a multiple of `step`. */
  private readonly base: number;
  private readonly there: Uint8Array;
  private readonly extensions: Extensions;

  constructor(type: SetType, options: CreateOptions, net: Net) {
    this.type = type;
    this.options = options;
    this.net = net;
    this.ofPorts = type.parts[0] === 'port';
    this.step = this.ofPorts ? 1 : 2 ** (32 - options.netmask);
    this.base = options.first - (options.first % this.step);
    const places = Math.floor((options.last - this.base) / this.step) + 1;
    this.there = new Uint8Array(places);
    this.extensions = new Extensions(options);
    this.extensions.grow(places);
  }

  private get now(): number {
    return this.net.softirq.jiffies;
  }

  add(range: ElementRange, options: ElementOptions, exist: boolean): void {
    this.each(range, (place) => {
      if (!this.insert(place, options, exist)) throw new IpsetError(ALREADY_ADDED);
    });
  }

  delete(range: ElementRange, exist: boolean): void {
    this.each(range, (place) => {
      if (!this.remove(place) && !exist) throw new IpsetError(NOT_ADDED);
    });
  }

  has(range: ElementRange): boolean {
    let answer: boolean | null = null;
    this.each(range, (place) => {
      answer ??= this.holds(place);
    });
    return answer === true;
  }

  flush(): void {
    this.there.fill(0);
    this.size = 0;
  }

  members(): string[] {
    const texts: string[] = [];
    const element = newElement();
    for (let place = 0; place < this.there.length; place++) {
      if (this.there[place] === 0 || this.ended(place)) continue;
      const value = this.base + place * this.step;
      element.port = value;
      element.ip = value | 0;
      texts.push(`${formatElement(element, this.type)}${this.extensions.words(place, false, this.now)}`);
    }
    return texts;
  }

  test(skb: SkBuff, par: XtParam, query: SetQuery): number {
    const place = this.packetPlace(skb, par, query.sources);
    if (place < 0 || !this.holds(place)) return SET_NO_MATCH;
    return this.extensions.matches(place, skb.len, query) ? SET_MATCH : SET_NO_MATCH;
  }

  addPacket(skb: SkBuff, par: XtParam, query: SetQuery, options: ElementOptions, exist: boolean): boolean {
    const place = this.packetPlace(skb, par, query.sources);
    return place >= 0 && this.insert(place, options, exist);
  }

  deletePacket(skb: SkBuff, par: XtParam, query: SetQuery): boolean {
    const place = this.packetPlace(skb, par, query.sources);
    return place >= 0 && this.remove(place);
  }

  dispose(): void {}

  /** Calls `work` for the places that a command names; all of them must be in the set's range. */
  private each(range: ElementRange, work: (place: number) => void): void {
    const bounds = this.ofPorts ? range.ports : range.addresses[0];
    const { first, last } = this.options;
    if (bounds.first < first || bounds.last > last) throw new IpsetError(OUT_OF_RANGE);
    eachElement(range, this.step, ({ ip, port }) => work(((this.ofPorts ? port : ip >>> 0) - this.base) / this.step));
  }

  private packetPlace(skb: SkBuff, par: XtParam, sources: number): number {
    const { first, last } = this.options;
    const source = (sources & 1) !== 0;
    let value: number;
    if (this.ofPorts) {
      const port = packetPort(skb, par, source);
      if (port < 0 || !hasPlainPorts(port)) return -1;
      value = port & 0xffff;
    } else value = packetAddress(skb, source) >>> 0;
    if (value < first || value > last) return -1;
    return ((this.ofPorts ? value : (value & inetMakeMask(this.options.netmask)) >>> 0) - this.base) / this.step;
  }

  private holds(place: number): boolean {
    return this.there[place] === 1 && !this.extensions.hasEnded(place, this.now);
  }

  /** Lets go of an element that has ended. */
  private ended(place: number): boolean {
    if (!this.extensions.hasEnded(place, this.now)) return false;
    this.remove(place);
    return true;
  }

  private insert(place: number, options: ElementOptions, exist: boolean): boolean {
    if (this.holds(place) && !exist) return false;
    if (this.there[place] === 0) this.size++;
    this.there[place] = 1;
    this.extensions.write(place, options, this.now);
    return true;
  }

  private remove(place: number): boolean {
    if (this.there[place] === 0) return false;
    const held = this.holds(place);
    this.there[place] = 0;
    this.size--;
    this.extensions.forget(place);
    return held;
  }
}
