/** iproute/rule-command.ts — `ip rule` (ip-rule(8)). */
import {
  type Command,
  CommandError,
  type CommandIo,
  dsfieldA2n,
  dsfieldN2a,
  formatIpv4,
  getUnsigned,
  inetMakeMask,
  invarg,
  iprouteJson,
  matches,
  RT_TABLE_MAIN,
  RTPROT_KERNEL,
  RTPROT_UNSPEC,
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
import { parseRealms } from './realms.ts';
import { formatPrefix } from './route-print.ts';
import { protocolNumber, type TableNames } from './route-types.ts';

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

/** Reads what follows `ip rule add`; or, `listing`, `ip rule show`, which refuses some words in other ones. */
export function parseRule(words: Words, tables: TableNames, origin = '', listing = false): ParsedRule {
  const rule: Mutable = { ...lookupRule(0, 0), protocol: RTPROT_UNSPEC, origin };
  const given = new Set<keyof FibRule>();
  while (!words.done) {
    const word = words.next();
    if (word === 'not') {
      rule.not = true;
      given.add('not');
    } else if (word === 'from') {
      const p = selector(words, listing);
      rule.src = p.address;
      rule.srcLen = p.length;
      given.add('src');
    } else if (word === 'to') {
      const p = selector(words, listing);
      rule.dst = p.address;
      rule.dstLen = p.length;
      given.add('dst');
    } else if (matches(word, 'preference') || matches(word, 'order') || matches(word, 'priority')) {
      rule.pref = words.u32('preference value is invalid\n');
      given.add('pref');
    } else if (word === 'tos' || matches(word, 'dsfield')) {
      const field = words.next();
      rule.tos = dsfieldA2n(field) ?? invarg('TOS value is invalid\n', field);
      given.add('tos');
    } else if (word === 'fwmark') {
      fwmark(rule, words.next());
      given.add('mark');
    } else if (matches(word, 'protocol')) rule.protocol = protocolNumber(words.next());
    else if (matches(word, 'table') || word === 'lookup') {
      const name = words.next();
      rule.table = tables.find(name) ?? invarg(listing ? 'table id value is invalid\n' : 'invalid table ID\n', name);
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
    } else if (word === 'uidrange') {
      rule.uidRange = uidRange(words.next());
      given.add('uidRange');
    } else if (word === 'tun_id') {
      rule.tunId = words.u32('invalid tun_id\n');
      given.add('tunId');
    } else if (word === 'l3mdev') {
      rule.l3mdev = true;
      given.add('l3mdev');
    } else if (matches(word, 'realms')) {
      rule.realms = parseRealms(words.next(), 'invalid realms\n');
      given.add('realms');
    } else if (word === 'goto') {
      rule.target = words.u32('invalid target\n');
      rule.action = FR_ACT_GOTO;
      given.add('action');
    } else if (word === 'help') throw new CommandError(USAGE.trimEnd(), 255);
    else {
      const name = word === 'type' ? words.next() : word;
      if (!Object.hasOwn(ACTIONS, name)) invarg('Failed to parse rule type', name);
      rule.action = ACTIONS[name];
      given.add('action');
    }
  }
  return { rule, given };
}

function selector(words: Words, listing: boolean): { address: number; length: number } {
  const p = toPrefix(words.next(), listing ? 'inet' : 'unspec');
  return p.any ? { address: 0, length: 0 } : { address: p.address & inetMakeMask(p.length), length: p.length };
}

function fwmark(rule: Mutable, word: string): void {
  const [mark, mask] = word.split('/', 2);
  rule.mark = (getUnsigned(mark) ?? invarg('fwmark value is invalid\n', mark)) | 0;
  rule.markMask = mask === undefined ? -1 : (getUnsigned(mask) ?? invarg('fwmask value is invalid\n', mask)) | 0;
}

/** `80` or `80-90`; what makes no range is for the kernel to refuse. */
function portRange(word: string): [number, number] {
  const m = /^(\d+)(?:-(\d+))?$/.exec(word);
  if (m === null) return invarg('invalid port range', word);
  return [Number(m[1]) & 0xffff, Number(m[2] ?? m[1]) & 0xffff];
}

function uidRange(word: string): [number, number] {
  const m = /^(\d+)-(\d+)$/.exec(word);
  return m === null ? invarg('invalid UID range\n', word) : [Number(m[1]), Number(m[2])];
}

/** What the kernel refuses of a rule that reads well. */
function checkRule(rule: FibRule): void {
  const refuse = (why: string): never => {
    throw new CommandError(`Error: ${why}`, 2);
  };
  if ((rule.tos & 3) !== 0) refuse('Invalid dsfield (tos): ECN bits must be 0.');
  const wrong = (range: readonly [number, number] | null): boolean => range !== null && (range[0] === 0 || range[0] > range[1]);
  if (wrong(rule.sport)) refuse('Invalid sport range.');
  if (wrong(rule.dport)) refuse('Invalid dport range.');
}

/** Completes a parsed rule and adds it, as the kernel does. */
export function addRule(route: Ipv4Route, { rule, given }: ParsedRule): void {
  const { rules } = route.fib;
  const pref = given.has('pref') ? rule.pref : rules.defaultPref();
  checkRule(rule);
  let { table } = rule;
  if (rule.action === FR_ACT_TO_TBL && !rule.l3mdev && !given.has('table')) table = RT_TABLE_MAIN;
  else if (rule.action === FR_ACT_TO_TBL && given.has('table') && table === 0) table = emptyTable(route);
  rules.add({ ...rule, pref, table });
}

/** The first table that nobody has made (fib_empty_table). */
function emptyTable(route: Ipv4Route): number {
  let id = 1;
  while (route.fib.table(id) !== undefined) id++;
  route.fib.newTable(id);
  return id;
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
      const needWords = (verb: string): void => {
        if (words.done) throw new CommandError(`"ip rule ${verb}" requires arguments.`);
      };
      if (matches(word, 'list') || matches(word, 'lst') || matches(word, 'show')) list(route, words, tables, io);
      else if (matches(word, 'add')) {
        needWords('add');
        addRule(route, parseRule(words, tables));
      } else if (matches(word, 'delete')) {
        needWords('del');
        rules.delete(matcher(parseRule(words, tables)));
      } else if (matches(word, 'flush')) {
        // Those of preference 0 have none that iproute2 could see.
        for (const rule of [...rules.rules()]) if (rule.pref !== 0) rules.delete((r) => r === rule);
      } else if (matches(word, 'help')) {
        io.err(USAGE);
        return 255;
      } else throw new CommandError(`Command "${word}" is unknown, try "ip rule help".`, 255);
      return 0;
    },
  };
}

