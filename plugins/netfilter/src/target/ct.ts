/**
 * target/ct.ts — `-j CT`: how a packet's connection is to be tracked, said before it is (cf. Linux net/netfilter/xt_CT.c): not at
 * all, in a zone of its own, with a helper, with some events only.
 */
import {
  defineTarget,
  IP_CT_NEW,
  IP_CT_UNTRACKED,
  nfCtSet,
  protocolName,
  type SkBuff,
  XT_CONTINUE,
  XtProblem,
  type XtRule,
  type XtTarget,
  type XtValue,
  xtNumber,
  xtString,
} from '@packetwalk/framework';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import { IPCT_NAMES, IPCT_NEW } from '../conntrack/events.ts';
import { type NfConn, ZONE_DIR_BOTH, ZONE_DIR_ORIG, ZONE_DIR_REPLY } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import type { Helper } from '../conntrack/nf-conntrack-helper.ts';
import { ZONE_MAX } from '../conntrack/tuple.ts';

const EXPECT_EVENTS: readonly (readonly [string, number])[] = [['new', IPCT_NEW]];

const events =
  (names: readonly (readonly [string, number])[]): XtValue<{ readonly text: string; readonly bits: number }> =>
  (text) => {
    const chosen = text.split(',').map((word) => {
      const known = names.find(([name]) => name === word);
      if (known === undefined) throw new XtProblem(`Unknown event type "${word}"`);
      return known;
    });
    const bits = chosen.reduce((set, [, bit]) => set | bit, 0);
    return {
      bits,
      text: names
        .filter(([, bit]) => (bits & bit) !== 0)
        .map(([name]) => name)
        .join(','),
    };
  };

/** A number, or the packet's mark. */
const zone: XtValue<number | 'mark'> = (text) => {
  if (text === 'mark') return text;
  const number = xtNumber(text, 0, ZONE_MAX);
  if (number === null) throw new XtProblem(`Cannot parse ${text} as a zone ID`);
  return number;
};

interface Data {
  readonly notrack: boolean;
  /** Name of a helper, empty for none. */
  readonly helper: string;
  readonly timeout: string;
  readonly ctevents: { readonly text: string; readonly bits: number } | undefined;
  readonly expevents: { readonly text: string; readonly bits: number } | undefined;
  readonly zone: number | 'mark';
  readonly zoneDirs: number;
  readonly protocol: number;
  /** What packets get until they are tracked; made when the rule is put into a table. */
  template: NfConn | null;
}

export function ct(nct: NfConntrack): XtTarget {
  const user = conntrackUser(nct);
  return defineTarget({
    name: 'CT',
    tables: ['raw'],
    options: {
      notrack: {},
      helper: { value: xtString(15) },
      timeout: { value: xtString(31) },
      ctevents: { value: events(IPCT_NAMES) },
      expevents: { value: events(EXPECT_EVENTS) },
      'zone-orig': { value: zone },
      'zone-reply': { value: zone },
      zone: { value: zone },
    },
    init(o, rule: XtRule): Data {
      const dirs = o['zone-orig'] !== undefined ? ZONE_DIR_ORIG : o['zone-reply'] !== undefined ? ZONE_DIR_REPLY : ZONE_DIR_BOTH;
      return {
        notrack: o.notrack !== undefined,
        helper: o.helper?.value ?? '',
        timeout: o.timeout?.value ?? '',
        ctevents: o.ctevents?.value,
        expevents: o.expevents?.value,
        zone: (o['zone-orig'] ?? o['zone-reply'] ?? o.zone)?.value ?? 0,
        zoneDirs: dirs,
        protocol: rule.protocolInverted ? 0 : rule.protocol,
        template: null,
      };
    },
    save: (data) => format(data, '--'),
    print: (data) => `CT ${format(data, '')}`.trim(),
    check(data) {
      if (data.notrack) return null;
      if (data.timeout !== '') return `there is no time-out policy ${data.timeout}`;
      return data.helper !== '' && findHelper(nct, data) === null ? noHelper(data) : null;
    },
    target: (skb, _par, data) => setTemplate(skb, data.template),
    attach(data: Data) {
      if (data.notrack) return;
      user.attach();
      data.template = makeTemplate(nct, data);
    },
    destroy(data: Data) {
      if (data.template === null) return;
      nct.put(data.template);
      data.template = null;
      user.destroy();
    },
  });
}

/** The packet is tracked as the template says; null: not at all. One that was seen before stays as it is. */
export function setTemplate(skb: SkBuff, template: NfConn | null): number {
  if (skb.nfct !== null || skb.nfctinfo !== 0) return XT_CONTINUE;
  if (template === null) skb.nfctinfo = IP_CT_UNTRACKED;
  else nfCtSet(skb, template, IP_CT_NEW);
  return XT_CONTINUE;
}

function findHelper(nct: NfConntrack, { helper, protocol }: Data): Helper | null {
  const found = nct.helpers.get(helper);
  return found !== undefined && found.protocol === protocol ? found : null;
}

function noHelper({ helper, protocol }: Data): string {
  return `there is no helper ${helper} for ${protocol === 0 ? 'rules of any protocol' : (protocolName(protocol) ?? protocol)}`;
}

function makeTemplate(nct: NfConntrack, data: Data): NfConn {
  const number = data.zone === 'mark' ? 0 : data.zone;
  const template = nct.allocTemplate((data.zoneDirs << 16) | number);
  if (data.zone === 'mark') template.needExt().zoneFromMark = true;
  if (data.helper !== '') template.needExt().helper = findHelper(nct, data);
  // Events of expectations alone: none of connections.
  if (data.ctevents !== undefined || data.expevents !== undefined) template.needExt().eventMask = data.ctevents?.bits ?? 0;
  return template;
}

const ZONE_OPTIONS = ['', 'zone-orig', 'zone-reply', 'zone'];

function format({ notrack, helper, timeout, ctevents, expevents, zone: number, zoneDirs }: Data, hyphens: string): string {
  const words: string[] = [];
  if (notrack) words.push(`${hyphens}notrack`);
  if (helper !== '') words.push(`${hyphens}helper ${helper}`);
  if (timeout !== '') words.push(`${hyphens}timeout ${timeout}`);
  if (ctevents !== undefined) words.push(`${hyphens}ctevents ${ctevents.text}`);
  if (expevents !== undefined) words.push(`${hyphens}expevents ${expevents.text}`);
  if (number !== 0) words.push(`${hyphens}${ZONE_OPTIONS[zoneDirs]} ${number}`);
  return words.join(' ');
}
