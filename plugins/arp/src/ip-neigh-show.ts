/** ip-neigh-show.ts — `ip neigh show` and `flush`: which entries, and what happens to them (cf. iproute2 ip/ipneigh.c). */
import {
  CommandError,
  type CommandIo,
  duparg,
  type InetPrefix,
  inetMakeMask,
  invarg,
  iprouteJson,
  matches,
  type NetDevice,
  NUD_FAILED,
  NUD_NOARP,
  NUD_NONE,
  NUD_PERMANENT,
  rtprotA2n,
  toPrefix,
  type Words,
} from '@packetwalk/framework';
import type { Arp } from './arp.ts';
import { neighLine, type PrintedNeigh, type PrintOptions, printedNeigh, printedProxy } from './ip-neigh-print.ts';
import { type NeighbourEntry, NTF_EXT_LEARNED } from './neighbour-entry.ts';
import { neighDelete } from './neighbour-request.ts';
import { nudStateByName } from './nud-names.ts';
import type { ProxyEntry } from './proxy-table.ts';

/** Stands for NUD_NONE in a set of states. */
const STATE_NONE = 0x100;
const ALL_STATES = 0x1ff;
/** Rounds in which `flush` tries to empty the table. */
const MAX_ROUNDS = 10;

interface NeighFilter {
  prefix: InetPrefix | null;
  dev: NetDevice | null;
  /** States as bits, NUD_NONE as {@link STATE_NONE}. */
  states: number;
  proxy: boolean;
  /** Only entries that nobody holds. */
  unused: boolean;
  /** Only devices of this one; `none`: of no other. */
  master: NetDevice | 'none' | null;
  /** RTPROT_*; 0: any. */
  protocol: number;
}

/** Prints the entries that the words choose. */
export function ipNeighShow(arp: Arp, words: Words, io: CommandIo): void {
  const filter = parseFilter(arp, words, 0xff & ~NUD_NOARP, 0);
  const options: PrintOptions = {
    dev: filter.dev,
    stats: io.flags.has('stats'),
    numeric: io.flags.has('numeric'),
    jiffies: arp.net.softirq.jiffies,
  };
  const printed: PrintedNeigh[] = filter.proxy
    ? chosenProxies(arp, filter).map((entry) => printedProxy(entry, options))
    : chosen(arp, filter).map((neigh) => printedNeigh(neigh, options));
  if (io.flags.has('json')) io.out(`${iprouteJson(printed, io.flags.has('pretty'))}\n`);
  else for (const neigh of printed) io.out(neighLine(neigh));
}

/** Deletes the entries that the words choose: by default not the permanent ones. */
export function ipNeighFlush(arp: Arp, words: Words, io: CommandIo): void {
  if (words.done) throw new CommandError('Flush requires arguments.');
  const filter = parseFilter(arp, words, ALL_STATES & ~(NUD_PERMANENT | NUD_NOARP), NUD_NOARP);
  const stats = io.flags.has('stats');
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const proxies = filter.proxy ? chosenProxies(arp, filter) : [];
    const neighs = filter.proxy ? [] : chosen(arp, filter);
    const count = proxies.length + neighs.length;
    if (count === 0) {
      if (stats) io.out(round === 0 ? 'Nothing to flush.\n' : `*** Flush is complete after ${round} round${round > 1 ? 's' : ''} ***\n`);
      return;
    }
    if (stats) io.out(`\n*** Round ${round + 1}, deleting ${count} entries ***\n`);
    for (const { key, dev } of proxies) arp.proxies.delete(key, dev);
    for (const { key, dev } of neighs) neighDelete(arp, key, dev, false);
    filter.states &= ~NUD_FAILED;
  }
  throw new CommandError(`*** Flush not complete bailing out after ${MAX_ROUNDS} rounds`);
}

/**
 * @param states what is chosen when no state is named
 * @param notAll what `nud all` leaves out
 */
function parseFilter(arp: Arp, words: Words, states: number, notAll: number): NeighFilter {
  const filter: NeighFilter = { prefix: null, dev: null, states, proxy: false, unused: false, master: null, protocol: 0 };
  let devName: string | null = null;
  let stateGiven = false;
  while (!words.done) {
    let word = words.next();
    if (word === 'dev') {
      word = words.next();
      if (devName !== null) duparg('dev', word);
      devName = word;
    } else if (word === 'master') {
      word = words.next();
      filter.master = arp.net.device(word) ?? invarg('Device does not exist\n', word);
    } else if (word === 'vrf') {
      word = words.next();
      invarg('Not a valid VRF name\n', word);
    } else if (word === 'nomaster') {
      filter.master = 'none';
    } else if (word === 'unused') {
      filter.unused = true;
    } else if (word === 'nud') {
      word = words.next();
      if (!stateGiven) filter.states = 0;
      stateGiven = true;
      filter.states |= word === 'all' ? ALL_STATES & ~notAll : stateBit(word);
    } else if (word === 'proxy') {
      filter.proxy = true;
    } else if (matches(word, 'protocol')) {
      word = words.next();
      filter.protocol = word === 'all' ? 0 : (rtprotA2n(word) ?? invarg('invalid "protocol"\n', word));
    } else {
      if (word === 'to') word = words.next();
      filter.prefix = toPrefix(word, 'unspec');
    }
  }
  if (devName !== null) filter.dev = arp.net.needDevice(devName);
  return filter;
}

function stateBit(word: string): number {
  const state = nudStateByName(word) ?? invarg('nud state is bad', word);
  return state === NUD_NONE ? STATE_NONE : state;
}

function chosen(arp: Arp, filter: NeighFilter): NeighbourEntry[] {
  return [...arp.tbl.entries()].filter((neigh) => {
    const state = neigh.nudState === NUD_NONE ? STATE_NONE : neigh.nudState;
    if ((filter.states & state) === 0 && (neigh.flags & NTF_EXT_LEARNED) === 0) return false;
    return !(filter.unused && neigh.refcnt !== 0) && suits(neigh, filter);
  });
}

function chosenProxies(arp: Arp, filter: NeighFilter): ProxyEntry[] {
  return [...arp.proxies.entries()].filter((entry) => suits(entry, filter));
}

function suits({ key, dev, protocol }: NeighbourEntry | ProxyEntry, { prefix, dev: wanted, master, protocol: by }: NeighFilter): boolean {
  if (wanted !== null && dev !== wanted) return false;
  if (master === 'none' ? dev?.master != null : master !== null && dev?.master !== master) return false;
  if (by !== 0 && protocol !== by) return false;
  return prefix === null || ((key ^ prefix.address) & inetMakeMask(prefix.length)) === 0;
}
