/**
 * parser.ts — the grammar of filters (pcap-filter(7)). `and` and `or` bind alike, from the left; `not` binds tighter. A
 * value without qualifiers takes those before it: `port 80 or 443`.
 */
import { suggestion } from '../config/did-you-mean.ts';
import { CommandError } from '../errors.ts';
import { ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 } from '../wire/ethernet.ts';
import { IPPROTO_AH, IPPROTO_ESP, IPPROTO_ICMP, IPPROTO_IGMP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../wire/ipv4.ts';
import { VLAN_N_VID } from '../wire/vlan.ts';
import {
  ADDRESSED,
  addressTest,
  both,
  type Direction,
  ETH_P_RARP,
  either,
  etherHost,
  etherMulticast,
  etherType,
  ipMulticast,
  ipProtocol,
  lengthTest,
  not,
  type PacketTest,
  portTest,
  vlanTest,
  WITH_PORTS,
} from './primitive.ts';
import { readCount, readEtherType, readHost, readMac, readNet, readNumber, readPorts, readProtocol, refuse, unknownWord } from './value.ts';

/** Protocols by EtherType, and by IP protocol with the family it is looked for in (0: both). */
const LINK_PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['ip', ETH_P_IP],
  ['ip6', ETH_P_IPV6],
  ['arp', ETH_P_ARP],
  ['rarp', ETH_P_RARP],
]);
const IP_PROTOCOLS: ReadonlyMap<string, readonly [number: number, family: number]> = new Map([
  ['icmp', [IPPROTO_ICMP, ETH_P_IP]],
  ['igmp', [IPPROTO_IGMP, ETH_P_IP]],
  ['tcp', [IPPROTO_TCP, 0]],
  ['udp', [IPPROTO_UDP, 0]],
  ['sctp', [IPPROTO_SCTP, 0]],
  ['esp', [IPPROTO_ESP, 0]],
  ['ah', [IPPROTO_AH, 0]],
  ['icmp6', [58, ETH_P_IPV6]],
  ['pim', [103, 0]],
  ['vrrp', [112, ETH_P_IP]],
]);
const TYPES = ['host', 'net', 'port', 'portrange', 'proto'] as const;
const OTHERS = ['vlan', 'less', 'greater', 'broadcast', 'multicast', 'ether'];
const OPERATORS: ReadonlyMap<string, string> = new Map([
  ['&&', 'and'],
  ['||', 'or'],
  ['!', 'not'],
]);
const KEYWORDS: ReadonlySet<string> = new Set([
  ...LINK_PROTOCOLS.keys(),
  ...IP_PROTOCOLS.keys(),
  ...TYPES,
  ...OTHERS,
  'src',
  'dst',
  'and',
  'or',
  'not',
  '(',
  ')',
]);

/** What stands in front of a value. */
interface Head {
  /** `ether`, `ip`, `tcp` …, or empty. */
  readonly protocol: string;
  readonly direction: Direction;
  readonly type: (typeof TYPES)[number];
}

/** The test that a filter describes. Throws CommandError that names the word. */
export function parseFilter(text: string): PacketTest {
  return new FilterParser(text).whole();
}

class FilterParser {
  private readonly words: readonly string[];
  private at = 0;
  private tags = 0;
  private head: Head | null = null;

  constructor(text: string) {
    const words = text.match(/[()]|!|&&|\|\||[^\s()!&|]+|[&|]/g) ?? [];
    this.words = words.map((word) => OPERATORS.get(word) ?? word);
  }

  whole(): PacketTest {
    if (this.words.length === 0) return () => true;
    const test = this.expression();
    if (this.at < this.words.length) {
      const word = this.words[this.at];
      refuse(word, word === ')' ? 'no parenthesis is open' : `and, or missing in front of it${suggestion(word, ['and', 'or'])}`);
    }
    return test;
  }

  private expression(): PacketTest {
    let test = this.term();
    for (;;) {
      if (this.take('and')) test = both(test, this.term());
      else if (this.take('or')) test = either(test, this.term());
      else return test;
    }
  }

  private term(): PacketTest {
    if (this.take('not')) return not(this.term());
    if (this.take('(')) {
      this.head = null;
      return this.closed(this.expression());
    }
    const word = this.next();
    if (!KEYWORDS.has(word) && this.head !== null) return this.value(this.head, word);
    this.head = null;
    if (word === 'vlan') return this.vlan();
    if (word === 'less') return lengthTest(0, readCount(this.next(), 'a length', 0xffffffff));
    if (word === 'greater') return lengthTest(readCount(this.next(), 'a length', 0xffffffff), Number.POSITIVE_INFINITY);
    if (word === 'broadcast') return etherHost(BROADCAST, 'dst');
    if (word === 'multicast') return etherMulticast;
    return this.qualified(word);
  }

