/** ip-tunnel.ts — `ip tunnel`: tunnels by their own command (ip-tunnel(8); cf. iproute2 ip/iptunnel.c, Linux ip_tunnel_ctl). */
import {
  type Command,
  CommandError,
  type CommandIo,
  duparg2,
  getUnsigned,
  IFF_POINTOPOINT,
  IPPROTO_GRE,
  IPPROTO_IPIP,
  invarg,
  iprouteJson,
  ipv4IsMulticast,
  isDevName,
  matches,
  type Net,
  unregisterNetdev,
  Words,
} from '@packetwalk/framework';
import { GRE_KEY } from './gre-header.ts';
import { emptyParms, type Tunnel, type TunnelParms } from './tunnel.ts';
import { tunnelJson, tunnelText } from './tunnel-print.ts';
import { greWord, ttlWithoutPmtudisc, tunnelTos, tunnelTtl } from './tunnel-words.ts';
import type { TunnelKind } from './tunnels.ts';

const USAGE = `Usage: ip tunnel { add | change | del | show | prl | 6rd } [ NAME ]
        [ mode { gre | ipip | isatap | sit | vti } ]
        [ remote ADDR ] [ local ADDR ]
        [ [i|o]seq ] [ [i|o]key KEY ] [ [i|o]csum ]
        [ prl-default ADDR ] [ prl-nodefault ADDR ] [ prl-delete ADDR ]
        [ 6rd-prefix ADDR ] [ 6rd-relay_prefix ADDR ] [ 6rd-reset ]
        [ ttl TTL ] [ tos TOS ] [ [no]pmtudisc ] [ dev PHYS_DEV ]

Where:	NAME := STRING
	ADDR := { IP_ADDRESS | any }
	TOS  := { STRING | 00..ff | inherit | inherit/STRING | inherit/00..ff }
	TTL  := { 1..255 | inherit }
	KEY  := { DOTTED_QUAD | NUMBER }
`;

const USAGE_STATUS = 255;

/** Modes that iproute2 knows, and the protocol of those that are here. */
const MODE_PROTOCOLS: Readonly<Record<string, number>> = {
  ipip: IPPROTO_IPIP,
  'ip/ip': IPPROTO_IPIP,
  gre: IPPROTO_GRE,
  'gre/ip': IPPROTO_GRE,
};

interface TunnelRequest {
  readonly name: string;
  readonly parms: TunnelParms;
}

export class IpTunnel {
  private readonly net: Net;
  private readonly kinds: readonly [TunnelKind, TunnelKind];

  constructor(net: Net, ipip: TunnelKind, gre: TunnelKind) {
    this.net = net;
    this.kinds = [ipip, gre];
  }

  command(): Command {
    return {
      name: 'ip tunnel',
      summary: 'show and change ipip and gre tunnels',
      usage: USAGE,
      run: (args, io) => {
        const words = new Words(args);
        const word = words.done ? 'show' : words.next();
        if (matches(word, 'add')) this.add(this.parse(words, false));
        else if (matches(word, 'change')) this.change(this.parse(words, true));
        else if (matches(word, 'delete')) this.del(this.parse(words, false));
        else if (matches(word, 'show') || matches(word, 'lst') || matches(word, 'list')) this.show(this.parse(words, false), io);
        else if (matches(word, 'prl')) {
          this.parse(words, false);
          throw new CommandError('Must specify device', USAGE_STATUS);
        } else if (matches(word, 'help')) {
          io.err(USAGE);
          return USAGE_STATUS;
        } else throw new CommandError(`Command "${word}" is unknown, try "ip tunnel help"`, USAGE_STATUS);
        return 0;
      },
    };
  }

  /** The tunnel that a device is, or undefined. */
  private of(name: string): Tunnel | undefined {
    const dev = this.net.device(name);
    return dev === undefined ? undefined : (this.kinds[0].table.of(dev) ?? this.kinds[1].table.of(dev));
  }

