/**
 * match/conntrack.ts — `-m conntrack`: state, ends, status and age of the packet's connection (cf. Linux
 * net/netfilter/xt_conntrack.c, iptables' libxt_conntrack.c).
 */
import {
  defineMatch,
  formatIpv4,
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IP_CT_IS_REPLY,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_EXPECTED,
  IPS_SEEN_REPLY,
  inetMakeMask,
  inetMaskLen,
  parseIpv4,
  type SkBuff,
  servicePort,
  type XtGiven,
  type XtMatch,
  XtProblem,
  type XtValue,
  xtFormatMask,
  xtNumber,
  xtNumeral,
  xtParseProtocol,
  xtUintRange,
} from '@packetwalk/framework';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import type { NfConn } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import { CT_STATE_NAMES, formatNames, parseNames, stateOf } from './ct-state.ts';

const STATUS_NAMES: readonly (readonly [string, number])[] = [
  ['EXPECTED', IPS_EXPECTED],
  ['SEEN_REPLY', IPS_SEEN_REPLY],
  ['ASSURED', IPS_ASSURED],
  ['CONFIRMED', IPS_CONFIRMED],
];

const names =
  (what: string, known: readonly (readonly [string, number])[]): XtValue<number> =>
  (text) => {
    const bits = parseNames(text, known);
    if (typeof bits !== 'number') throw new XtProblem(`Bad ${what} "${bits.unknown}"`);
    return bits;
  };

interface Network {
  readonly address: number;
  readonly mask: number;
}

/** `10.0.0.1/8`: listed as it was written. A length beyond 32, and a mask with holes, stand for one host, as iptables has it. */
const network: XtValue<Network> = (text, at) => {
  const slash = text.indexOf('/');
  const address = parseIpv4(slash < 0 ? text : text.slice(0, slash));
  if (address === null) throw new XtProblem('getaddrinfo: Name or service not known\n');
  if (slash < 0) return { address, mask: -1 };
  const length = xtNumber(text.slice(slash + 1));
  if (length !== null) return { address, mask: inetMakeMask(Math.min(length, 32)) };
  const mask = parseIpv4(text.slice(slash + 1));
  if (mask === null) {
    throw new XtProblem(`${at.extension}: bad value for option "--${at.option}", neither a valid network mask nor valid CIDR (0-32).\n`);
  }
  return { address, mask: inetMaskLen(mask) < 0 ? -1 : mask };
};

const PORT_MAX = 0xffff;

/** `80`, `http`, `80:90`, `:90`; a number beyond the last port counts from the first again, as iptables has it. */
const ports: XtValue<readonly [number, number]> = (text, at) => {
  const parts = text.split(':');
  if (parts.length > 2) throw new XtProblem(`${at.extension}: Too many components for option "--${at.option}" (max: 2)\n`);
  const [min, max = min] = parts.map((part, i) => {
    if (part === '' && parts.length === 2) return i === 0 ? 0 : PORT_MAX;
    const number = xtNumeral(part);
    const port = number !== null && number.rest === '' ? number.value & PORT_MAX : (servicePort(part, 'tcp') ?? servicePort(part, 'udp'));
    if (port === null) throw new XtProblem(`Port "${part}" does not resolve to anything.\n`);
    return port;
  });
  return [min, max];
};

const directions: XtValue<number> = (text, at) => {
  const dir = ['ORIGINAL', 'REPLY'].indexOf(text.toUpperCase());
  if (dir < 0) throw at.bad();
  return dir;
};

/** One question about a connection. `option` is its name without hyphens, `text` its argument as it is listed. */
interface Question {
  readonly option: string;
  readonly text: string;
  /** As listings without -n write it. */
  readonly name?: string;
  readonly invert: boolean;
  readonly ask: (ct: NfConn, skb: SkBuff) => boolean;
}

const ENDS: readonly (readonly [option: string, dir: number, source: boolean])[] = [
  ['ctorigsrc', IP_CT_DIR_ORIGINAL, true],
  ['ctorigdst', IP_CT_DIR_ORIGINAL, false],
  ['ctreplsrc', IP_CT_DIR_REPLY, true],
  ['ctrepldst', IP_CT_DIR_REPLY, false],
];

