/** tunnel-print.ts — tunnels as `ip tunnel show` and `ip -d link show` print them (iproute2 ip/iptunnel.c, link_iptnl.c, link_gre.c). */
import {
  COLLISIONS,
  dsfieldN2a,
  formatIpv4,
  IPPROTO_GRE,
  IPPROTO_IPIP,
  MULTICAST,
  type NetDevice,
  RX_BYTES,
  RX_ERRORS,
  RX_FIFO_ERRORS,
  RX_FRAME_ERRORS,
  RX_PACKETS,
  TX_BYTES,
  TX_CARRIER_ERRORS,
  TX_DROPPED,
  TX_ERRORS,
  TX_PACKETS,
} from '@packetwalk/framework';
import { GRE_CSUM, GRE_KEY, GRE_SEQ } from './gre-header.ts';
import type { Tunnel, TunnelParms } from './tunnel.ts';

const MODES: Readonly<Record<number, string>> = { 0: 'any', [IPPROTO_IPIP]: 'ip', [IPPROTO_GRE]: 'gre' };

const addressOrAny = (address: number): string => (address === 0 ? 'any' : formatIpv4(address));

/** What is demanded and sent with GRE, in iproute2's order: the text's lines and the names of JSON. */
function greFlags({ iFlags, oFlags }: TunnelParms): (readonly [string, string])[] {
  const flags: (readonly [string, string])[] = [];
  if ((iFlags & GRE_SEQ) !== 0) flags.push(['  Drop packets out of sequence.', 'rx_drop_ooseq']);
  if ((iFlags & GRE_CSUM) !== 0) flags.push(['  Checksum in received packet is required.', 'rx_csum']);
  if ((oFlags & GRE_SEQ) !== 0) flags.push(['  Sequence packets on output.', 'tx_seq']);
  if ((oFlags & GRE_CSUM) !== 0) flags.push(['  Checksum output packets.', 'tx_csum']);
  return flags;
}

function keys({ iFlags, oFlags, iKey, oKey }: TunnelParms): Record<string, number> {
  const [input, output] = [(iFlags & GRE_KEY) !== 0, (oFlags & GRE_KEY) !== 0];
  if (input && output && iKey === oKey) return { key: iKey >>> 0 };
  return { ...(input ? { ikey: iKey >>> 0 } : {}), ...(output ? { okey: oKey >>> 0 } : {}) };
}

/** The lines about a tunnel, each with its newline. */
export function tunnelText({ dev, parms }: Tunnel, stats: boolean): string {
  const { ttl, tos } = parms;
  const words = [
    `${dev.name}: ${MODES[parms.protocol]}/ip`,
    `remote ${addressOrAny(parms.remote)} local ${addressOrAny(parms.local)}`,
    ...deviceWords(dev, parms),
    `ttl ${ttl === 0 ? 'inherit' : ttl}`,
  ];
  if (tos !== 0) words.push(`tos ${tos === 1 ? 'inherit' : (tos & 1) !== 0 ? `inherit/${dsfieldN2a(tos & ~1)}` : dsfieldN2a(tos)}`);
  if (!parms.pmtudisc) words.push('nopmtudisc');
  for (const [name, key] of Object.entries(keys(parms))) words.push(`${name} ${key}`);
  const lines = [words.join(' '), ...(parms.protocol === IPPROTO_GRE ? greFlags(parms).map(([line]) => line) : [])];
  if (stats) lines.push(...statsLines(dev));
  return lines.map((line) => `${line}\n`).join('');
}

const deviceWords = (dev: NetDevice, parms: TunnelParms): string[] => {
  const link = dev.net.devByIndex[parms.link] ?? null;
  return link === null ? [] : [`dev ${link.name}`];
};

function statsLines({ stats: s }: NetDevice): string[] {
  const row = (values: readonly number[], widths: readonly number[]): string =>
    `    ${values.map((value, i) => String(value).padEnd(widths[i])).join(' ')}`;
  return [
    'RX: Packets    Bytes        Errors CsumErrs OutOfSeq Mcasts',
    row([s[RX_PACKETS], s[RX_BYTES], s[RX_ERRORS], s[RX_FRAME_ERRORS], s[RX_FIFO_ERRORS], s[MULTICAST]], [10, 12, 6, 8, 8, 8]),
    'TX: Packets    Bytes        Errors DeadLoop NoRoute  NoBufs',
    row([s[TX_PACKETS], s[TX_BYTES], s[TX_ERRORS], s[COLLISIONS], s[TX_CARRIER_ERRORS], s[TX_DROPPED]], [10, 12, 6, 8, 8, 6]),
  ];
}