/** A rule is meant when all that was typed is equal, but for `not` and the aim of a goto (rule_find). */
function matcher({ rule, given }: ParsedRule): (other: FibRule) => boolean {
  const keys = [...given].flatMap((key): (keyof FibRule)[] => {
    if (key === 'not') return [];
    if (key === 'src') return rule.srcLen === 0 ? [] : ['src', 'srcLen'];
    if (key === 'dst') return rule.dstLen === 0 ? [] : ['dst', 'dstLen'];
    if (key === 'mark') return ['mark', 'markMask'];
    return [key];
  });
  return (other) => keys.every((key) => JSON.stringify(other[key]) === JSON.stringify(rule[key]));
}

/** A rule is listed when it has all that was typed; prefixes may be longer (filter_nlmsg). */
function selects({ rule, given }: ParsedRule): (other: FibRule) => boolean {
  const within = (prefix: number, length: number, other: number, otherLength: number): boolean =>
    otherLength >= length && ((prefix ^ other) & inetMakeMask(length)) === 0;
  const keys = [...given].filter((key) => key !== 'src' && key !== 'dst');
  return (other) =>
    within(rule.src, rule.srcLen, other.src, other.srcLen) &&
    within(rule.dst, rule.dstLen, other.dst, other.dstLen) &&
    keys.every((key) => JSON.stringify(other[key]) === JSON.stringify(rule[key]));
}

