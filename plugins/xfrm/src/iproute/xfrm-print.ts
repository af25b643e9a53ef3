/** iproute/xfrm-print.ts — states and policies as `ip xfrm` shows them (cf. iproute2 ip/ipxfrm.c, xfrm_state.c, xfrm_policy.c). */
import { formatIpv4, IPPROTO_GRE, IPPROTO_ICMP, type Net, XFRM_POLICY_IN, XFRM_POLICY_OUT } from '@packetwalk/framework';
import { AUTH_ALGORITHMS, algorithmByName } from '../crypto/algorithms.ts';
import type { Lifetime, LifetimeConfig, Mark } from '../xfrm-lifetime.ts';
import type { XfrmPolicy, XfrmTemplate } from '../xfrm-policy.ts';
import type { Selector } from '../xfrm-selector.ts';
import { type KeyedAlgorithm, XFRM_STATE_ESN, type XfrmState } from '../xfrm-state.ts';
import { PROTOCOL_NAMES, protocolName } from './xfrm-words.ts';

export const STATE_FLAGS: readonly string[] = ['noecn', 'decap-dscp', 'nopmtudisc', 'wildrecv', 'icmp', 'af-unspec', 'align4', 'esn'];
export const EXTRA_FLAGS: readonly string[] = ['dont-encap-dscp', 'oseq-may-wrap'];
export const POLICY_FLAGS: readonly string[] = ['localok', 'icmp'];

export interface PrintOptions {
  /** `ip -s`. */
  readonly stats: boolean;
  /** `nokeys`. */
  readonly nokeys: boolean;
}