/** The tunnel as one object of `ip -j tunnel show`. */
export function tunnelJson({ dev, parms }: Tunnel): object {
  const { ttl, tos } = parms;
  const link = dev.net.devByIndex[parms.link] ?? null;
  return {
    ifname: dev.name,
    mode: `${MODES[parms.protocol]}/ip`,
    remote: formatIpv4(parms.remote),
    local: formatIpv4(parms.local),
    ...(link === null ? {} : { dev: link.name }),
    ...(ttl === 0 ? {} : { ttl }),
    ...(tos > 1 ? { tos: dsfieldN2a(tos & ~1) } : {}),
    ...(parms.pmtudisc ? {} : { nopmtudisc: null }),
    ...keys(parms),
    ...(parms.protocol === IPPROTO_GRE ? { flags: greFlags(parms).map(([, name]) => name) } : {}),
  };
}

const LINK_MODES: Readonly<Record<number, string>> = { 0: 'any', [IPPROTO_IPIP]: 'ipip' };

/** What `ip -d link show` prints behind the kind. */
export function linkDetails({ dev, parms }: Tunnel, gre: boolean): string {
  const { ttl, tos, iFlags, oFlags } = parms;
  const words = gre ? [] : [LINK_MODES[parms.protocol]];
  words.push(`remote ${addressOrAny(parms.remote)} local ${addressOrAny(parms.local)}`, ...deviceWords(dev, parms));
  words.push(`ttl ${ttl === 0 ? 'inherit' : ttl}`);
  if (tos !== 0) words.push(`tos ${tos === 1 ? 'inherit' : `0x${tos.toString(16)}`}`);
  if (!parms.pmtudisc) words.push('nopmtudisc');
  else if (!gre) words.push('pmtudisc');
  if ((iFlags & GRE_KEY) !== 0) words.push(`ikey ${formatIpv4(parms.iKey)}`);
  if ((oFlags & GRE_KEY) !== 0) words.push(`okey ${formatIpv4(parms.oKey)}`);
  for (const [name] of linkFlags(parms)) words.push(name);
  if (parms.ignoreDf) words.push('ignore-df');
  if (parms.fwmark !== 0) words.push(`fwmark 0x${(parms.fwmark >>> 0).toString(16)}`);
  return `${words.join(' ')} `;
}

function linkFlags({ iFlags, oFlags }: TunnelParms): (readonly [string])[] {
  const names: (readonly [string])[] = [];
  if ((iFlags & GRE_SEQ) !== 0) names.push(['iseq']);
  if ((oFlags & GRE_SEQ) !== 0) names.push(['oseq']);
  if ((iFlags & GRE_CSUM) !== 0) names.push(['icsum']);
  if ((oFlags & GRE_CSUM) !== 0) names.push(['ocsum']);
  return names;
}

/** The members of `info_data` in `ip -j -d link show`. */
export function linkDetailsJson({ dev, parms }: Tunnel, gre: boolean): object {
  const { ttl, tos, iFlags, oFlags } = parms;
  const link = dev.net.devByIndex[parms.link] ?? null;
  return {
    ...(gre ? {} : { proto: LINK_MODES[parms.protocol] }),
    remote: addressOrAny(parms.remote),
    local: addressOrAny(parms.local),
    ...(link === null ? {} : { link: link.name }),
    ttl,
    ...(tos === 0 ? {} : { tos: `0x${tos.toString(16)}` }),
    pmtudisc: parms.pmtudisc,
    ...((iFlags & GRE_KEY) === 0 ? {} : { ikey: formatIpv4(parms.iKey) }),
    ...((oFlags & GRE_KEY) === 0 ? {} : { okey: formatIpv4(parms.oKey) }),
    ...Object.fromEntries(linkFlags(parms).map(([name]) => [name, true])),
  };
}
