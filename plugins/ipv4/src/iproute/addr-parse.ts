/** iproute/addr-parse.ts — an address as `ip addr add` takes it (cf. iproute2 ip/ipaddress.c ipaddr_modify). */
import {
  CommandError,
  duparg,
  duparg2,
  formatIpv4,
  getUnsigned,
  IFA_F_NOPREFIXROUTE,
  type InetPrefix,
  inetMakeMask,
  invarg,
  matches,
  type Net,
  type NetDevice,
  type NewIfaddr,
  toAddress,
  toPrefix,
  type Words,
} from '@packetwalk/framework';
import { FOREVER } from '../address-lifetime.ts';
import { scopeNumber } from './route-types.ts';

export interface ParsedAddress {
  readonly dev: NetDevice;
  readonly spec: NewIfaddr;
  /** A prefix length or a peer was typed: a deletion compares it then. */
  readonly lengthGiven: boolean;
  readonly labelGiven: boolean;
}

/** What a word for a broadcast address may be besides an address: all host bits 1, or 0. */
type Broadcast = number | '+' | '-';

/** Words of an address as they were read. */
class AddressWords {
  local: InetPrefix | null = null;
  peer: InetPrefix | null = null;
  broadcast: Broadcast | undefined;
  scope: number | undefined;
  label: string | undefined;
  metric: number | undefined;
  flags = 0;
  dev: string | undefined;
  private readonly lifetimes = new Map<string, number>();

  read(words: Words): void {
    while (!words.done) this.word(words.next(), words);
    if (this.dev === undefined) throw new CommandError('Not enough information: "dev" argument is required.');
  }

  private word(word: string, words: Words): void {
    if (word === 'peer' || word === 'remote') {
      const value = words.next();
      if (this.peer !== null) duparg('peer', value);
      this.peer = toPrefix(value, 'unspec');
    } else if (matches(word, 'broadcast') || word === 'brd') {
      const value = words.next();
      if (this.broadcast !== undefined) duparg('broadcast', value);
      this.broadcast = value === '+' || value === '-' ? value : toAddress(value, 'inet').address;
    } else if (word === 'anycast') {
      toAddress(words.next(), 'unspec');
      throw new CommandError('RTNETLINK answers: Operation not supported', 2);
    } else if (word === 'scope') this.scope = scopeNumber(words.next(), 'invalid scope value.');
    else if (word === 'dev') this.dev = words.next();
    else if (word === 'label') this.label = words.next();
    else if (word === 'metric' || word === 'priority' || word === 'preference') this.metric = words.u32('"metric" value is invalid');
    else if (matches(word, 'valid_lft')) this.lifetime('valid_lft', words);
    else if (matches(word, 'preferred_lft')) this.lifetime('preferred_lft', words);
    else if (word === 'noprefixroute') this.flags |= IFA_F_NOPREFIXROUTE;
    else this.address(word, words);
  }

  private address(word: string, words: Words): void {
    const value = word === 'local' ? words.next() : word;
    if (matches(value, 'help')) throw new CommandError('', 255);
    if (this.local !== null) duparg2('local', value);
    this.local = toPrefix(value, 'unspec');
  }

  private lifetime(name: string, words: Words): void {
    if (this.lifetimes.has(name)) duparg(name, words.peek() ?? '');
    const value = words.next();
    this.lifetimes.set(name, value === 'forever' ? FOREVER : (getUnsigned(value) ?? invarg(`${name} value`, value)));
  }

  /** Seconds that the address will be valid and preferred. */
  takeLifetimes(): { valid?: number; preferred?: number } {
    if (this.lifetimes.size === 0) return {};
    const valid = this.lifetimes.get('valid_lft') ?? FOREVER;
    const preferred = this.lifetimes.get('preferred_lft') ?? FOREVER;
    if (valid === 0) throw new CommandError('valid_lft is zero');
    if (valid < preferred) throw new CommandError('preferred_lft is greater than valid_lft');
    return { valid, preferred };
  }
}

const WILDCARD = (local: string): string => `Warning: Executing wildcard deletion to stay compatible with old scripts.
         Explicitly specify the prefix length (${local}/32) to avoid this warning.
         This special behaviour is likely to disappear in further releases,
         fix your scripts!
`;

/**
 * Reads what follows `ip addr add` or `del`.
 * @param given the device, when it is known beforehand: of an entry of `addresses:`
 * @param warn takes what iproute2 warns of when an address is deleted; null: it is not
 */
export function parseAddress(words: Words, net: Net, given?: NetDevice, warn: ((text: string) => void) | null = null): ParsedAddress {
  const w = new AddressWords();
  w.dev = given?.name;
  w.read(words);
  const { local, peer } = w;
  const wildcard = warn !== null && peer === null && local !== null && !local.any && !local.specified;
  if (wildcard) warn(WILDCARD(formatIpv4(local.address)));
  const dev = net.needDevice(w.dev as string);
  if (local === null || local.any) throw new CommandError('RTNETLINK answers: Operation not supported', 2);
  const lifetimes = warn === null ? w.takeLifetimes() : {};
  const prefixlen = peer !== null ? peer.length : local.length;
  return {
    dev,
    lengthGiven: !wildcard,
    labelGiven: w.label !== undefined,
    spec: {
      local: local.address,
      prefixlen,
      flags: w.flags,
      ...lifetimes,
      ...(peer === null ? {} : { address: peer.address }),
      ...(w.broadcast === undefined ? {} : { broadcast: broadcastOf(w.broadcast, peer ?? local) }),
      ...(w.scope === undefined ? {} : { scope: w.scope }),
      ...(w.label === undefined ? {} : { label: w.label }),
      ...(w.metric === undefined ? {} : { metric: w.metric }),
    },
  };
}

/** `+` and `-` stand for the network's own, where there is one. */
function broadcastOf(word: Broadcast, { address, length }: InetPrefix): number {
  if (word !== '+' && word !== '-') return word;
  if (length > 30) return 0;
  const mask = inetMakeMask(length);
  return word === '+' ? address | ~mask : address & mask;
}