function list({ fib: { rules } }: Ipv4Route, words: Words, tables: TableNames, io: CommandIo): void {
  // A prefix may stand without `from`.
  const first = words.peek();
  const bare = first !== undefined && !isKeyword(first);
  const shown = rules.rules().filter(selects(parseRule(bare ? new Words(['from', ...words.rest()]) : words, tables, '', true)));
  const view: RuleView = { tables, numeric: io.flags.has('numeric'), details: io.flags.has('details'), rules };
  if (io.flags.has('json'))
    io.out(
      `${iprouteJson(
        shown.map((r) => ruleJson(r, view)),
        io.flags.has('pretty'),
      )}\n`,
    );
  else io.out(shown.map((r) => `${ruleText(r, view)}\n`).join(''));
}

const KEYWORDS = [
  'not',
  'from',
  'to',
  'preference',
  'order',
  'priority',
  'tos',
  'dsfield',
  'fwmark',
  'protocol',
  'table',
  'lookup',
  'dev',
  'iif',
  'oif',
  'suppress_prefixlength',
  'suppress_ifgroup',
  'ipproto',
  'sport',
  'dport',
  'uidrange',
  'tun_id',
  'l3mdev',
  'realms',
  'goto',
  'type',
];

const isKeyword = (word: string): boolean => KEYWORDS.some((keyword) => matches(word, keyword));

/** How rules are to be printed. */
interface RuleView {
  readonly tables: TableNames;
  readonly numeric: boolean;
  readonly details: boolean;
  readonly rules: { unresolved(rule: FibRule): boolean; detached(device: string): boolean };
}

/** As rules stand in a config: nothing of what the moment brings. */
const plainView = (tables: TableNames): RuleView => ({
  tables,
  numeric: false,
  details: false,
  rules: { unresolved: () => false, detached: () => false },
});

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;
const ports = ([low, high]: readonly [number, number]): string => (low === high ? String(low) : `${low}-${high}`);

/** A rule as behind `ip rule add`, but for its priority and protocol. */
export function ruleWords(rule: FibRule, tables: TableNames): string {
  return selectorAndAction(rule, plainView(tables));
}

function selectorAndAction(rule: FibRule, view: RuleView): string {
  const text: string[] = [];
  const device = (key: string, name: string): void => {
    if (name !== '') text.push(key, name, ...(view.rules.detached(name) ? ['[detached]'] : []));
  };
  if (rule.not) text.push('not');
  text.push('from', rule.srcLen === 0 ? 'all' : formatPrefix(rule.src, rule.srcLen));
  if (rule.dstLen !== 0) text.push('to', formatPrefix(rule.dst, rule.dstLen));
  if (rule.tos !== 0) text.push('tos', dsfieldN2a(rule.tos));
  if (rule.markMask !== 0) text.push('fwmark', hex(rule.mark) + (rule.markMask === -1 ? '' : `/${hex(rule.markMask)}`));
  device('iif', rule.iif);
  device('oif', rule.oif);
  if (rule.l3mdev) text.push('lookup', '[l3mdev-table]');
  if (rule.uidRange !== null) text.push('uidrange', rule.uidRange.join('-'));
  if (rule.ipProto !== 0) text.push('ipproto', protocolWord(rule.ipProto, view.numeric));
  if (rule.sport !== null) text.push('sport', ports(rule.sport));
  if (rule.dport !== null) text.push('dport', ports(rule.dport));
  if (rule.tunId !== 0) text.push('tun_id', String(rule.tunId));
  text.push(...actionWords(rule, view));
  return text.join(' ');
}

function actionWords(rule: FibRule, view: RuleView): string[] {
  const text: string[] = [];
  if (rule.table !== 0) {
    text.push('lookup', view.numeric ? String(rule.table) : view.tables.name(rule.table));
    if (rule.suppressPrefixlen >= 0) text.push('suppress_prefixlength', String(rule.suppressPrefixlen));
    if (rule.suppressIfgroup >= 0) text.push('suppress_ifgroup', String(rule.suppressIfgroup));
  }
  if (rule.realms !== 0)
    text.push('realms', rule.realms >>> 16 === 0 ? String(rule.realms) : `${rule.realms >>> 16}/${rule.realms & 0xffff}`);
  if (rule.action === FR_ACT_GOTO) text.push('goto', String(rule.target), ...(view.rules.unresolved(rule) ? ['[unresolved]'] : []));
  else if (rule.action === FR_ACT_NOP) text.push('nop');
  else if (rule.action !== FR_ACT_TO_TBL) text.push(view.numeric ? String(rule.action) : (ACTION_NAMES.get(rule.action) as string));
  return text;
}

