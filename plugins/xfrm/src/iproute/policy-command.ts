/** iproute/policy-command.ts — `ip xfrm policy` (ip-xfrm(8); cf. iproute2 ip/xfrm_policy.c). */
import {
  CommandError,
  type CommandIo,
  duparg,
  inetMakeMask,
  invarg,
  matches,
  type Net,
  type Words,
  XFRM_POLICY_OUT,
} from '@packetwalk/framework';
import { NO_MARK } from '../xfrm-lifetime.ts';
import type { XfrmNet } from '../xfrm-net.ts';
import { XFRM_MAX_DEPTH, type XfrmPolicy, type XfrmPolicyConfig, type XfrmTemplate } from '../xfrm-policy.ts';
import type { Selector } from '../xfrm-selector.ts';
import { unknown } from './state-command.ts';
import { dirName, POLICY_FLAGS, policyText } from './xfrm-print.ts';
import {
  anySelector,
  DIRECTIONS,
  type Draft,
  noLimits,
  takeFlags,
  takeId,
  takeLimit,
  takeMark,
  takeSelector,
  type XfrmId,
  xfrmMode,
} from './xfrm-words.ts';

export const POLICY_USAGE = `Usage: ip xfrm policy { add | update } SELECTOR dir DIR
        [ mark MARK [ mask MASK ] ] [ index INDEX ] [ ptype PTYPE ]
        [ action ACTION ] [ priority PRIORITY ] [ flag FLAG-LIST ]
        [ if_id IF_ID ] [ LIMIT-LIST ] [ TMPL-LIST ]
       ip xfrm policy { delete | get } { SELECTOR | index INDEX } dir DIR
        [ mark MARK [ mask MASK ] ] [ ptype PTYPE ] [ if_id IF_ID ]
       ip xfrm policy { deleteall | list } [ SELECTOR ] [ dir DIR ]
        [ index INDEX ] [ ptype PTYPE ] [ action ACTION ] [ priority PRIORITY ]
       ip xfrm policy flush [ ptype PTYPE ]
       ip xfrm policy count
       ip xfrm policy setdefault DIR ACTION [ DIR ACTION ] [ DIR ACTION ]
       ip xfrm policy getdefault
SELECTOR := [ src ADDR[/PLEN] ] [ dst ADDR[/PLEN] ] [ dev DEV ] [ UPSPEC ]
UPSPEC := proto { { tcp | udp | sctp | dccp } [ sport PORT ] [ dport PORT ] |
                  icmp [ type NUMBER ] [ code NUMBER ] | gre [ key NUMBER ] | PROTO }
DIR := in | out | fwd
PTYPE := main | sub
ACTION := allow | block
FLAG-LIST := [ FLAG-LIST ] FLAG
FLAG := localok | icmp
LIMIT-LIST := [ LIMIT-LIST ] limit LIMIT
LIMIT := { time-soft | time-hard | time-use-soft | time-use-hard } SECONDS |
         { byte-soft | byte-hard } SIZE | { packet-soft | packet-hard } COUNT
TMPL-LIST := [ TMPL-LIST ] tmpl TMPL
TMPL := ID [ mode MODE ] [ reqid REQID ] [ level LEVEL ]
ID := [ src ADDR ] [ dst ADDR ] [ proto XFRM-PROTO ] [ spi SPI ]
XFRM-PROTO := esp | ah | comp
MODE := transport | tunnel
LEVEL := required | use
`;

type PolicyDraft = Draft<XfrmPolicyConfig> & { sel: ReturnType<typeof anySelector>; templates: XfrmTemplate[] };

function draft(): PolicyDraft {
  return {
    sel: anySelector(),
    dir: -1,
    priority: 0,
    index: 0,
    block: false,
    sub: false,
    flags: 0,
    mark: NO_MARK,
    ifId: 0,
    limits: noLimits(),
    templates: [],
  };
}

function takeDir(words: Words): number {
  const word = words.next();
  return DIRECTIONS[word] ?? invarg('DIR value is invalid', word);
}

function takeAction(words: Words): boolean {
  const word = words.next();
  return word === 'block' || (word === 'allow' ? false : invarg('ACTION value is invalid', word));
}

function takePtype(words: Words): boolean {
  const word = words.next();
  return word === 'sub' || (word === 'main' ? false : invarg('PTYPE value is invalid', word));
}

