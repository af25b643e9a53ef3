/**
 * save.ts — states and policies of a running router, as its config has them. Keys are not written: a state is saved when its
 * keys came from files or the environment, by that name.
 */
import { CommandError, formatIpv4, IPPROTO_GRE, IPPROTO_ICMP, type Net, type SavedConfig } from '@packetwalk/framework';
import { dirName, EXTRA_FLAGS, flagNames, POLICY_FLAGS, STATE_FLAGS } from './iproute/xfrm-print.ts';
import { LIMITS, PROTOCOL_NAMES, protocolName } from './iproute/xfrm-words.ts';
import { type LifetimeConfig, type Mark, NO_LIMITS } from './xfrm-lifetime.ts';
import type { XfrmNet } from './xfrm-net.ts';
import type { XfrmPolicy, XfrmTemplate } from './xfrm-policy.ts';
import { ANY_SELECTOR, type Selector, sameSelector } from './xfrm-selector.ts';
import type { KeyedAlgorithm, XfrmState } from './xfrm-state.ts';

/** Writes the section `xfrm:`; throws CommandError when a key would have to be in it. */
export function saveXfrm(config: SavedConfig, { net, sad, spd }: XfrmNet): void {
  const states = sad
    .list()
    .filter((state) => state.type !== null && state.tunnelUsers === 0)
    .reverse();
  const secret = states.filter(({ config: { aead, enc, auth } }) => [aead, enc, auth].some((a) => a !== null && keyWord(a) === null));
  if (secret.length > 0) {
    const lines = secret.map((state) => `\n  ${idWords(state)}`).join('');
    throw new CommandError(`save: keys are not written; have them as file:PATH or env:NAME in the config, or delete these states:${lines}`);
  }
  const policies = spd.list().reverse();
  config.xfrm = { state: states.map((state) => stateWords(state, net)), policy: policies.map((policy) => policyWords(policy, net)) };
  const blocked = [0, 2, 1].filter((dir) => spd.blockByDefault[dir]).map((dir) => ` ${dirName(dir)} block`);
  if (blocked.length > 0) config.setup.push(`ip xfrm policy setdefault${blocked.join('')}`);
}

/** How the config names a key; null: not at all. */
function keyWord({ key, reference }: KeyedAlgorithm): string | null {
  if (reference !== undefined) return `'${reference}'`;
  return key.length === 0 ? "''" : null;
}

const hex = (n: number): string => `0x${(n >>> 0).toString(16)}`;

function idWords({ saddr, daddr, protocol, spi }: XfrmState): string {
  return `src ${formatIpv4(saddr)} dst ${formatIpv4(daddr)} proto ${PROTOCOL_NAMES.get(protocol)} spi ${hex(spi)}`;
}

function markWords(word: string, { value, mask }: Mark): string[] {
  return (value | mask) === 0 ? [] : [word, hex(value), ...(mask === -1 ? [] : ['mask', hex(mask)])];
}

function limitWords(limits: LifetimeConfig): string[] {
  return Object.entries(LIMITS).flatMap(([word, key]) => (limits[key] === NO_LIMITS[key] ? [] : ['limit', word, String(limits[key])]));
}

function flagWords(word: string, flags: number, names: readonly string[]): string[] {
  const known = flagNames(flags, names);
  return known === '' ? [] : [word, known];
}

/** What follows `ip xfrm state add`. */
function stateWords(state: XfrmState, net: Net): string {
  const { config, encap } = state;
  const { aead, enc, auth, comp, sel, reqid, replayWindow, ifId, tfcpad } = config;
  const words = [idWords(state), 'mode', config.mode];
  if (reqid !== 0) words.push('reqid', String(reqid >>> 0));
  if (config.seq !== 0) words.push('seq', String(config.seq >>> 0));
  if (replayWindow !== 0) words.push('replay-window', String(replayWindow));
  words.push(...flagWords('flag', config.flags, STATE_FLAGS), ...flagWords('extra-flag', config.extraFlags, EXTRA_FLAGS));
  words.push(...markWords('mark', config.mark), ...markWords('output-mark', config.outputMark));
  if (ifId !== 0) words.push('if_id', hex(ifId));
  if (tfcpad !== 0) words.push('tfcpad', String(tfcpad));
  words.push(...limitWords(state.limits));
  if (encap !== null) words.push(`encap ${encap.type} ${encap.sport} ${encap.dport} ${formatIpv4(encap.oaddr)}`);
  if (comp !== null) words.push('comp', comp);
  if (aead !== null) words.push('aead', `'${aead.name}'`, keyWord(aead) as string, String(aead.icvBits));
  if (enc !== null) words.push('enc', `'${enc.name}'`, keyWord(enc) as string);
  if (auth !== null) {
    words.push(auth.truncated === true ? 'auth-trunc' : 'auth', `'${auth.name}'`, keyWord(auth) as string);
    if (auth.truncated === true) words.push(String(auth.icvBits));
  }
  if (!sameSelector(sel, ANY_SELECTOR)) words.push('sel', selectorWords(sel, net));
  return words.join(' ');
}

function selectorWords(sel: Selector, net: Net): string {
  const { proto, sport, dport } = sel;
  const words = [`src ${formatIpv4(sel.saddr)}/${sel.saddrLen} dst ${formatIpv4(sel.daddr)}/${sel.daddrLen}`];
  if (sel.ifindex !== 0) words.push('dev', net.devByIndex[sel.ifindex]?.name ?? String(sel.ifindex));
  if (proto !== 0) words.push('proto', protocolName(proto));
  if (proto === IPPROTO_GRE) {
    if (sel.sportMask !== 0) words.push('key', String(((sport << 16) | dport) >>> 0));
  } else {
    const icmp = proto === IPPROTO_ICMP;
    if (sel.sportMask !== 0) words.push(icmp ? 'type' : 'sport', String(sport));
    if (sel.dportMask !== 0) words.push(icmp ? 'code' : 'dport', String(dport));
  }
  return words.join(' ');
}

/** What follows `ip xfrm policy add`. */
function policyWords({ config, templates, index }: XfrmPolicy, net: Net): string {
  const words = [selectorWords(config.sel, net), 'dir', dirName(config.dir), ...markWords('mark', config.mark)];
  if (config.index !== 0) words.push('index', String(index));
  if (config.sub) words.push('ptype sub');
  if (config.block) words.push('action block');
  if (config.priority !== 0) words.push('priority', String(config.priority));
  words.push(...flagWords('flag', config.flags, POLICY_FLAGS));
  if (config.ifId !== 0) words.push('if_id', hex(config.ifId));
  words.push(...limitWords(config.limits), ...templates.map(templateWords));
  return words.join(' ');
}

function templateWords({ saddr, daddr, proto, spi, mode, reqid, optional }: XfrmTemplate): string {
  const words = ['tmpl'];
  if ((saddr | daddr) !== 0) words.push('src', formatIpv4(saddr), 'dst', formatIpv4(daddr));
  words.push('proto', PROTOCOL_NAMES.get(proto) ?? String(proto));
  if (spi !== 0) words.push('spi', hex(spi));
  words.push('mode', mode);
  if (reqid !== 0) words.push('reqid', String(reqid >>> 0));
  if (optional) words.push('level use');
  return words.join(' ');
}
