/** iproute/rule-command.ts — `ip rule` (ip-rule(8)). */
import {
  type Command,
  CommandError,
  type CommandIo,
  dsfieldN2a,
  formatIpv4,
  getUnsigned,
  inetMakeMask,
  invarg,
  iprouteJson,
  matches,
  RT_TABLE_MAIN,
  RTPROT_BOOT,
  RTPROT_KERNEL,
  rtprotN2a,
  toPrefix,
  Words,
} from '@packetwalk/framework';
import {
  type FibRule,
  FR_ACT_BLACKHOLE,
  FR_ACT_GOTO,
  FR_ACT_NOP,
  FR_ACT_PROHIBIT,
  FR_ACT_TO_TBL,
  FR_ACT_UNREACHABLE,
  lookupRule,
} from '../fib-rules.ts';
import type { Ipv4Route } from '../route.ts';
import { tableNumber } from './route-parse.ts';
import { formatPrefix } from './route-print.ts';
import { dsfieldNumber, protocolNumber, type TableNames } from './route-types.ts';

const USAGE = `Usage: ip rule { add | del } SELECTOR ACTION
       ip rule { flush | save }
       ip rule [ list [ SELECTOR ]]
SELECTOR := [ not ] [ from PREFIX ] [ to PREFIX ] [ tos TOS ] [ fwmark FWMARK[/MASK] ] [ iif STRING ] [ oif STRING ]
            [ pref NUMBER ] [ ipproto PROTOCOL ] [ sport [ NUMBER | NUMBER-NUMBER ] [ dport [ NUMBER | NUMBER-NUMBER ] ]
ACTION := [ table TABLE_ID ] [ protocol PROTO ] [ goto NUMBER ] [ suppress_prefixlength NUMBER ]
          { lookup TABLE_ID | blackhole | unreachable | prohibit | nop }
`;

type Mutable = { -readonly [K in keyof FibRule]: FibRule[K] };

const ACTIONS: Readonly<Record<string, number>> = {
  blackhole: FR_ACT_BLACKHOLE,
  unreachable: FR_ACT_UNREACHABLE,
  prohibit: FR_ACT_PROHIBIT,
  nop: FR_ACT_NOP,
};
const ACTION_NAMES = new Map(Object.entries(ACTIONS).map(([name, action]) => [action, name]));
const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, igmp: 2, ipip: 4, tcp: 6, udp: 17, gre: 47, esp: 50, ah: 51, sctp: 132 };

/** A parsed rule; which parts were typed matters for deletions. */
export interface ParsedRule {
  readonly rule: FibRule;
  readonly given: ReadonlySet<keyof FibRule>;
}

/** Reads what follows `ip rule add`. */
export function parseRule(words: Words, tables: TableNames, origin = ''): ParsedRule {
  const rule: Mutable = { ...lookupRule(0, 0), protocol: RTPROT_BOOT, origin };
  const given = new Set<keyof FibRule>();
  while (!words.done) {
    const word = words.next();
    if (word === 'not') {
      rule.not = true;
      given.add('not');
    } else if (word === 'from') {
      const p = selector(words);
      rule.src = p.address;
      rule.srcLen = p.length;
      given.add('src');
    } else if (word === 'to') {
      const p = selector(words);
      rule.dst = p.address;
      rule.dstLen = p.length;
      given.add('dst');
    } else if (matches(word, 'preference') || matches(word, 'order') || matches(word, 'priority')) {
      rule.pref = words.u32('preference value is invalid\n');
      given.add('pref');
    } else if (word === 'tos' || matches(word, 'dsfield')) {
      rule.tos = dsfieldNumber(words.next());
      given.add('tos');
    } else if (word === 'fwmark') {
      fwmark(rule, words.next());
      given.add('mark');
    } else if (matches(word, 'protocol')) rule.protocol = protocolNumber(words.next());
    else if (matches(word, 'table') || word === 'lookup') {
      rule.table = tableNumber(words.next(), tables);
      rule.action = FR_ACT_TO_TBL;
      given.add('table');
    } else if (word === 'suppress_prefixlength' || word === 'sup_pl') {
      rule.suppressPrefixlen = words.s32('suppress_prefixlength value is invalid\n');
      given.add('suppressPrefixlen');
    } else if (word === 'suppress_ifgroup' || word === 'sup_group') rule.suppressIfgroup = words.u32('Invalid "suppress_ifgroup" value\n');
    else if (word === 'dev' || word === 'iif') {
      rule.iif = words.next();
      given.add('iif');
    } else if (word === 'oif') {
      rule.oif = words.next();
      given.add('oif');
    } else if (word === 'ipproto') {
      const name = words.next();
      rule.ipProto = PROTOCOLS[name] ?? getUnsigned(name, 255) ?? invarg('Invalid "ipproto" value\n', name);
      given.add('ipProto');
    } else if (word === 'sport') {
      rule.sport = portRange(words.next());
      given.add('sport');
    } else if (word === 'dport') {
      rule.dport = portRange(words.next());
      given.add('dport');
    } else if (word === 'goto') {
      rule.target = words.u32('invalid target\n');
      rule.action = FR_ACT_GOTO;
      given.add('target');
    } else if (word === 'help') throw new CommandError(USAGE.trimEnd(), 255);
    else {
      const name = word === 'type' ? words.next() : word;
      const action = Object.keys(ACTIONS).find((a) => a === name);
      if (action === undefined) invarg('Failed to parse rule type', name);
      rule.action = ACTIONS[action];
      given.add('action');
    }
  }
  return { rule, given };
}

