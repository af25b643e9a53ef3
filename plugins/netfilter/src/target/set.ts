/** target/set.ts — `-j SET`: puts the packet's addresses into sets, takes them out, or does to the packet what a set says (cf. Linux net/netfilter/xt_set.c). */
import {
  defineTarget,
  NF_IP_FORWARD,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  XT_CONTINUE,
  XtProblem,
  type XtTarget,
  type XtValue,
  xtNumber,
} from '@packetwalk/framework';
import { type ElementOptions, NO_OPTIONS, type SetQuery, type SkbInfo } from '../ipset/extensions.ts';
import { SET_MATCH } from '../ipset/ip-set.ts';
import type { IpSets } from '../ipset/ip-sets.ts';
import { type NamedSet, namedSet, namedSetText, setQuery } from '../ipset/named-set.ts';
import { askSet } from '../ipset/set-question.ts';
import { words } from '../match/words.ts';

interface Asked {
  readonly named: NamedSet;
  readonly query: SetQuery;
}

interface SetTarget {
  readonly add: Asked | null;
  readonly del: Asked | null;
  readonly map: Asked | null;
  readonly exist: boolean;
  /** Seconds; null for the set's own. */
  readonly timeout: number | null;
  readonly mapMark: boolean;
  readonly mapPrio: boolean;
  readonly mapQueue: boolean;
  readonly added: (length: number) => ElementOptions;
}

/** Hooks where a packet is about to leave by a queue. */
const LEAVING = (1 << NF_IP_FORWARD) | (1 << NF_IP_LOCAL_OUT) | (1 << NF_IP_POST_ROUTING);
const MAX_TIMEOUT = 0xfffffffe;

const timeoutOf: XtValue<number> = (text) => {
  const value = xtNumber(text, 0, MAX_TIMEOUT);
  if (value === null) throw new XtProblem(`Invalid value for option --timeout or out of range 0-${MAX_TIMEOUT}`);
  return value;
};

export function set(sets: IpSets): XtTarget {
  const value = namedSet(sets);
  return defineTarget({
    name: 'SET',
    options: {
      'add-set': { value, words: 2, twice: '--add-set can be specified only once' },
      'del-set': { value, words: 2, twice: '--del-set can be specified only once' },
      'map-set': { value, words: 2, twice: '--map-set can be specified only once' },
      exist: {},
      timeout: { value: timeoutOf },
      'map-mark': {},
      'map-prio': {},
      'map-queue': {},
    },
    init(o): SetTarget {
      const asked = (given: { readonly value: NamedSet } | undefined): Asked | null =>
        given === undefined ? null : { named: given.value, query: setQuery(given.value) };
      const add = asked(o['add-set']);
      const del = asked(o['del-set']);
      const map = asked(o['map-set']);
      if (add === null && del === null && map === null) {
        throw new XtProblem("You must specify either `--add-set' or `--del-set' or `--map-set'");
      }
      if (add === null && o.exist !== undefined) throw new XtProblem("Flag `--exist' can be used with `--add-set' only");
      if (add === null && o.timeout !== undefined) throw new XtProblem("Option `--timeout' can be used with `--add-set' only");
      const maps = { mapMark: o['map-mark'] !== undefined, mapPrio: o['map-prio'] !== undefined, mapQueue: o['map-queue'] !== undefined };
      if (map === null) {
        const flag = maps.mapMark ? 'mark' : maps.mapPrio ? 'prio' : maps.mapQueue ? 'queue' : '';
        if (flag !== '') throw new XtProblem(`Flag \`--map-${flag}' can be used with \`--map-set' only`);
      } else if (!maps.mapMark && !maps.mapPrio && !maps.mapQueue) {
        throw new XtProblem("You must specify flags `--map-mark' or '--map-prio` or `--map-queue'");
      }
      const timeout = o.timeout?.value ?? null;
      return {
        add,
        del,
        map,
        exist: o.exist !== undefined,
        timeout,
        ...maps,
        added: (bytes) => ({ ...NO_OPTIONS, timeout, packets: 1, bytes }),
      };
    },
    save: (data) => text(data, '--'),
    print: (data) => text(data, ''),
    check({ map, mapPrio, mapQueue }, { table, hooks }) {
      if (map === null) return null;
      if (table !== 'mangle') return '--map-set only usable from mangle table';
      return (mapPrio || mapQueue) && (hooks & ~LEAVING) !== 0 ? 'packets have a priority and a queue only where they leave' : null;
    },
    target(skb, par, { add, del, map, exist, added, mapMark, mapPrio, mapQueue }) {
      if (add !== null && fits(add)) add.named.place.set.addPacket(skb, par, add.query, added(skb.len), exist);
      if (del !== null && fits(del)) del.named.place.set.deletePacket(skb, par, del.query);
      if (map === null) return XT_CONTINUE;
      map.query.info = null;
      if (askSet(map.named.place.set, skb, par, map.query) !== SET_MATCH) return XT_CONTINUE;
      const { info } = map.query as { readonly info: SkbInfo | null };
      if (mapMark) skb.mark = (skb.mark & ~(info?.mask ?? 0)) ^ (info?.mark ?? 0);
      if (mapPrio) skb.priority = info?.priority ?? 0;
      if (mapQueue) skb.queue = info?.queue ?? 0;
      return XT_CONTINUE;
    },
    attach({ add, del, map }) {
      for (const asked of [add, del, map]) if (asked !== null) asked.named.place.references++;
    },
    destroy({ add, del, map }) {
      for (const asked of [add, del, map]) if (asked !== null) asked.named.place.references--;
    },
  });
}

/** A rule that names too few parts changes nothing. */
function fits({ named, query }: Asked): boolean {
  return query.dimension >= named.place.set.type.parts.length;
}

function text(data: SetTarget, hyphens: string): string {
  const option = (name: string, asked: Asked | null): string => (asked === null ? '' : `${hyphens}${name} ${namedSetText(asked.named)}`);
  const flag = (name: string, on: boolean): string => (on ? `${hyphens}${name}` : '');
  return words(
    option('add-set', data.add),
    flag('exist', data.exist),
    data.timeout === null ? '' : `${hyphens}timeout ${data.timeout}`,
    option('del-set', data.del),
    option('map-set', data.map),
    flag('map-mark', data.mapMark),
    flag('map-prio', data.mapPrio),
    flag('map-queue', data.mapQueue),
  );
}
