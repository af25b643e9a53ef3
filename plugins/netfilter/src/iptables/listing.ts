/** iptables/listing.ts — `iptables -L`: chains and rules in columns (cf. iptables' nft-ipv4.c, nft-shared.c). */
import { formatIpv4, NF_ACCEPT, protocolName, xtFormatMask } from '@packetwalk/framework';
import type { Chain } from '../chain.ts';
import { IPT_INV_DSTIP, IPT_INV_FRAG, IPT_INV_PROTO, IPT_INV_SRCIP, IPT_INV_VIA_IN, IPT_INV_VIA_OUT, type IpEntry } from '../ip-entry.ts';
import type { RuleSpec, RuleTarget } from '../rule.ts';

/** Names that every system has in /etc/hosts and /etc/networks; others are not looked up. */
const HOSTS: ReadonlyMap<number, string> = new Map([[0x7f000001, 'localhost']]);
const NETWORKS: ReadonlyMap<number, string> = new Map([
  [0x7f000000, 'loopback'],
  [0xa9fe0000 | 0, 'link-local'],
]);

export interface ListingStyle {
  readonly numeric: boolean;
  readonly verbose: boolean;
  readonly exact: boolean;
  readonly lineNumbers: boolean;
}

/** `12345`, `123K`, `12M` … right-aligned (xtables_print_num). */
function countText(count: number, exact: boolean): string {
  if (exact) return String(count).padStart(8);
  if (count <= 99999) return String(count).padStart(5);
  let n = count;
  for (const unit of ['K', 'M', 'G']) {
    n = Math.floor((n + 500) / 1000);
    if (n <= 9999) return String(n).padStart(4) + unit;
  }
  return `${String(Math.floor((n + 500) / 1000)).padStart(4)}T`;
}

/** What stands above a chain's rules. `references`: rules that lead to it. */
export function chainHeading(chain: Chain, counters: Float64Array, references: number, style: ListingStyle): string {
  let text = `Chain ${chain.name}`;
  if (chain.builtIn) {
    text += ` (policy ${chain.policy === NF_ACCEPT ? 'ACCEPT' : 'DROP'}`;
    if (style.verbose) {
      const count = (n: number): string => countText(n, style.exact).trimStart();
      text += ` ${count(counters[chain.slot])} packets, ${count(counters[chain.slot + 1])} bytes`;
    }
    text += ')\n';
  } else {
    text += ` (${references} references)\n`;
  }
  if (style.lineNumbers) text += 'num  ';
  if (style.verbose) text += style.exact ? '    pkts      bytes ' : ' pkts bytes ';
  text += `${'target'.padEnd(9)}  prot opt`;
  if (style.verbose) text += ` ${'in'.padEnd(6)} ${'out'.padEnd(6)} `;
  return `${text} ${'source'.padEnd(19)}  ${'destination'.padEnd(19)} \n`;
}

/** One rule of a chain. */
export function ruleLine(rule: RuleSpec & { readonly slot: number }, number: number, counters: Float64Array, style: ListingStyle): string {
  const { entry, target } = rule;
  let text = style.lineNumbers ? `${String(number).padEnd(4)} ` : '';
  if (style.verbose) text += `${countText(counters[rule.slot], style.exact)} ${countText(counters[rule.slot + 1], style.exact)} `;
  text += `${targetName(target).padEnd(9)} ${protocolText(entry, style.numeric).padEnd(5)} ${fragmentText(entry)} `;
  if (style.verbose) {
    const any = style.numeric ? '*' : 'any';
    text += ` ${viaText(entry.iniface, (entry.invert & IPT_INV_VIA_IN) !== 0, any).padEnd(6)}`;
    text += ` ${viaText(entry.outiface, (entry.invert & IPT_INV_VIA_OUT) !== 0, any).padEnd(6)} `;
  }
  const source = addressText(entry.saddr, entry.smask, style.numeric);
  const destination = addressText(entry.daddr, entry.dmask, style.numeric);
  text += ((entry.invert & IPT_INV_SRCIP) !== 0 ? '!' : ' ') + source.padEnd(20);
  text += ((entry.invert & IPT_INV_DSTIP) !== 0 ? '!' : ' ') + destination.padEnd(20);
  return `${text}${extensionText(rule, style.numeric)}\n`;
}

/** A rule as `-v` shows it when it is added or deleted. */
export function ruleEcho(rule: RuleSpec): string {
  const { entry, target } = rule;
  const { invert } = entry;
  const via = `in ${viaText(entry.iniface, (invert & IPT_INV_VIA_IN) !== 0, '*')} out ${viaText(entry.outiface, (invert & IPT_INV_VIA_OUT) !== 0, '*')}`;
  const source = ((invert & IPT_INV_SRCIP) !== 0 ? '!' : ' ') + addressText(entry.saddr, entry.smask, true);
  const destination = ((invert & IPT_INV_DSTIP) !== 0 ? '!' : ' ') + `-> ${addressText(entry.daddr, entry.dmask, true)}`;
  return `${targetName(target)} ${protocolText(entry, false)} opt ${fragmentText(entry)} ${via} ${source} ${destination}  ${extensionText(rule, true)}\n`;
}

function targetName(target: RuleTarget): string {
  switch (target.kind) {
    case 'none':
      return '';
    case 'verdict':
      return target.name;
    case 'target':
      return target.target.name;
    default:
      return target.chain.name;
  }
}

function protocolText({ protocol, invert }: IpEntry, numeric: boolean): string {
  const name = protocol === 0 && !numeric ? 'all' : numeric ? null : protocolName(protocol);
  return ((invert & IPT_INV_PROTO) !== 0 ? '!' : ' ') + (name ?? String(protocol));
}

function fragmentText({ fragment, invert }: IpEntry): string {
  return ((invert & IPT_INV_FRAG) !== 0 ? '!' : '-') + (fragment ? 'f' : '-');
}

function viaText(name: string, inverted: boolean, any: string): string {
  return (inverted ? '!' : '') + (name === '' ? any : name);
}

function addressText(address: number, mask: number, numeric: boolean): string {
  if (mask === 0) return numeric ? '0.0.0.0/0' : 'anywhere';
  const name = numeric ? undefined : (mask === -1 ? HOSTS : NETWORKS).get(address);
  return (name ?? formatIpv4(address)) + xtFormatMask(mask);
}

/** What the matches and the target say, each with a blank in front. */
function extensionText({ matches, target }: RuleSpec, numeric: boolean): string {
  const texts: string[] = [];
  for (const { match, data } of matches) texts.push(match.print?.(data, numeric) ?? `${match.name} ${match.save?.(data) ?? ''}`.trimEnd());
  if (target.kind === 'target') {
    const { target: t, data } = target;
    texts.push(t.print?.(data, numeric) ?? `${t.name} ${t.save?.(data) ?? ''}`.trimEnd());
  }
  return (target.kind === 'goto' ? '[goto] ' : '') + texts.map((t) => (t === '' ? '' : ` ${t}`)).join('');
}
