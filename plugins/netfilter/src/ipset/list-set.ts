/** ipset/list-set.ts — sets of sets, asked in order (cf. Linux net/netfilter/ipset/ip_set_list_set.c). */
import type { Net, SkBuff, XtParam } from '@packetwalk/framework';
import type { CreateOptions } from './create-options.ts';
import { type ElementOptions, Extensions, type SetQuery } from './extensions.ts';
import { type IpSet, SET_MATCH, SET_NO_MATCH } from './ip-set.ts';
import type { SetPlace } from './ip-sets.ts';
import { ALREADY_ADDED, IpsetError, NOT_ADDED } from './ipset-error.ts';
import { askSet } from './set-question.ts';
import type { SetType } from './set-type.ts';

/** Members that a list may have. */
const MAX_MEMBERS = 256;

interface Member {
  readonly place: SetPlace;
  /** Number of its extensions. */
  readonly slot: number;
}

/** Where a member stands: in front of or behind another one. */
export interface MemberWhere {
  readonly side: 'before' | 'after';
  readonly place: SetPlace;
}

export class ListSet implements IpSet {
  readonly type: SetType;
  readonly options: CreateOptions;
  private readonly net: Net;
  private readonly extensions: Extensions;
  private list: Member[] = [];

  constructor(type: SetType, options: CreateOptions, net: Net) {
    this.type = type;
    this.options = options;
    this.net = net;
    this.extensions = new Extensions(options);
    this.extensions.grow(MAX_MEMBERS);
  }

  get size(): number {
    return this.list.length;
  }

  private get now(): number {
    return this.net.softirq.jiffies;
  }

  addSet(place: SetPlace, where: MemberWhere | null, options: ElementOptions, exist: boolean): void {
    this.collect();
    const known = this.list.find((member) => member.place === place);
    if (known !== undefined) {
      if (!exist) throw new IpsetError(ALREADY_ADDED);
      this.extensions.write(known.slot, options, this.now);
      return;
    }
    let at = this.list.length;
    if (where !== null) {
      at = this.list.findIndex((member) => member.place === where.place);
      if (at < 0) throw new IpsetError(REFERENCE_NOT_ADDED);
      if (where.side === 'after') at++;
    }
    const taken = new Set(this.list.map(({ slot }) => slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    if (slot === MAX_MEMBERS) throw new IpsetError('Set is full, more elements cannot be added.');
    place.references++;
    this.list.splice(at, 0, { place, slot });
    this.extensions.write(slot, options, this.now);
  }

  deleteSet(place: SetPlace, where: MemberWhere | null, exist: boolean): void {
    this.collect();
    const at = this.list.findIndex((member) => member.place === place);
    if (at >= 0 && (where === null || this.stands(at, where))) this.removeAt(at);
    else if (!exist) throw new IpsetError(NOT_ADDED);
  }

  hasSet(place: SetPlace, where: MemberWhere | null): boolean {
    this.collect();
    const at = this.list.findIndex((member) => member.place === place);
    return at >= 0 && (where === null || this.stands(at, where));
  }

  add(): never {
    throw new Error('a list has sets, not elements');
  }

  delete(): never {
    throw new Error('a list has sets, not elements');
  }

  has(): never {
    throw new Error('a list has sets, not elements');
  }

  flush(): void {
    while (this.list.length > 0) this.removeAt(this.list.length - 1);
  }

  members(): string[] {
    this.collect();
    return this.list.map(({ place, slot }) => `${place.name}${this.extensions.words(slot, false, this.now)}`);
  }

  test(skb: SkBuff, par: XtParam, query: SetQuery): number {
    for (let i = 0; i < this.list.length; i++) {
      const { place, slot } = this.list[i];
      const asked = query.members ?? query;
      if (this.extensions.hasEnded(slot, this.now) || askSet(place.set, skb, par, asked) !== SET_MATCH) continue;
      query.info = asked.info;
      if (this.extensions.matches(slot, skb.len, query)) return SET_MATCH;
    }
    return SET_NO_MATCH;
  }

  /** The first member that takes it. */
  addPacket(skb: SkBuff, par: XtParam, query: SetQuery, options: ElementOptions, exist: boolean): boolean {
    return this.list.some(({ place: { set } }) => fits(set, query) && set.addPacket(skb, par, query, options, exist));
  }

  deletePacket(skb: SkBuff, par: XtParam, query: SetQuery): boolean {
    return this.list.some(({ place: { set } }) => fits(set, query) && set.deletePacket(skb, par, query));
  }

  dispose(): void {
    this.flush();
  }

  private stands(at: number, { side, place }: MemberWhere): boolean {
    return this.list[side === 'before' ? at + 1 : at - 1]?.place === place;
  }

  private removeAt(at: number): void {
    const [{ place, slot }] = this.list.splice(at, 1);
    place.references--;
    this.extensions.forget(slot);
  }

  private collect(): void {
    if (this.options.timeout === null) return;
    for (let i = this.list.length - 1; i >= 0; i--) if (this.extensions.hasEnded(this.list[i].slot, this.now)) this.removeAt(i);
  }
}

export const REFERENCE_NOT_ADDED = "The set to which you referred with 'before' or 'after' is not added to the set.";

function fits({ type }: IpSet, { dimension }: SetQuery): boolean {
  return dimension >= type.parts.length;
}