  /** A term that starts with qualifiers: protocol, direction, type. */
  private qualified(first: string): PacketTest {
    const protocol = first === 'ether' || LINK_PROTOCOLS.has(first) || IP_PROTOCOLS.has(first) ? first : '';
    if (protocol === '') this.at--;
    if (protocol === 'ether' || protocol === 'ip') {
      if (this.take('multicast')) return protocol === 'ip' ? ipMulticast(this.tags) : etherMulticast;
      if (protocol === 'ether' && this.take('broadcast')) return etherHost(BROADCAST, 'dst');
    }
    const start = this.at;
    const direction = this.direction();
    const type = TYPES.find((name) => this.take(name));
    if (this.at === start) {
      if (protocol === '') return unknownWord(this.next(), KEYWORDS);
      if (protocol === 'ether') return refuse(protocol, 'host, src, dst, proto, broadcast or multicast must follow');
      return this.protocolAlone(protocol);
    }
    const head: Head = { protocol, direction, type: type ?? 'host' };
    return this.take('(') ? this.values(head) : this.firstValue(head);
  }

  private protocolAlone(protocol: string): PacketTest {
    const type = LINK_PROTOCOLS.get(protocol);
    if (type !== undefined) return etherType(type, this.tags);
    const [number, family] = IP_PROTOCOLS.get(protocol) as readonly [number, number];
    return ipProtocol(number, family, this.tags);
  }

  private firstValue(head: Head): PacketTest {
    const word = this.next();
    if (word === 'not' || word === ')' || word === '(') return refuse(word, `a value must stand behind ${head.type}`);
    this.head = head;
    return this.value(head, word);
  }

  /** `host (A or B)`. */
  private values(head: Head): PacketTest {
    let test = this.firstValue(head);
    for (;;) {
      if (this.take('or')) test = either(test, this.value(head, this.next()));
      else if (this.take('and')) test = both(test, this.value(head, this.next()));
      else return this.closed(test);
    }
  }

  private closed(test: PacketTest): PacketTest {
    if (this.take(')')) return test;
    if (this.at === this.words.length) throw new CommandError('filter: a parenthesis is not closed', 2);
    return refuse(this.words[this.at], '")", and, or missing in front of it');
  }

  private direction(): Direction {
    const first = this.take('src') ? 'src' : this.take('dst') ? 'dst' : null;
    if (first === null) return 'or';
    const other = first === 'src' ? 'dst' : 'src';
    const [joint, second] = [this.words[this.at], this.words[this.at + 1]];
    if (second !== other || (joint !== 'or' && joint !== 'and')) return first;
    this.at += 2;
    return joint;
  }

  private vlan(): PacketTest {
    const id = readNumber(this.words[this.at] ?? '');
    const test = vlanTest(id === null ? null : readCount(this.next(), 'a VLAN id', VLAN_N_VID - 1), this.tags);
    this.tags++;
    return test;
  }

  private value({ protocol, direction, type }: Head, word: string): PacketTest {
    if (type === 'port' || type === 'portrange') {
      const number = IP_PROTOCOLS.get(protocol)?.[0];
      if (protocol !== '' && (number === undefined || !WITH_PORTS.includes(number))) refuse(type, `${protocol} has no ports`);
      const [low, high] = readPorts(word, type === 'portrange');
      return portTest(low, high, direction, number === undefined ? WITH_PORTS : [number], this.tags);
    }
    if (type === 'proto') return this.protoTest(protocol, word);
    if (protocol === 'ether') {
      if (type === 'net') refuse(type, 'ether has no networks');
      return etherHost(readMac(word), direction);
    }
    const linkType = LINK_PROTOCOLS.get(protocol);
    if (protocol !== '' && (linkType === undefined || protocol === 'ip6')) refuse(type, `${protocol} has no IPv4 addresses`);
    const types = linkType === undefined ? ADDRESSED : [linkType];
    if (type === 'host') return addressTest(readHost(word), -1, direction, types, this.tags);
    const { address, mask } = readNet(word, this.take('mask') ? this.next() : null);
    return addressTest(address, mask, direction, types, this.tags);
  }

  private protoTest(protocol: string, word: string): PacketTest {
    if (protocol === 'ether') return etherType(readEtherType(word), this.tags);
    if (protocol !== '' && protocol !== 'ip' && protocol !== 'ip6') refuse('proto', `${protocol} has no protocols on top`);
    return ipProtocol(readProtocol(word), LINK_PROTOCOLS.get(protocol) ?? 0, this.tags);
  }

  private take(word: string): boolean {
    if (this.words[this.at] !== word) return false;
    this.at++;
    return true;
  }

  private next(): string {
    if (this.at === this.words.length) throw new CommandError(`filter: something must follow "${this.words.at(-1)}"`, 2);
    return this.words[this.at++];
  }
}

const BROADCAST: Uint8Array = new Uint8Array(6).fill(255);
