/** iproute/addr-parse.ts — an address as `ip addr add` takes it (cf. iproute2 ip/ipaddress.c ipaddr_modify). */
import {
  CommandError,
  duparg2,
  inetMakeMask,
  invarg,
  matches,
  missarg,
  type Net,
  type NetDevice,
  type NewIfaddr,
  toAddress,
  toPrefix,
  type Words,
} from '@packetwalk/framework';
import { scopeNumber } from './route-types.ts';

export interface ParsedAddress {
  readonly dev: NetDevice;
  readonly spec: NewIfaddr;
  /** A prefix length or a scope was typed: a deletion compares it then. */
  readonly lengthGiven: boolean;
  readonly labelGiven: boolean;
}

/** Reads what follows `ip addr add`. `dev` may be given beforehand (an entry of `addresses:`). */
export function parseAddress(words: Words, net: Net, given?: NetDevice): ParsedAddress {
  let local: { address: number; length: number; specified: boolean } | null = null;
  let peer: { address: number; length: number } | null = null;
  let broadcast: number | undefined;
  let scope: number | undefined;
  let label: string | undefined;
  let metric: number | undefined;
  let flags = 0;
  let dev = given;
  while (!words.done) {
    let word = words.next();
    if (word === 'peer' || word === 'remote') peer = toPrefix(words.next());
    else if (matches(word, 'broadcast') || word === 'brd') {
      const value = words.next();
      broadcast = value === '+' || value === '-' ? (value === '+' ? -2 : -3) : toAddress(value).address;
    } else if (word === 'scope') scope = scopeNumber(words.next());
    else if (word === 'dev') dev = net.needDevice(words.next());
    else if (word === 'label') label = words.next();
    else if (matches(word, 'metric') || matches(word, 'priority') || word === 'preference')
      metric = words.u32('"metric" value is invalid\n');
    else if (word === 'valid_lft' || word === 'preferred_lft') {
      const value = words.next();
      if (value !== 'forever') invarg('only "forever" is supported here\n', value);
    } else if (word === 'noprefixroute') flags |= 0x200;
    else if (matches(word, 'anycast')) throw new CommandError('RTNETLINK answers: Operation not supported', 2);
    else {
      if (word === 'local') word = words.next();
      if (matches(word, 'help')) throw new CommandError('', 255);
      if (local !== null) duparg2('local', word);
      local = toPrefix(word);
    }
  }
  if (dev === undefined) throw new CommandError('Not enough information: "dev" argument is required.', 255);
  if (local === null) missarg('local');
  if (label !== undefined && !(label === dev.name || label.startsWith(`${dev.name}:`))) {
    throw new CommandError(`"dev" (${dev.name}) must match "label" (${label}).`, 255);
  }
  const prefixlen = peer !== null ? peer.length : local.length;
  const mask = inetMakeMask(prefixlen);
  if (broadcast === -2) broadcast = local.address | ~mask;
  else if (broadcast === -3) broadcast = local.address & mask;
  return {
    dev,
    lengthGiven: local.specified,
    labelGiven: label !== undefined,
    spec: {
      local: local.address,
      prefixlen,
      flags,
      ...(peer === null ? {} : { address: peer.address }),
      ...(broadcast === undefined ? {} : { broadcast }),
      ...(scope === undefined ? {} : { scope }),
      ...(label === undefined ? {} : { label }),
      ...(metric === undefined ? {} : { metric }),
    },
  };
}
