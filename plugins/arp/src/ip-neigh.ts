/** ip-neigh.ts — `ip neigh` (cf. ip-neighbour(8), iproute2 ip/ipneigh.c). */
import {
  type Command,
  CommandError,
  type CommandIo,
  duparg,
  duparg2,
  type InetPrefix,
  invarg,
  matches,
  type NetDevice,
  NUD_NONE,
  NUD_PERMANENT,
  rtprotA2n,
  toAddress,
  toLladdr,
  Words,
} from '@packetwalk/framework';
import type { Arp } from './arp.ts';
import { neighLine, type PrintOptions, printedNeigh, printedProxy } from './ip-neigh-print.ts';
import { ipNeighFlush, ipNeighShow } from './ip-neigh-show.ts';
import { NTF_EXT_LEARNED, NTF_MANAGED, NTF_ROUTER } from './neighbour-entry.ts';
import { type NeighVerb, NTF_PROXY, NTF_USE, neighAdd, neighDelete } from './neighbour-request.ts';
import { nudStateByName } from './nud-names.ts';

const USAGE = `Usage: ip neigh { add | change | replace | del } { [ to ] ADDR | proxy ADDR } dev DEV
                [ lladdr LLADDR ] [ nud STATE ] [ router ] [ use ] [ managed ]
                [ extern_learn ] [ protocol PROTO ]
       ip neigh { show | flush } [ proxy ] [ [ to ] PREFIX ] [ dev DEV ] [ nud STATE ]
                [ master DEV | nomaster ] [ unused ] [ protocol PROTO ]
       ip neigh get { ADDR | proxy ADDR } dev DEV
STATE := { permanent | noarp | reachable | stale | delay | probe | incomplete | failed | none }
`;

export function ipNeighCommand(arp: Arp): Command {
  return {
    name: 'ip neigh',
    summary: 'show and change neighbours',
    usage: USAGE,
    run(args, io) {
      const words = new Words(args);
      if (words.done) return ipNeighShow(arp, words, io);
      const verb = words.next();
      if (matches(verb, 'add')) ipNeighAdd(arp, words, { create: true, exclusive: true, replace: false });
      else if (matches(verb, 'change') || verb === 'chg') ipNeighAdd(arp, words, { create: false, exclusive: false, replace: true });
      else if (matches(verb, 'replace')) ipNeighAdd(arp, words, { create: true, exclusive: false, replace: true });
      else if (matches(verb, 'delete')) ipNeighDelete(arp, words);
      else if (matches(verb, 'get')) ipNeighGet(arp, words, io);
      else if (matches(verb, 'show') || matches(verb, 'lst') || matches(verb, 'list')) ipNeighShow(arp, words, io);
      else if (matches(verb, 'flush')) ipNeighFlush(arp, words, io);
      else if (matches(verb, 'help')) help();
      else throw new CommandError(`Command "${verb}" is unknown, try "ip neigh help".`, 255);
    },
  };
}

function help(): never {
  throw new CommandError(USAGE.trimEnd(), 255);
}

/** What stands behind `add`, `change`, `replace` and `del`. */
interface Modification {
  readonly address: number;
  readonly dev: NetDevice | null;
  readonly lladdr: Uint8Array | null;
  readonly nudState: number;
  readonly flags: number;
  readonly protocol: number;
}

/** Adds the entry that the words behind `ip neigh add` describe, as the section `neighbours:` has them. */
export function ipNeighAdd(arp: Arp, words: Words, verb: NeighVerb): void {
  neighAdd(arp, parseModification(arp, words), verb);
}

function ipNeighDelete(arp: Arp, words: Words): void {
  const { address, dev, flags } = parseModification(arp, words);
  neighDelete(arp, address, dev, (flags & NTF_PROXY) !== 0);
}

function parseModification(arp: Arp, words: Words): Modification {
  let address: InetPrefix | null = null;
  let dev: string | null = null;
  let lladdr: string | null = null;
  let nudState = NUD_PERMANENT;
  let flags = 0;
  let protocol = 0;
  while (!words.done) {
    let word = words.next();
    if (word === 'lladdr') {
      word = words.next();
      if (lladdr !== null) duparg('lladdr', word);
      lladdr = word;
    } else if (word === 'nud') {
      word = words.next();
      nudState = nudStateByName(word) ?? invarg('nud state is bad', word);
    } else if (matches(word, 'proxy')) {
      address = takeProxyAddress(words, address);
      flags |= NTF_PROXY;
    } else if (word === 'router') {
      flags |= NTF_ROUTER;
    } else if (word === 'use') {
      flags |= NTF_USE;
      nudState = NUD_NONE;
    } else if (word === 'managed') {
      flags |= NTF_MANAGED;
      nudState = NUD_NONE;
    } else if (matches(word, 'extern_learn')) {
      flags |= NTF_EXT_LEARNED;
    } else if (word === 'dev') {
      dev = words.next();
    } else if (matches(word, 'protocol')) {
      word = words.next();
      protocol = rtprotA2n(word) ?? invarg('"protocol" value is invalid\n', word);
    } else {
      if (matches(word, 'help')) help();
      address = takeAddress(words, word, address);
    }
  }
  const everywhere = dev === null && (flags & NTF_PROXY) !== 0;
  if ((dev === null && !everywhere) || address === null || address.any)
    throw new CommandError('Device and destination are required arguments.', 255);
  return {
    address: address.address,
    lladdr: lladdr === null || lladdr === 'null' ? null : toLladdr(lladdr),
    dev: dev === null ? null : arp.net.needDevice(dev),
    nudState,
    flags,
    protocol,
  };
}

/** The address behind `proxy`. */
function takeProxyAddress(words: Words, before: InetPrefix | null): InetPrefix {
  const word = words.next();
  if (matches(word, 'help')) help();
  if (before !== null) duparg('address', word);
  return toAddress(word, 'unspec');
}

/** An address, with or without `to` in front. */
function takeAddress(words: Words, word: string, before: InetPrefix | null): InetPrefix {
  const text = word === 'to' ? words.next() : word;
  if (matches(text, 'help')) help();
  if (before !== null) duparg2('to', text);
  return toAddress(text, 'unspec');
}

/** Prints one entry; iproute2 prints text here even with `-j`. */
function ipNeighGet(arp: Arp, words: Words, io: CommandIo): void {
  let address: InetPrefix | null = null;
  let devName: string | null = null;
  let proxy = false;
  while (!words.done) {
    const word = words.next();
    if (word === 'dev') {
      devName = words.next();
    } else if (matches(word, 'proxy')) {
      address = takeProxyAddress(words, address);
      proxy = true;
    } else {
      address = takeAddress(words, word, address);
    }
  }
  if (devName === null || address === null) throw new CommandError('Device and address are required arguments.');
  const dev = arp.net.needDevice(devName);
  const options: PrintOptions = {
    dev: null,
    stats: io.flags.has('stats'),
    numeric: io.flags.has('numeric'),
    jiffies: arp.net.softirq.jiffies,
  };
  if (proxy) {
    const entry = arp.proxies.lookup(address.address, dev);
    if (entry === null) throw new CommandError('Error: Proxy neighbour entry not found.', 2);
    io.out(neighLine(printedProxy(entry, options)));
  } else {
    const neigh = arp.tbl.find(address.address, dev);
    if (neigh === null) throw new CommandError('Error: Neighbour entry not found.', 2);
    io.out(neighLine(printedNeigh(neigh, options)));
  }
}