/** The protocol of a rule is told when somebody gave it one. */
const tellsProtocol = (rule: FibRule, { details }: RuleView): boolean =>
  details || (rule.protocol !== RTPROT_KERNEL && rule.protocol !== RTPROT_UNSPEC);

function ruleText(rule: FibRule, view: RuleView): string {
  const protocol = view.numeric ? String(rule.protocol) : rtprotN2a(rule.protocol);
  return `${rule.pref}:\t${selectorAndAction(rule, view)}${tellsProtocol(rule, view) ? ` proto ${protocol}` : ''}`;
}

function protocolWord(number: number, numeric: boolean): string {
  return (numeric ? undefined : Object.entries(PROTOCOLS).find(([, n]) => n === number)?.[0]) ?? `ipproto-${number}`;
}

function ruleJson(rule: FibRule, view: RuleView): object {
  const json: Record<string, unknown> = { priority: rule.pref };
  const range = (name: string, ends: readonly [number, number] | null): void => {
    if (ends === null) return;
    if (ends[0] === ends[1]) json[name] = ends[0];
    else Object.assign(json, { [`${name}_start`]: ends[0], [`${name}_end`]: ends[1] });
  };
  if (rule.not) json.not = null;
  json.src = rule.srcLen === 0 ? 'all' : formatIpv4(rule.src);
  if (rule.srcLen !== 0 && rule.srcLen !== 32) json.srclen = rule.srcLen;
  if (rule.dstLen !== 0) json.dst = formatIpv4(rule.dst);
  if (rule.dstLen !== 0 && rule.dstLen !== 32) json.dstlen = rule.dstLen;
  if (rule.tos !== 0) json.tos = dsfieldN2a(rule.tos);
  if (rule.markMask !== 0) json.fwmark = hex(rule.mark);
  if (rule.markMask !== 0 && rule.markMask !== -1) json.fwmask = hex(rule.markMask);
  for (const key of ['iif', 'oif'] as const) {
    if (rule[key] === '') continue;
    json[key] = rule[key];
    if (view.rules.detached(rule[key])) json[`${key}_detached`] = null;
  }
  if (rule.l3mdev) json.l3mdev = null;
  if (rule.uidRange !== null) Object.assign(json, { uid_start: rule.uidRange[0], uid_end: rule.uidRange[1] });
  if (rule.ipProto !== 0) json.ipproto = protocolWord(rule.ipProto, view.numeric);
  range('sport', rule.sport);
  range('dport', rule.dport);
  if (rule.tunId !== 0) json.tun_id = rule.tunId;
  Object.assign(json, actionJson(rule, view));
  if (tellsProtocol(rule, view)) json.protocol = rtprotN2a(rule.protocol);
  return json;
}

function actionJson(rule: FibRule, { tables, rules }: RuleView): object {
  const json: Record<string, unknown> = {};
  if (rule.table !== 0) {
    json.table = tables.name(rule.table);
    if (rule.suppressPrefixlen >= 0) json.suppress_prefixlen = rule.suppressPrefixlen;
    if (rule.suppressIfgroup >= 0) json.suppress_ifgroup = String(rule.suppressIfgroup);
  }
  if (rule.realms >>> 16 !== 0) json.flow_from = String(rule.realms >>> 16);
  if (rule.realms !== 0) json.flow_to = String(rule.realms & 0xffff);
  if (rule.action === FR_ACT_GOTO) {
    json.goto = rule.target;
    if (rules.unresolved(rule)) json.unresolved = null;
  } else if (rule.action === FR_ACT_NOP) json.nop = null;
  else if (rule.action !== FR_ACT_TO_TBL) json.action = ACTION_NAMES.get(rule.action);
  return json;
}
