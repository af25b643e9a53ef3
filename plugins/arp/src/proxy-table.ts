/** proxy-table.ts — addresses that are answered for on behalf of others (struct pneigh_entry, `ip neigh add proxy`). */
import type { NetDevice } from '@packetwalk/framework';

export interface ProxyEntry {
  readonly key: number;
  /** Where requests are answered; null: on every device. */
  readonly dev: NetDevice | null;
  /** NTF_* */
  flags: number;
  /** RTPROT_* of who added it; 0: nobody said. */
  protocol: number;
  /** It stays when the link is lost. */
  permanent: boolean;
}

export class ProxyTable {
  private readonly byKey = new Map<number, ProxyEntry[]>();

  /** The entry that has requests on `dev` answered, or null (pneigh_lookup). */
  lookup(key: number, dev: NetDevice): ProxyEntry | null {
    return this.byKey.get(key)?.find((entry) => entry.dev === dev || entry.dev === null) ?? null;
  }

  /** Adds an entry, or changes the one that answers there already (pneigh_create). */
  create(key: number, dev: NetDevice | null, flags: number, protocol: number, permanent: boolean): void {
    const list = this.byKey.get(key) ?? [];
    let entry = list.find((e) => e.dev === dev || e.dev === null);
    if (entry === undefined) {
      entry = { key, dev, flags, protocol, permanent };
      list.push(entry);
      this.byKey.set(key, list);
      return;
    }
    entry.flags = flags;
    entry.permanent = permanent;
    if (protocol !== 0) entry.protocol = protocol;
  }

  /** Removes the entry for exactly this device; false when there is none (pneigh_delete). */
  delete(key: number, dev: NetDevice | null): boolean {
    return this.remove(key, (entry) => entry.dev === dev);
  }

  /** Removes the entries of a device; with `skipPermanent` only those that are not permanent (pneigh_ifdown). */
  ifdown(dev: NetDevice, skipPermanent: boolean): void {
    for (const key of [...this.byKey.keys()]) this.remove(key, (entry) => entry.dev === dev && !(skipPermanent && entry.permanent));
  }

  *entries(): IterableIterator<ProxyEntry> {
    for (const list of this.byKey.values()) yield* list;
  }

  private remove(key: number, which: (entry: ProxyEntry) => boolean): boolean {
    const list = this.byKey.get(key) ?? [];
    const rest = list.filter((entry) => !which(entry));
    if (rest.length === list.length) return false;
    if (rest.length === 0) this.byKey.delete(key);
    else this.byKey.set(key, rest);
    return true;
  }
}