const hex = (n: number, digits = 0): string => (n >>> 0).toString(16).padStart(digits, '0');
const swap = (n: number): number => ((n << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | (n >>> 24)) >>> 0;
const bits = (flags: number): string => (flags & 0xff).toString(2).padStart(8, '0');

export function flagNames(flags: number, names: readonly string[]): string {
  return names.filter((_, i) => (flags & (1 << i)) !== 0).join(' ');
}

/** `2026-11-27 11:30:22`, `-` for never and for the first second of 1970. */
export function strxfTime(milliseconds: number): string {
  if (milliseconds < 1000) return '-';
  const [date, time] = new Date(milliseconds).toISOString().split('T');
  return `${date} ${time.slice(0, 8)}`;
}

function idText(id: { spi: number; proto: number; reqid: number; mode: string }, { stats }: PrintOptions, showSpi: boolean): string {
  let text = `proto ${PROTOCOL_NAMES.get(id.proto) ?? String(id.proto)} `;
  if (showSpi || id.spi !== 0 || stats) text += `spi 0x${hex(id.spi, 8)}${stats ? `(${id.spi >>> 0})` : ''} `;
  text += `reqid ${id.reqid >>> 0}${stats ? `(0x${hex(id.reqid, 8)})` : ''} `;
  return `${text}mode ${id.mode}\n`;
}

export function selectorText(selector: Selector, net: Net, stats: boolean): string {
  let sel = selector;
  let text = `src ${formatIpv4(sel.saddr)}/${sel.saddrLen} dst ${formatIpv4(sel.daddr)}/${sel.daddrLen} `;
  if (sel.proto !== 0) text += `proto ${protocolName(sel.proto)} `;
  if (sel.proto === IPPROTO_GRE) {
    if (sel.sportMask !== 0) text += `key ${((sel.sport << 16) | sel.dport) >>> 0} `;
    sel = { ...sel, sportMask: 0, dportMask: 0 };
  }
  const icmp = sel.proto === IPPROTO_ICMP;
  if (sel.sportMask !== 0) text += `${icmp ? 'type' : 'sport'} ${sel.sport} `;
  if (sel.dportMask !== 0) text += `${icmp ? 'code' : 'dport'} ${sel.dport} `;
  if (sel.ifindex !== 0) text += `dev ${net.devByIndex[sel.ifindex]?.name ?? String(sel.ifindex)} `;
  return `${text}${stats ? 'uid 0' : ''}\n`;
}

const limit = (n: number, unit: string): string => `${n === Number.POSITIVE_INFINITY ? '(INF)' : n}(${unit})`;

function lifetimeText(c: LifetimeConfig, current: Lifetime): string {
  return (
    '\tlifetime config:\n' +
    `\t  limit: soft ${limit(c.softBytes, 'bytes')}, hard ${limit(c.hardBytes, 'bytes')}\n` +
    `\t  limit: soft ${limit(c.softPackets, 'packets')}, hard ${limit(c.hardPackets, 'packets')}\n` +
    `\t  expire add: soft ${c.softAdd}(sec), hard ${c.hardAdd}(sec)\n` +
    `\t  expire use: soft ${c.softUse}(sec), hard ${c.hardUse}(sec)\n` +
    '\tlifetime current:\n' +
    `\t  ${current.bytes}(bytes), ${current.packets}(packets)\n` +
    `\t  add ${strxfTime(current.addTime)} use ${strxfTime(current.useTime)}\n`
  );
}

function markText({ value, mask }: Mark): string {
  return `mark 0x${hex(value)}/0x${hex(mask)}`;
}

function algorithmText(kind: string, { name, key }: { name: string; key: Uint8Array }, options: PrintOptions): string {
  if (options.nokeys) return `\t${kind} ${name} <<Keys hidden>>`;
  if (key.length === 0) return `\t${kind} ${name} `;
  const octets = Array.from(key, (byte) => hex(byte, 2)).join('');
  return `\t${kind} ${name} 0x${octets}${options.stats ? ` (${key.length * 8} bits)` : ''}`;
}

/** ICV bits of a MAC: those it was given, or the algorithm's own. */
function truncBits({ name, icvBits }: KeyedAlgorithm): number {
  return icvBits !== 0 ? icvBits : (algorithmByName(AUTH_ALGORITHMS, name)?.icvTruncBits ?? 0);
}

export function stateText(state: XfrmState, net: Net, options: PrintOptions): string {
  const { config, replay } = state;
  const { stats } = options;
  let text = `src ${formatIpv4(state.saddr)} dst ${formatIpv4(state.daddr)}\n`;
  text += `\t${idText({ spi: state.spi, proto: state.protocol, reqid: state.reqid, mode: state.mode }, options, true)}`;
  const ring = config.replayWindow > 32 || (config.flags & XFRM_STATE_ESN) !== 0;
  text += `\treplay-window ${ring ? 0 : config.replayWindow} `;
  // As ip prints it: the octets the other way round, and in decimal.
  if (stats) text += `seq 0x${String(swap(config.seq)).padStart(8, '0')} `;
  if (stats || config.flags !== 0) text += `flag ${flagNames(config.flags, STATE_FLAGS)}`;
  if (stats && config.extraFlags !== 0) text += `extra_flag ${flagNames(config.extraFlags, EXTRA_FLAGS)}`;
  if (stats) text += ` (0x${bits(config.flags)})`;
  text += '\n';
  const marks = [
    ...(config.mark.mask !== 0 || config.mark.value !== 0 ? [markText(config.mark)] : []),
    ...(config.outputMark.mask !== 0 ? [`output-${markText(config.outputMark)}`] : []),
  ];
  if (marks.length === 2) text += `\t${marks.join(' ')}\n`;
  else if (marks.length === 1) text += `\t${marks[0]}${config.outputMark.mask !== 0 ? '' : ' '}\n`;
  if (config.auth !== null) text += `${algorithmText('auth-trunc', config.auth, options)} ${truncBits(config.auth)}\n`;
  if (config.aead !== null) text += `${algorithmText('aead', config.aead, options)} ${config.aead.icvBits}\n`;
  if (config.enc !== null) text += `${algorithmText('enc', config.enc, options)}\n`;
  if (config.comp !== null) text += `${algorithmText('comp', { name: config.comp, key: new Uint8Array(0) }, options)}\n`;
  const { encap } = state;
  if (encap !== null) text += `\tencap type ${encap.type} sport ${encap.sport} dport ${encap.dport} addr ${formatIpv4(encap.oaddr)}\n`;
  if (state.lastUsed >= 1000) text += `\tlastused ${strxfTime(state.lastUsed)}\n`;
  if (ring) {
    text += '\tanti-replay esn context:\n';
    text += `\t seq-hi 0x${hex(replay.seqHi)}, seq 0x${hex(replay.seq)}, oseq-hi 0x${hex(replay.oseqHi)}, oseq 0x${hex(replay.oseq)}\n`;
    text += `\t replay_window ${replay.window}, bitmap-length ${replay.bitmap.length}`;
    const words = Array.from(replay.bitmap, (word) => `${hex(word, 8)} `).reverse();
    for (let i = 0; i < words.length; i++) text += `${i % 8 === 0 ? '\n\t ' : ''}${words[i]}`;
    text += '\n';
  } else {
    text += `\tanti-replay context: seq 0x${hex(replay.seq)}, oseq 0x${hex(replay.oseq)}, bitmap 0x${hex(replay.bitmap[0], 8)}\n`;
  }
  if (config.ifId !== 0) text += `\tif_id 0x${hex(config.ifId)}\n`;
  if (config.tfcpad !== 0) text += `\ttfcpad ${config.tfcpad}\n`;
  if (config.sel.inet) text += `\tsel ${selectorText(config.sel, net, stats)}`;
  if (!stats) return text;
  text += lifetimeText(state.limits, state.curlft);
  return `${text}\tstats:\n\t  replay-window ${state.statReplayWindow} replay ${state.statReplay} failed ${state.statIntegrityFailed}\n`;
}

export function dirName(dir: number): string {
  return dir === XFRM_POLICY_IN ? 'in' : dir === XFRM_POLICY_OUT ? 'out' : 'fwd';
}

export function templateText(tmpl: XfrmTemplate, options: PrintOptions): string {
  const { stats } = options;
  let text = `\ttmpl src ${formatIpv4(tmpl.saddr)} dst ${formatIpv4(tmpl.daddr)}\n\t\t${idText(tmpl, options, false)}`;
  if (stats || tmpl.optional) text += `\t\tlevel ${tmpl.optional ? 'use' : 'required'} ${stats ? 'share any ' : ''}\n`;
  if (stats) text += '\t\tenc-mask ffffffff auth-mask ffffffff comp-mask ffffffff\n';
  return text;
}

export function policyText(policy: XfrmPolicy, net: Net, options: PrintOptions): string {
  const { config } = policy;
  const { stats } = options;
  let text = selectorText(policy.sel, net, stats);
  text += `\tdir ${dirName(policy.dir)} `;
  if (stats || policy.block) text += `action ${policy.block ? 'block' : 'allow'} `;
  if (stats) text += `index ${policy.index} `;
  text += `priority ${policy.priority} ptype ${config.sub ? 'sub' : 'main'} `;
  if (stats) text += 'share any ';
  if (stats || config.flags !== 0) text += `flag ${flagNames(config.flags, POLICY_FLAGS)}`;
  if (stats) text += ` (0x${bits(config.flags)})`;
  text += '\n';
  if (stats) text += lifetimeText(config.limits, policy.curlft);
  if (config.mark.mask !== 0 || config.mark.value !== 0) text += `\t${markText(config.mark)} \n`;
  for (const tmpl of policy.templates) text += templateText(tmpl, options);
  if (config.ifId !== 0) text += `\tif_id 0x${hex(config.ifId)}\n`;
  return text;
}
