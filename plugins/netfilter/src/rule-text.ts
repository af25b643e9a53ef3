/** rule-text.ts — a rule as iptables-save writes it (cf. iptables' nft-shared.c save_rule_details). */
import { formatIpv4, protocolName, xtFormatMask } from '@packetwalk/framework';
import { IPT_INV_DSTIP, IPT_INV_FRAG, IPT_INV_PROTO, IPT_INV_SRCIP, IPT_INV_VIA_IN, IPT_INV_VIA_OUT, type IpEntry } from './ip-entry.ts';
import type { RuleMatch, RuleSpec, RuleTarget } from './rule.ts';

/** `-s 10.0.0.0/8 -p tcp`, a word each. */
function entryWords(entry: IpEntry): string[] {
  const { invert } = entry;
  const words: string[] = [];
  const put = (flag: number, ...option: string[]): void => {
    words.push(...((invert & flag) !== 0 ? ['!', ...option] : option));
  };
  if (entry.smask !== 0 || (invert & IPT_INV_SRCIP) !== 0) put(IPT_INV_SRCIP, '-s', addressText(entry.saddr, entry.smask));
  if (entry.dmask !== 0 || (invert & IPT_INV_DSTIP) !== 0) put(IPT_INV_DSTIP, '-d', addressText(entry.daddr, entry.dmask));
  if (entry.iniface !== '') put(IPT_INV_VIA_IN, '-i', entry.iniface);
  if (entry.outiface !== '') put(IPT_INV_VIA_OUT, '-o', entry.outiface);
  if (entry.protocol !== 0) put(IPT_INV_PROTO, '-p', protocolName(entry.protocol) ?? String(entry.protocol));
  if (entry.fragment) put(IPT_INV_FRAG, '-f');
  return words;
}

function addressText(address: number, mask: number): string {
  return formatIpv4(address) + (mask === -1 ? '/32' : xtFormatMask(mask));
}

function matchWords({ match, data }: RuleMatch): string[] {
  const options = match.save?.(data) ?? '';
  return options === '' ? ['-m', match.name] : ['-m', match.name, options];
}

function targetWords(target: RuleTarget): string[] {
  switch (target.kind) {
    case 'none':
      return [];
    case 'verdict':
      return ['-j', target.name];
    case 'jump':
      return ['-j', target.chain.name];
    case 'goto':
      return ['-g', target.chain.name];
    case 'target': {
      const options = target.target.save?.(target.data) ?? '';
      return options === '' ? ['-j', target.target.name] : ['-j', target.target.name, options];
    }
  }
}

/** What stands behind `-A CHAIN`; `counters` goes between the matches and the target, where `iptables -v -S` has it. */
export function ruleText({ entry, matches, target }: RuleSpec, counters = ''): string {
  const count = counters === '' ? [] : [counters];
  return [...entryWords(entry), ...matches.flatMap(matchWords), ...count, ...targetWords(target)].join(' ');
}