export function conntrack(nct: NfConntrack): XtMatch {
  const address = { value: network, invert: true } as const;
  const port = { value: ports, invert: true } as const;
  return defineMatch({
    name: 'conntrack',
    pure: true,
    options: {
      ctstate: { value: names('ctstate', CT_STATE_NAMES), invert: true },
      ctproto: { value: xtParseProtocol, invert: true },
      ctorigsrc: address,
      ctorigdst: address,
      ctreplsrc: address,
      ctrepldst: address,
      ctorigsrcport: port,
      ctorigdstport: port,
      ctreplsrcport: port,
      ctrepldstport: port,
      ctstatus: { value: names('ctstatus', [...STATUS_NAMES, ['NONE', 0]]), invert: true },
      ctexpire: { value: xtUintRange(0xffffffff), invert: true },
      ctdir: { value: directions },
    },
    init(options) {
      const { ctstate, ctproto, ctstatus, ctexpire, ctdir } = options;
      const questions: Question[] = [];
      const add = <T>(
        option: string,
        given: XtGiven<T> | undefined,
        text: (value: T) => string,
        ask: (ct: NfConn, skb: SkBuff, value: T) => boolean,
      ): void => {
        if (given === undefined) return;
        const { value, invert } = given;
        questions.push({ option, text: text(value), invert, ask: (ct, skb) => ask(ct, skb, value) });
      };
      add('ctproto', ctproto, String, (ct, _skb, value) => ct.protocol === value);
      for (const [option, dir, source] of ENDS) {
        const given = options[option as 'ctorigsrc'];
        add(
          option,
          given,
          networkText,
          (ct, _skb, value) => (((source ? ct.saddr(dir) : ct.daddr(dir)) ^ value.address) & value.mask) === 0,
        );
        if (given?.value.mask === 0) questions.push({ ...(questions.pop() as Question), name: 'anywhere' });
      }
      for (const [end, dir, source] of ENDS) {
        add(`${end}port`, options[`${end}port` as 'ctorigsrcport'], rangeText, (ct, _skb, [min, max]) => {
          const actual = source ? ct.sport(dir) : ct.dport(dir);
          return actual >= min && actual <= max;
        });
      }
      add(
        'ctstatus',
        ctstatus,
        (value) => formatNames(value, STATUS_NAMES) || 'NONE',
        (ct, _skb, value) => (ct.status & value) !== 0,
      );
      add('ctexpire', ctexpire, rangeText, (ct, _skb, [min, max]) => {
        // Before its first packet has got through, a connection does not expire yet.
        const left = ct.confirmed ? Math.floor(ct.expiresIn(nct.now) / 1000) : 0;
        return left >= min && left <= max;
      });
      add(
        'ctdir',
        ctdir,
        (value) => (value === IP_CT_DIR_ORIGINAL ? 'ORIGINAL' : 'REPLY'),
        (_ct, skb, value) => skb.nfctinfo >= IP_CT_IS_REPLY === (value === IP_CT_DIR_REPLY),
      );
      if (ctstate === undefined && questions.length === 0) throw new XtProblem('conntrack: At least one option is required');
      return { state: ctstate === undefined ? null : { bits: ctstate.value, invert: ctstate.invert }, questions };
    },
    save: (data) => format(data, '--', false),
    print: (data, numeric) => format(data, '', !numeric),
    match(skb, _par, { state, questions }) {
      if (state !== null && ((stateOf(skb) & state.bits) !== 0) === state.invert) return false;
      const ct = skb.nfct as NfConn | null;
      // Of a packet without a connection only the state can be told.
      if (ct === null) return state !== null;
      for (let i = 0; i < questions.length; i++) if (questions[i].ask(ct, skb) === questions[i].invert) return false;
      return true;
    },
    ...conntrackUser(nct),
  });
}

function networkText({ address, mask }: Network): string {
  return `${formatIpv4(address)}${mask === 0 ? '/0' : xtFormatMask(mask)}`;
}

function rangeText([min, max]: readonly [number, number]): string {
  return min === max ? String(min) : `${min}:${max}`;
}

interface Data {
  readonly state: { readonly bits: number; readonly invert: boolean } | null;
  readonly questions: readonly Question[];
}

/** The options in the order in which iptables lists them, with `hyphens` in front of each name. */
function format({ state, questions }: Data, hyphens: string, names: boolean): string {
  const words = questions.map(({ option, text, name = text, invert }) => `${invert ? '! ' : ''}${hyphens}${option} ${names ? name : text}`);
  if (state !== null) words.unshift(`${state.invert ? '! ' : ''}${hyphens}ctstate ${formatNames(state.bits, CT_STATE_NAMES)}`);
  return words.join(' ');
}