/** Reads what follows `ip xfrm policy add`. */
export function parsePolicy(words: Words, net: Net): XfrmPolicyConfig {
  const config = draft();
  const limits = noLimits();
  let selected = false;
  while (!words.done) {
    const word = words.next();
    if (word === 'dir') {
      if (config.dir >= 0) duparg('dir', 'dir');
      config.dir = takeDir(words);
    } else if (word === 'mark') config.mark = takeMark(words);
    else if (word === 'index') config.index = words.u32('INDEX value is invalid');
    else if (word === 'ptype') config.sub = takePtype(words);
    else if (word === 'action') config.block = takeAction(words);
    else if (word === 'priority') config.priority = words.u32('PRIORITY value is invalid');
    else if (word === 'flag') config.flags |= takeFlags(POLICY_FLAGS, words);
    else if (word === 'limit') takeLimit(limits, words);
    else if (word === 'if_id') config.ifId = words.u32('IF_ID value is invalid') | 0;
    else if (word === 'tmpl') {
      if (config.templates.length === TEMPLATES_MAX) throw new CommandError('Too many tmpls: buffer overflow', 1);
      config.templates.push(takeTemplate(words));
    } else if (word === 'ctx' || word === 'offload') throw new CommandError(`"${word}" is not built into this router`, 2);
    else {
      if (selected) duparg('unknown', word);
      selected = true;
      if (!takeSelector(config.sel, word, words, net)) duparg('unknown', word);
    }
  }
  if (config.dir < 0) throw new CommandError('Not enough information: DIR is required.', 1);
  if (config.index !== 0 && (config.index & 7) !== config.dir) {
    throw new CommandError("Error: Policy index doesn't match direction.", 2);
  }
  if (config.templates.length > XFRM_MAX_DEPTH) {
    throw new CommandError('Error: Template count must be <= XFRM_MAX_DEPTH (6).', 2);
  }
  if (config.dir === XFRM_POLICY_OUT && config.templates.some((tmpl) => tmpl.optional && tmpl.mode === 'tunnel')) {
    throw new CommandError('Error: Mode in optional template not allowed in outbound policy.', 2);
  }
  return { ...config, limits };
}

/** Most templates that ip has room for. */
const TEMPLATES_MAX = 64;
const ID_WORDS = ['src', 'dst', 'proto', 'spi'];

/** TMPL := ID [ mode MODE ] [ reqid REQID ] [ level LEVEL ], as long as words fit (xfrm_tmpl_parse). */
function takeTemplate(words: Words): XfrmTemplate {
  const id: XfrmId = { saddr: 0, daddr: 0, proto: 0, spi: 0 };
  let mode: XfrmTemplate['mode'] = 'transport';
  let reqid = 0;
  let optional = false;
  let identified = false;
  for (let word: string | undefined = words.next(); word !== undefined; ) {
    if (word === 'mode') mode = xfrmMode(words.next());
    else if (word === 'reqid') reqid = words.u32('REQID value is invalid') | 0;
    else if (word === 'level') {
      const level = words.next();
      if (level !== 'use' && level !== 'required') invarg('LEVEL value is invalid', level);
      optional = level === 'use';
    } else {
      identified = true;
      takeId(id, word, words);
    }
    const next = words.peek() ?? '';
    const goesOn = next === 'mode' || next === 'reqid' || next === 'level' || (!identified && ID_WORDS.includes(next));
    word = goesOn ? words.next() : undefined;
  }
  if (id.proto === 0) throw new CommandError('Error: Invalid XFRM protocol in template.', 2);
  return { ...id, mode, reqid, optional };
}

/** Puts a policy in; throws CommandError, with nothing changed. */
export function addPolicy(xfrm: XfrmNet, config: XfrmPolicyConfig, update: boolean): XfrmPolicy {
  const known = xfrm.spd.find(config) !== undefined;
  const policy = xfrm.spd.insert(config, update);
  xfrm.policyAdded(policy);
  xfrm.monitors.emit({ kind: known ? 'updpolicy' : 'newpolicy', policy });
  return policy;
}

export function removePolicy(xfrm: XfrmNet, policy: XfrmPolicy): void {
  xfrm.monitors.emit({ kind: 'delpolicy', policy });
  xfrm.spd.remove(policy);
  xfrm.net.softirq.timers.del(policy.timer);
}

