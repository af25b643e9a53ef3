/** match/connbytes.ts — `-m connbytes`: how much a connection has carried (cf. Linux net/netfilter/xt_connbytes.c). */
import { defineMatch, IP_CT_DIR_ORIGINAL, IP_CT_DIR_REPLY, type XtMatch, XtProblem, type XtValue, xtString } from '@packetwalk/framework';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import type { NfConn } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';

const MAX = 0xffffffffffffffffn;

interface Bounds {
  readonly from: bigint;
  readonly to: bigint;
}

/** `10`, `10:`, `:20`, `10:20`, 64 bits each. */
const bounds: XtValue<Bounds> = (text, at) => {
  const values: bigint[] = [];
  for (let rest = text; ; ) {
    const leftOut = rest === '' || rest.startsWith(':');
    const digits = leftOut ? '' : (/^\d+/.exec(rest)?.[0] ?? '');
    const value = leftOut ? (values.length === 0 ? 0n : MAX) : digits === '' ? MAX + 1n : BigInt(digits);
    if (value > MAX || values.length === 2) {
      throw new XtProblem(`${at.extension}: bad value for option "--${at.option}" near "${rest}", or out of range (0-${MAX}).\n`);
    }
    values.push(value);
    rest = rest.slice(digits.length);
    if (rest === '') break;
    if (!rest.startsWith(':')) {
      throw new XtProblem(`${at.extension}: Argument to "--${at.option}" has unexpected characters near "${rest}".\n`);
    }
    rest = rest.slice(1);
  }
  const [from, to = MAX] = values;
  if (to < from) throw new XtProblem(`${from} should be less than ${to}`);
  return { from, to };
};

const MODES = ['packets', 'bytes', 'avgpkt'] as const;
const DIRECTIONS = ['original', 'reply', 'both'] as const;

function oneOf<T extends string>(text: string, words: readonly T[], option: string): T {
  const word = words.find((w) => w === text);
  if (word === undefined) throw new XtProblem(`Unknown --${option} \`${text}'`);
  return word;
}

export function connbytes(nct: NfConntrack): XtMatch {
  const user = conntrackUser(nct);
  return defineMatch({
    name: 'connbytes',
    options: {
      connbytes: { value: bounds, invert: true, mandatory: true },
      'connbytes-dir': { value: xtString(), mandatory: true },
      'connbytes-mode': { value: xtString(), mandatory: true },
    },
    init(options) {
      const { value, invert } = options.connbytes;
      const { from, to } = value;
      return {
        from: Number(from),
        to: Number(to),
        text: to === MAX ? String(from) : `${from}:${to}`,
        // Turned round, one value cannot be told from itself.
        invert: invert && from !== to,
        mode: oneOf(options['connbytes-mode'].value, MODES, 'connbytes-mode'),
        direction: oneOf(options['connbytes-dir'].value, DIRECTIONS, 'connbytes-dir'),
      };
    },
    save: ({ text, invert, mode, direction }) =>
      `${invert ? '! ' : ''}--connbytes ${text} --connbytes-mode ${mode} --connbytes-dir ${direction}`,
    print: ({ text, invert, mode, direction }) =>
      `${invert ? '! ' : ''}connbytes ${text} connbytes mode ${mode} connbytes direction ${direction}`,
    match(skb, _par, { from, to, invert, mode, direction }) {
      const ct = skb.nfct as NfConn | null;
      if (ct === null || !nct.acct.counted(ct.id)) return false;
      let packets = 0;
      let bytes = 0;
      for (let dir = IP_CT_DIR_ORIGINAL; dir <= IP_CT_DIR_REPLY; dir++) {
        if (direction !== 'both' && (direction === 'original') !== (dir === IP_CT_DIR_ORIGINAL)) continue;
        packets += nct.acct.packets(ct.id, dir);
        bytes += nct.acct.bytes(ct.id, dir);
      }
      const what = mode === 'packets' ? packets : mode === 'bytes' ? bytes : packets === 0 ? 0 : Math.floor(bytes / packets);
      return (what >= from && what <= to) !== invert;
    },
    attach() {
      // Without counters the match could never say yes.
      nct.settings.acct = 1;
      user.attach();
    },
    destroy: user.destroy,
  });
}