function selector(words: Words): { address: number; length: number } {
  const p = toPrefix(words.next());
  return p.any ? { address: 0, length: 0 } : { address: p.address & inetMakeMask(p.length), length: p.length };
}

function fwmark(rule: Mutable, word: string): void {
  const [mark, mask] = word.split('/', 2);
  rule.mark = (getUnsigned(mark) ?? invarg('fwmark value is invalid\n', mark)) | 0;
  rule.markMask = mask === undefined ? -1 : (getUnsigned(mask) ?? invarg('fwmask value is invalid\n', mask)) | 0;
}

function portRange(word: string): [number, number] {
  const m = /^(\d+)(?:-(\d+))?$/.exec(word);
  const low = Number(m?.[1]);
  const high = Number(m?.[2] ?? m?.[1]);
  if (m === null || low < 1 || high > 65535 || low > high) return invarg('invalid port range', word);
  return [low, high];
}

/** Completes a parsed rule and adds it, as the kernel does. */
export function addRule(route: Ipv4Route, { rule, given }: ParsedRule): void {
  const { rules } = route.fib;
  const pref = given.has('pref') ? rule.pref : rules.defaultPref();
  const table = rule.action === FR_ACT_TO_TBL && !given.has('table') ? RT_TABLE_MAIN : rule.table;
  if (table !== 0 && rule.action === FR_ACT_TO_TBL) route.fib.newTable(table);
  rules.add({ ...rule, pref, table });
}

export function ipRuleCommand(route: Ipv4Route, tables: TableNames): Command {
  const { rules } = route.fib;
  return {
    name: 'ip rule',
    summary: 'show and change policy routing rules',
    usage: USAGE,
    run(args, io) {
      const words = new Words(args);
      const word = words.done ? 'list' : words.next();
      if (matches(word, 'list') || word === 'lst' || word === 'show')
        list(rules.rules(), parseRule(words, tables), tables, io, (r) => rules.unresolved(r));
      else if (matches(word, 'add')) addRule(route, parseRule(words, tables));
      else if (matches(word, 'delete')) {
        if (words.done) throw new CommandError('"ip rule del" requires arguments.', 255);
        rules.delete(matcher(parseRule(words, tables)));
      } else if (matches(word, 'flush')) {
        for (const rule of [...rules.rules()]) if (rule.pref !== 0 || rule.protocol !== RTPROT_KERNEL) rules.delete((r) => r === rule);
      } else if (matches(word, 'help')) {
        io.err(USAGE);
        return 255;
      } else throw new CommandError(`Command "${word}" is unknown, try "ip rule help".`, 255);
      return 0;
    },
  };
}

/** A rule fits when all that was typed is equal. */
function matcher({ rule, given }: ParsedRule): (other: FibRule) => boolean {
  const keys = [...given].flatMap((key): (keyof FibRule)[] => {
    if (key === 'src') return ['src', 'srcLen'];
    if (key === 'dst') return ['dst', 'dstLen'];
    if (key === 'mark') return ['mark', 'markMask'];
    if (key === 'table' || key === 'target') return [key, 'action'];
    return [key];
  });
  return (other) => keys.every((key) => JSON.stringify(other[key]) === JSON.stringify(rule[key]));
}