export function policyCommand(xfrm: XfrmNet, words: Words, io: CommandIo): void {
  const { net, spd } = xfrm;
  const stats = io.flags.has('stats');
  const options = { stats, nokeys: false };
  const word = words.done ? 'list' : words.next();
  if (word === 'add' || word === 'update') {
    addPolicy(xfrm, parsePolicy(words, net), word === 'update');
  } else if (matches(word, 'delete') || matches(word, 'get')) {
    const policy = findPolicy(xfrm, words);
    if (matches(word, 'delete')) removePolicy(xfrm, policy);
    else io.out(policyText(policy, net, options));
  } else if (matches(word, 'deleteall') || matches(word, 'delall') || matches(word, 'list') || word === 'show' || word === 'lst') {
    const takes = parseFilter(words, net);
    for (const policy of spd.list().filter(takes)) {
      if (word.startsWith('del')) removePolicy(xfrm, policy);
      else io.out(policyText(policy, net, options));
    }
  } else if (matches(word, 'flush')) {
    let sub = false;
    while (!words.done) {
      const next = words.next();
      if (next === 'ptype') sub = takePtype(words);
      else unknown(next);
    }
    for (const policy of spd.list()) if (policy.config.sub === sub) spd.remove(policy);
    xfrm.monitors.emit({ kind: 'flushpolicy' });
  } else if (matches(word, 'count')) {
    io.out(countText(xfrm, stats));
  } else if (word === 'setdefault') {
    while (!words.done) {
      const dir = takeDir(words);
      const action = words.next();
      if (action !== 'block' && action !== 'accept' && action !== 'allow') invarg(`${dirName(dir)} policy value is invalid`, action);
      spd.blockByDefault[dir] = action === 'block';
    }
    spd.genid++;
  } else if (word === 'getdefault') {
    const name = (dir: number): string => (spd.blockByDefault[dir] ? 'block' : 'accept');
    io.out(`Default policies:\n in:  ${name(0)}\n fwd: ${name(2)}\n out: ${name(1)}\n`);
  } else if (word === 'help') {
    throw new CommandError(POLICY_USAGE.trimEnd(), 255);
  } else throw new CommandError(`Command "${word}" is unknown, try "ip xfrm policy help".`, 255);
}

function countText({ spd }: XfrmNet, stats: boolean): string {
  const [inward, out, fwd] = spd.count;
  const line = `\t SPD IN  ${inward} OUT ${out} FWD ${fwd}`;
  return `${line}${stats ? ' (Sock: IN 0 OUT 0 FWD 0)' : ''}\n`;
}

function findPolicy({ spd, net }: XfrmNet, words: Words): XfrmPolicy {
  const config = draft();
  let selected = false;
  while (!words.done) {
    const word = words.next();
    if (word === 'dir') config.dir = takeDir(words);
    else if (word === 'index') config.index = words.u32('INDEX value is invalid');
    else if (word === 'mark') config.mark = takeMark(words);
    else if (word === 'ptype') config.sub = takePtype(words);
    else if (word === 'if_id') config.ifId = words.u32('IF_ID value is invalid') | 0;
    else {
      if (selected) invarg('unknown', word);
      selected = true;
      if (!takeSelector(config.sel, word, words, net)) invarg('unknown', word);
    }
  }
  if (config.dir < 0) throw new CommandError('Not enough information: DIR is required.', 1);
  if (!selected && config.index === 0) throw new CommandError('Not enough information: either SELECTOR or INDEX is required.', 1);
  const found = config.index !== 0 ? spd.withIndex(config.dir, config.index) : spd.find(config);
  if (found === undefined) throw new CommandError('RTNETLINK answers: No such file or directory', 2);
  return found;
}

function parseFilter(words: Words, net: Net): (policy: XfrmPolicy) => boolean {
  const config = draft();
  let selected = false;
  let priority: number | null = null;
  let action: boolean | null = null;
  let sub: boolean | null = null;
  while (!words.done) {
    const word = words.next();
    if (word === 'dir') config.dir = takeDir(words);
    else if (word === 'index') config.index = words.u32('INDEX value is invalid');
    else if (word === 'ptype') sub = takePtype(words);
    else if (word === 'action') action = takeAction(words);
    else if (word === 'priority') priority = words.u32('PRIORITY value is invalid');
    else if (word === 'flag') config.flags |= takeFlags(POLICY_FLAGS, words);
    else if (word === 'nosock') continue;
    else {
      if (selected) unknown(word);
      selected = true;
      if (!takeSelector(config.sel, word, words, net)) unknown(word);
    }
  }
  const { sel } = config;
  return (policy) =>
    (config.dir < 0 || policy.dir === config.dir) &&
    (config.index === 0 || policy.index === config.index) &&
    (priority === null || policy.priority === priority) &&
    (action === null || policy.block === action) &&
    (policy.config.flags & config.flags) === config.flags &&
    (sub === null || policy.config.sub === sub) &&
    selects(sel, policy.sel);
}

/** A filter's selector takes another when all that it says is so: addresses as far as its prefixes reach. */
function selects(filter: Selector, sel: Selector): boolean {
  return (
    ((filter.saddr ^ sel.saddr) & inetMakeMask(filter.saddrLen)) === 0 &&
    ((filter.daddr ^ sel.daddr) & inetMakeMask(filter.daddrLen)) === 0 &&
    (filter.proto === 0 || filter.proto === sel.proto) &&
    (filter.sportMask === 0 || filter.sport === sel.sport) &&
    (filter.dportMask === 0 || filter.dport === sel.dport) &&
    (filter.ifindex === 0 || filter.ifindex === sel.ifindex)
  );
}