  private kindOf(protocol: number): TunnelKind {
    return this.kinds[protocol === IPPROTO_GRE ? 1 : 0];
  }

  /** Reads the words behind the verb (parse_args). `change` starts from what the named tunnel is. */
  private parse(words: Words, change: boolean): TunnelRequest {
    let name = '';
    let device = '';
    let parms = emptyParms(0);
    for (let count = 0; !words.done; count++) {
      const word = words.next();
      if (word === 'mode') {
        const mode = words.next();
        const protocol = MODE_PROTOCOLS[mode];
        if (protocol === undefined) throw new CommandError(`Unknown tunnel mode "${mode}"`, USAGE_STATUS);
        if (parms.protocol !== 0 && parms.protocol !== protocol) {
          throw new CommandError('You managed to ask for more than one tunnel mode.', USAGE_STATUS);
        }
        parms.protocol = protocol;
      } else if (word === 'nopmtudisc') parms.pmtudisc = false;
      else if (word === 'pmtudisc') parms.pmtudisc = true;
      else if (word === 'remote') parms.remote = tunnelAddress(words.next());
      else if (word === 'local') parms.local = tunnelAddress(words.next());
      else if (word === 'dev') device = words.next();
      else if (word === 'ttl' || word === 'hoplimit' || word === 'hlim') parms.ttl = tunnelTtl(words.next()) || parms.ttl;
      else if (word === 'tos' || word === 'tclass' || matches(word, 'dsfield')) parms.tos = tunnelTos(words.next(), 'bad TOS value');
      else if (!greWord(word, words, parms)) {
        const value = word === 'name' ? words.next() : word;
        if (name !== '') duparg2('name', value);
        if (!isDevName(value)) invarg('"name" not a valid ifname', value);
        name = value;
        if (change && count === 0) {
          const old = this.of(name);
          if (old === undefined) throw new CommandError(`get tunnel "${name}" failed: No such device`);
          parms = { ...old.parms };
        }
      }
    }
    if (parms.protocol === 0) parms.protocol = name.startsWith('gre') ? IPPROTO_GRE : name.startsWith('ipip') ? IPPROTO_IPIP : 0;
    this.check(parms, device);
    return { name, parms };
  }

  private check(parms: TunnelParms, device: string): void {
    if (((parms.iFlags | parms.oFlags) & GRE_KEY) !== 0 && parms.protocol === IPPROTO_IPIP) {
      throw new CommandError('Keys are not allowed with ipip and sit tunnels');
    }
    if (device !== '') {
      const dev = this.net.device(device);
      if (dev === undefined) throw new CommandError(`Cannot find device "${device}"`);
      parms.link = dev.ifindex;
    }
    if (ipv4IsMulticast(parms.remote) && parms.local === 0) throw new CommandError('A broadcast tunnel requires a source address');
  }

  private add({ name, parms }: TunnelRequest): void {
    if (parms.ttl !== 0 && !parms.pmtudisc) ttlWithoutPmtudisc(1);
    if (parms.protocol === 0) throw new CommandError('cannot determine tunnel mode (ipip, gre, vti or sit)');
    const kind = this.kindOf(parms.protocol);
    kind.load();
    const chosen = name !== '' ? name : freeName(this.net, kind.kind);
    if (this.net.device(chosen) !== undefined || kind.table.find(parms) !== undefined) refused('add', kind.fallbackName, 'File exists');
    // A tunnel to a group would have to join it.
    if (ipv4IsMulticast(parms.remote)) refused('add', kind.fallbackName, 'Operation not supported');
    kind.create(chosen, parms, { bounded: true });
  }