function list(
  rules: readonly FibRule[],
  parsed: ParsedRule,
  tables: TableNames,
  io: CommandIo,
  unresolved: (rule: FibRule) => boolean,
): void {
  const fits = matcher(parsed);
  const shown = rules.filter(fits);
  if (io.flags.has('json'))
    io.out(
      `${iprouteJson(
        shown.map((r) => ruleJson(r, tables, io, unresolved(r))),
        io.flags.has('pretty'),
      )}\n`,
    );
  else io.out(shown.map((r) => `${ruleText(r, tables, io, unresolved(r))}\n`).join(''));
}

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;
const ports = ([low, high]: readonly [number, number]): string => (low === high ? String(low) : `${low}-${high}`);

/** A rule as behind `ip rule add`, but for its priority and protocol. */
export function ruleWords(rule: FibRule, tables: TableNames, unresolved = false): string {
  const text: string[] = [];
  if (rule.not) text.push('not');
  text.push('from', rule.srcLen === 0 ? 'all' : formatPrefix(rule.src, rule.srcLen));
  if (rule.dstLen !== 0) text.push('to', formatPrefix(rule.dst, rule.dstLen));
  if (rule.tos !== 0) text.push('tos', dsfieldN2a(rule.tos));
  if (rule.markMask !== 0) text.push('fwmark', hex(rule.mark) + (rule.markMask === -1 ? '' : `/${hex(rule.markMask)}`));
  if (rule.iif !== '') text.push('iif', rule.iif);
  if (rule.oif !== '') text.push('oif', rule.oif);
  if (rule.ipProto !== 0) text.push('ipproto', protocolWord(rule.ipProto));
  if (rule.sport !== null) text.push('sport', ports(rule.sport));
  if (rule.dport !== null) text.push('dport', ports(rule.dport));
  if (rule.action === FR_ACT_TO_TBL) {
    text.push('lookup', tables.name(rule.table));
    if (rule.suppressPrefixlen >= 0) text.push('suppress_prefixlength', String(rule.suppressPrefixlen));
    if (rule.suppressIfgroup >= 0) text.push('suppress_ifgroup', String(rule.suppressIfgroup));
  } else if (rule.action === FR_ACT_GOTO) text.push('goto', String(rule.target), ...(unresolved ? ['[unresolved]'] : []));
  else text.push(ACTION_NAMES.get(rule.action) ?? String(rule.action));
  return text.join(' ');
}

function ruleText(rule: FibRule, tables: TableNames, io: CommandIo, unresolved: boolean): string {
  const showProtocol = io.flags.has('details') || (rule.protocol !== RTPROT_KERNEL && rule.protocol !== RTPROT_BOOT);
  return `${rule.pref}:\t${ruleWords(rule, tables, unresolved)}${showProtocol ? ` proto ${rtprotN2a(rule.protocol)}` : ''}`;
}

function protocolWord(number: number): string {
  return Object.entries(PROTOCOLS).find(([, n]) => n === number)?.[0] ?? `ipproto-${number}`;
}

function ruleJson(rule: FibRule, tables: TableNames, io: CommandIo, unresolved: boolean): object {
  const json: Record<string, unknown> = { priority: rule.pref };
  if (rule.not) json.not = null;
  json.src = rule.srcLen === 0 ? 'all' : formatIpv4(rule.src);
  if (rule.srcLen !== 0 && rule.srcLen !== 32) json.srclen = rule.srcLen;
  if (rule.dstLen !== 0) json.dst = formatIpv4(rule.dst);
  if (rule.dstLen !== 0 && rule.dstLen !== 32) json.dstlen = rule.dstLen;
  if (rule.tos !== 0) json.tos = dsfieldN2a(rule.tos);
  if (rule.markMask !== 0) json.fwmark = hex(rule.mark);
  if (rule.markMask !== 0 && rule.markMask !== -1) json.fwmask = hex(rule.markMask);
  if (rule.iif !== '') json.iif = rule.iif;
  if (rule.oif !== '') json.oif = rule.oif;
  if (rule.ipProto !== 0) json.ipproto = protocolWord(rule.ipProto);
  if (rule.action === FR_ACT_TO_TBL) json.table = tables.name(rule.table);
  else if (rule.action === FR_ACT_GOTO) {
    json.goto = rule.target;
    if (unresolved) json.unresolved = null;
  } else json.action = ACTION_NAMES.get(rule.action);
  if (rule.suppressPrefixlen >= 0) json.suppress_prefixlen = rule.suppressPrefixlen;
  if (io.flags.has('details') || (rule.protocol !== RTPROT_KERNEL && rule.protocol !== RTPROT_BOOT))
    json.protocol = rtprotN2a(rule.protocol);
  return json;
}
