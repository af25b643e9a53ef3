/** ipset/ip-sets.ts — the sets of a router, by name (cf. Linux net/netfilter/ipset/ip_set_core.c). */
import type { Net } from '@packetwalk/framework';
import { BitmapSet } from './bitmap-set.ts';
import { type CreateOptions, sameOptions } from './create-options.ts';
import { HashSet } from './hash-set.ts';
import type { IpSet } from './ip-set.ts';
import { IpsetError, NO_SET } from './ipset-error.ts';
import { ListSet } from './list-set.ts';
import type { SetType } from './set-type.ts';

/** Where a set is: rules and lists hold on to the place, and what is in it may be swapped. */
export interface SetPlace {
  name: string;
  set: IpSet;
  /** Rules and lists that name it. */
  references: number;
}

export class IpSets {
  readonly net: Net;
  private readonly places = new Map<string, SetPlace>();

  constructor(net: Net) {
    this.net = net;
  }

  find(name: string): SetPlace | undefined {
    return this.places.get(name);
  }

  need(name: string): SetPlace {
    const place = this.places.get(name);
    if (place === undefined) throw new IpsetError(NO_SET);
    return place;
  }

  /** In the order in which they were made, lists behind the sets that they may name. */
  all(): SetPlace[] {
    const all = [...this.places.values()];
    const isList = ({ set }: SetPlace): boolean => set.type.method === 'list';
    return [...all.filter((place) => !isList(place)), ...all.filter(isList)];
  }

  create(name: string, type: SetType, options: CreateOptions, exist: boolean): void {
    const known = this.places.get(name);
    if (known !== undefined) {
      if (exist && known.set.type === type && sameOptions(known.set.options, options)) return;
      throw new IpsetError('Set cannot be created: set with the same name already exists');
    }
    const Kind = type.method === 'hash' ? HashSet : type.method === 'bitmap' ? BitmapSet : ListSet;
    this.places.set(name, { name, set: new Kind(type, options, this.net), references: 0 });
  }

  /** Throws IpsetError while something names it. */
  destroy(name: string): void {
    const place = this.need(name);
    if (place.references > 0) throw new IpsetError(IN_USE);
    this.remove(place);
  }

  /** All of them, or none while something names one. */
  destroyAll(): void {
    if (this.all().some(({ references }) => references > 0)) throw new IpsetError(IN_USE);
    for (const place of this.all()) this.remove(place);
  }

  private remove({ name, set }: SetPlace): void {
    set.dispose();
    this.places.delete(name);
  }

  rename(from: string, to: string): void {
    const place = this.need(from);
    if (place.references > 0) throw new IpsetError('Set cannot be renamed: it is in use by another system');
    if (this.places.has(to)) throw new IpsetError('Set cannot be renamed: a set with the new name already exists');
    const all = [...this.places.values()];
    place.name = to;
    this.places.clear();
    for (const each of all) this.places.set(each.name, each);
  }

  swap(from: string, to: string): void {
    const a = this.need(from);
    const b = this.places.get(to);
    if (b === undefined) throw new IpsetError('Sets cannot be swapped: the second set does not exist');
    if (a.set.type !== b.set.type) throw new IpsetError('The sets cannot be swapped: their type does not match');
    [a.set, b.set] = [b.set, a.set];
  }
}

const IN_USE = 'Set cannot be destroyed: it is in use by a kernel component';
