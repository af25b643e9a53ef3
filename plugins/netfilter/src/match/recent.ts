/** match/recent.ts — `-m recent`: has this address been seen lately, and how often (cf. Linux net/netfilter/xt_recent.c)? */
import {
  defineMatch,
  formatIpv4,
  IP_DADDR,
  IP_SADDR,
  IP_TTL,
  type ProcFiles,
  parseIpv4,
  type SkBuff,
  type XtMatch,
  type XtParam,
  XtProblem,
  xtParseMask,
  xtString,
  xtUint,
} from '@packetwalk/framework';
import { RecentList } from './recent-list.ts';
import { words } from './words.ts';

const OPERATIONS = { set: 'SET', rcheck: 'CHECK', update: 'UPDATE', remove: 'REMOVE' } as const;
type Operation = keyof typeof OPERATIONS;

interface Recent {
  readonly operation: Operation;
  readonly invert: boolean;
  readonly seconds: number;
  readonly reap: boolean;
  readonly hitcount: number;
  readonly rttl: boolean;
  readonly name: string;
  readonly mask: number;
  readonly dest: boolean;
  list: RecentList | null;
}

const MAX_NAME = 200;
const MAX_HITS = 65535;

/** @param proc where the lists are shown, and may be written to: `+10.0.0.1`, `-10.0.0.1`, `/` for all */
export function recent(proc: ProcFiles): XtMatch {
  const lists = new Map<string, { list: RecentList; undo: () => void }>();
  const others = (own: Operation): Operation[] => (Object.keys(OPERATIONS) as Operation[]).filter((o) => o !== own);
  return defineMatch({
    name: 'recent',
    options: {
      set: { invert: true, excludes: others('set') },
      rcheck: { invert: true, excludes: others('rcheck') },
      update: { invert: true, excludes: others('update') },
      remove: { invert: true, excludes: others('remove') },
      seconds: { value: xtUint(0xffffffff, 1) },
      reap: { also: ['seconds'] },
      hitcount: { value: xtUint(MAX_HITS) },
      rttl: { excludes: ['set', 'remove'] },
      name: { value: xtString(MAX_NAME) },
      mask: { value: (text: string) => xtParseMask(text) },
      rsource: {},
      rdest: {},
    },
    init(o): Recent {
      const operation = (Object.keys(OPERATIONS) as Operation[]).find((name) => o[name] !== undefined);
      if (operation === undefined) throw new XtProblem("recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'");
      return {
        operation,
        invert: o[operation]?.invert === true,
        seconds: o.seconds?.value ?? 0,
        reap: o.reap !== undefined,
        hitcount: o.hitcount?.value ?? 0,
        rttl: o.rttl !== undefined,
        name: o.name?.value ?? 'DEFAULT',
        mask: o.mask?.value ?? -1,
        dest: o.rdest !== undefined,
        list: null,
      };
    },
    check({ operation, name, seconds, hitcount }) {
      if (name === '' || name.includes('/')) return 'a name cannot be empty or have a "/"';
      const counts = operation === 'rcheck' || operation === 'update';
      return !counts && (seconds !== 0 || hitcount !== 0) ? '--seconds and --hitcount go with --rcheck and --update' : null;
    },
    attach(data) {
      let known = lists.get(data.name);
      if (known === undefined) {
        const list = new RecentList();
        const undo = proc.add(`net/xt_recent/${data.name}`, { read: () => list.text(), write: (text) => write(list, text) });
        known = { list, undo };
        lists.set(data.name, known);
      }
      known.list.users++;
      known.list.count(data.hitcount);
      data.list = known.list;
    },
    destroy({ name, list }) {
      if (list === null || --list.users > 0) return;
      lists.get(name)?.undo();
      lists.delete(name);
    },
    save(data) {
      const { operation, invert, seconds, reap, hitcount, rttl, name, mask, dest } = data;
      return words(
        `${invert ? '! ' : ''}--${operation}`,
        seconds === 0 ? '' : `--seconds ${seconds}`,
        reap ? '--reap' : '',
        hitcount === 0 ? '' : `--hitcount ${hitcount}`,
        rttl ? '--rttl' : '',
        `--name ${name}`,
        `--mask ${formatIpv4(mask)}`,
        dest ? '--rdest' : '--rsource',
      );
    },
    print(data) {
      const { operation, invert, seconds, reap, hitcount, rttl, name, mask, dest } = data;
      return words(
        `${invert ? '! ' : ''}recent: ${OPERATIONS[operation]}`,
        seconds === 0 ? '' : `seconds: ${seconds}`,
        reap ? 'reap' : '',
        hitcount === 0 ? '' : `hit_count: ${hitcount}`,
        rttl ? 'TTL-Match' : '',
        `name: ${name}`,
        `side: ${dest ? 'dest' : 'source'}`,
        `mask: ${formatIpv4(mask)}`,
      );
    },
    match: (skb, par, data) => recentMatch(skb, par, data, data.list as RecentList),
  });
}

function recentMatch(skb: SkBuff, par: XtParam, data: Recent, list: RecentList): boolean {
  const { view } = skb.head;
  const now = skb.net.softirq.jiffies;
  const address = view.getInt32(skb.networkHeader + (data.dest ? IP_DADDR : IP_SADDR)) & data.mask;
  // As it was before forwarding took one off.
  const ttl = view.getUint8(skb.networkHeader + IP_TTL) + (par.state.out === null ? 0 : 1);
  const entry = list.find(address, data.rttl ? ttl : 0);
  if (entry === undefined) {
    if (data.operation !== 'set') return data.invert;
    list.add(address, ttl, now);
    return !data.invert;
  }
  let found = data.operation === 'set' || data.operation === 'remove';
  if (data.operation === 'remove') list.delete(address);
  const since = data.seconds === 0 ? Number.NEGATIVE_INFINITY : now - data.seconds * 1000;
  if (!found) found = enough(entry.stamps, since, data.hitcount);
  const result = found !== data.invert;
  if (data.reap) list.reap(since, data.operation === 'update' && result ? entry : null);
  if (data.operation === 'set' || (data.operation === 'update' && result)) {
    list.update(entry, now);
    entry.ttl = ttl;
  }
  return result;
}

/** Are there `hits` times since `since`? 0 asks for one. */
function enough(stamps: readonly number[], since: number, hits: number): boolean {
  let count = 0;
  for (const stamp of stamps) if (stamp >= since && ++count >= hits) return true;
  return false;
}

function write(list: RecentList, text: string): void {
  const line = text.trim();
  if (line === '/') {
    list.clear();
    return;
  }
  const address = parseIpv4(line.slice(1));
  if (address === null || !'+-'.includes(line[0])) throw new XtProblem('Invalid argument');
  if (line[0] === '-') list.delete(address);
  // The jiffies of a written entry are 0: it was seen once, and nobody knows when.
  else if (list.find(address, 0) === undefined) list.add(address, 0, 0);
}