  private change({ name, parms }: TunnelRequest): void {
    if (parms.ttl !== 0 && !parms.pmtudisc) ttlWithoutPmtudisc(1);
    if (parms.protocol === 0) throw new CommandError('cannot determine tunnel mode (ipip, gre, vti or sit)');
    const kind = this.kindOf(parms.protocol);
    kind.load();
    const named = name === '' ? kind.fallbackName : name;
    const dev = this.net.device(named) ?? refused('add', named, 'No such device');
    const own = kind.table.of(dev) ?? refused('add', named, 'Operation not supported');
    const twin = kind.table.find(parms);
    if (own === kind.table.fallback) {
      kind.update(twin ?? refused('add', named, 'No such file or directory'), parms);
      return;
    }
    if (twin !== undefined && twin !== own) refused('add', named, 'File exists');
    const pointToPoint = (own.dev.flags & IFF_POINTOPOINT) !== 0;
    if (twin === undefined && pointToPoint !== (parms.remote !== 0)) refused('add', named, 'Invalid argument');
    kind.update(own, parms);
  }

  private del({ name, parms }: TunnelRequest): void {
    const named = name === '' && parms.protocol !== 0 ? this.kindOf(parms.protocol).fallbackName : name;
    const dev = this.net.device(named) ?? refused('delete', name, 'No such device');
    const { table } = this.kinds.find((kind) => kind.table.of(dev) !== undefined) ?? refused('delete', name, 'Operation not supported');
    const { fallback } = table;
    if (dev !== fallback?.dev) {
      unregisterNetdev(dev);
      return;
    }
    // The fallback device stands for all of its kind: the tunnel with these parameters is meant.
    const meant = table.find({ ...parms, iFlags: parms.iFlags & GRE_KEY }) ?? refused('delete', name, 'No such file or directory');
    if (meant === fallback) refused('delete', name, 'Operation not permitted');
    unregisterNetdev(meant.dev);
  }

  private show({ name, parms }: TunnelRequest, io: CommandIo): void {
    const shown = this.selected(name, parms);
    if (io.flags.has('json')) {
      // Here iproute2 ends a line behind the objects.
      io.out(`${iprouteJson(shown.map(tunnelJson), io.flags.has('pretty')).replace(/\}( ?\])$/, '}\n$1')}\n`);
      return;
    }
    io.out(shown.map((tunnel) => tunnelText(tunnel, io.flags.has('stats'))).join(''));
  }

  private selected(name: string, parms: TunnelParms): Tunnel[] {
    // With a mode and no name, iproute2 asks the kind's own device.
    if (parms.protocol !== 0 && name === '') {
      const { table } = this.kindOf(parms.protocol);
      const found = table.find(parms) ?? table.fallback;
      return found === null ? [] : [found];
    }
    const all = [...this.kinds[0].table.all(), ...this.kinds[1].table.all()].sort((a, b) => a.dev.ifindex - b.dev.ifindex);
    return all.filter(
      (t) =>
        (name === '' || t.dev.name === name) &&
        (parms.remote === 0 || t.parms.remote === parms.remote) &&
        (parms.local === 0 || t.parms.local === parms.local) &&
        (parms.link === 0 || t.parms.link === parms.link) &&
        ((parms.iFlags & GRE_KEY) === 0 || t.parms.iKey === parms.iKey),
    );
  }
}

/** The kernel refused to change a tunnel. */
function refused(verb: 'add' | 'delete', name: string, why: string): never {
  throw new CommandError(`${verb} tunnel "${name}" failed: ${why}`);
}

/** An address, or `any`; iproute2 lets numbers at the end be left out. */
function tunnelAddress(word: string): number {
  if (word === 'any' || word === 'all' || word === 'default') return 0;
  const parts = word.split('.');
  const bytes = [0, 1, 2, 3].map((i) => (i < parts.length ? getUnsigned(parts[i], 255) : 0));
  if (parts.length > 4 || bytes.some((byte) => byte === null)) {
    throw new CommandError(`Error: an IP address is expected rather than "${word}"`);
  }
  const [a, b, c, d] = bytes as number[];
  return (a << 24) | (b << 16) | (c << 8) | d;
}

/** `ipip0`, `gre1` … */
function freeName(net: Net, kind: string): string {
  for (let n = 0; ; n++) if (net.device(`${kind}${n}`) === undefined) return `${kind}${n}`;
}
