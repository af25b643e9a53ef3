/** link-type.ts — `ip link add … type ipip|gre` and `ip link set … type ipip|gre` (ip-link(8); iproute2 ip/link_iptnl.c, ip/link_gre.c). */
import {
  CommandError,
  getUnsigned,
  IPPROTO_GRE,
  IPPROTO_IPIP,
  invarg,
  type LinkKind,
  matches,
  type Net,
  toAddress,
  type Words,
} from '@packetwalk/framework';
import { emptyParms, type Tunnel, type TunnelParms } from './tunnel.ts';
import { linkDetails, linkDetailsJson } from './tunnel-print.ts';
import { greWord, greWordOff, ttlWithoutPmtudisc, tunnelTos, tunnelTtl } from './tunnel-words.ts';
import type { TunnelKind } from './tunnels.ts';

const USAGE_STATUS = 255;

const IPIP_USAGE = `Usage: ... ipip  	[ remote ADDR ]
			[ local ADDR ]
			[ ttl TTL ]
			[ tos TOS ]
			[ [no]pmtudisc ]
			[ dev PHYS_DEV ]
			[ fwmark MARK ]
			[ mode { ipip | any } ]

Where:	ADDR := { IP_ADDRESS | any }
	TOS  := { NUMBER | inherit }
	TTL  := { 1..255 | inherit }
	MARK := { 0x0..0xffffffff }
`;

const GRE_USAGE = `Usage: ... gre	[ remote ADDR ]
		[ local ADDR ]
		[ [no][i|o]seq ]
		[ [i|o]key KEY | no[i|o]key ]
		[ [no][i|o]csum ]
		[ ttl TTL ]
		[ tos TOS ]
		[ [no]pmtudisc ]
		[ [no]ignore-df ]
		[ dev PHYS_DEV ]
		[ fwmark MARK ]

Where:	ADDR := { IP_ADDRESS | any }
	TOS  := { NUMBER | inherit }
	TTL  := { 1..255 | inherit }
	KEY  := { DOTTED_QUAD | NUMBER }
	MARK := { 0x0..0xffffffff }
`;

/** The kind of link that a kind of tunnel is. */
export function tunnelLinkKind(kind: TunnelKind): LinkKind {
  return {
    kind: kind.kind,
    create(net, name, link, words, { mtu }) {
      const parms = emptyParms(kind.gre ? IPPROTO_GRE : 0);
      readParms(kind, net, words, parms);
      if (link !== null) parms.link = link.ifindex;
      kind.load();
      return kind.create(name, parms, mtu === undefined ? {} : { mtu });
    },
    change(dev, words) {
      const tunnel = kind.table.of(dev) as Tunnel;
      const parms = { ...tunnel.parms };
      readParms(kind, dev.net, words, parms);
      const twin = kind.table.find(parms);
      if (twin !== undefined && twin !== tunnel) throw new CommandError('RTNETLINK answers: File exists', 2);
      kind.update(tunnel, parms);
    },
    remove: (dev) => kind.remove(dev),
    details: (dev) => linkDetails(kind.table.of(dev) as Tunnel, kind.gre),
    detailsJson: (dev) => linkDetailsJson(kind.table.of(dev) as Tunnel, kind.gre),
  };
}

/** Reads the words behind the kind into `parms`. */
function readParms(kind: TunnelKind, net: Net, words: Words, parms: TunnelParms): void {
  while (!words.done) {
    const word = words.next();
    if (word === 'remote') parms.remote = toAddress(words.next()).address;
    else if (word === 'local') parms.local = toAddress(words.next()).address;
    else if (matches(word, 'ttl') || matches(word, 'hoplimit') || matches(word, 'hlim')) {
      parms.ttl = tunnelTtl(words.next());
      if (parms.ttl !== 0) parms.pmtudisc = true;
    } else if (word === 'tos' || word === 'tclass' || matches(word, 'dsfield')) parms.tos = tunnelTos(words.next(), 'bad TOS value');
    else if (word === 'nopmtudisc') parms.pmtudisc = false;
    else if (word === 'pmtudisc') parms.pmtudisc = true;
    else if (word === 'dev') parms.link = needLink(net, words.next());
    else if (word === 'fwmark') {
      const mark = words.next();
      parms.fwmark = (getUnsigned(mark) ?? invarg('invalid fwmark\n', mark)) | 0;
    } else if (word === 'noencap') continue;
    else if (kind.gre) readGre(word, words, parms);
    else if (word === 'mode') parms.protocol = ipipMode(words.next());
    else usage(kind);
  }
  if (parms.ttl !== 0 && !parms.pmtudisc) ttlWithoutPmtudisc(USAGE_STATUS);
}

function readGre(word: string, words: Words, parms: TunnelParms): void {
  const off = /^no[io]?(seq|csum|key)$/.test(word);
  if (word === 'ignore-df') parms.ignoreDf = true;
  else if (word === 'noignore-df') parms.ignoreDf = false;
  else if (off) greWordOff(word.slice(2), parms);
  else if (!greWord(word, words, parms)) throw new CommandError(GRE_USAGE.trimEnd());
}

function ipipMode(word: string): number {
  if (word === 'ipip' || word === 'ipv4/ipv4' || word === 'ip4ip4' || word === 'ip4/ip4') return IPPROTO_IPIP;
  if (word === 'any') return 0;
  return invarg('Cannot guess tunnel mode.', word);
}

function needLink(net: Net, name: string): number {
  const dev = net.device(name);
  if (dev === undefined) throw new CommandError(`Cannot find device "${name}"`, USAGE_STATUS);
  return dev.ifindex;
}

function usage(kind: TunnelKind): never {
  throw new CommandError((kind.gre ? GRE_USAGE : IPIP_USAGE).trimEnd());
}
