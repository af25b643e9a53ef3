/** match/connlimit.ts — `-m connlimit`: how many connections a host or network has (cf. Linux net/netfilter/xt_connlimit.c). */
import {
  defineMatch,
  IP_CT_DIR_ORIGINAL,
  IP_DADDR,
  IP_SADDR,
  inetMakeMask,
  inetMaskLen,
  parseIpv4,
  type XtMatch,
  XtProblem,
  type XtValue,
  xtNumber,
  xtUint,
} from '@packetwalk/framework';
import { ConnCount } from '../conntrack/conn-count.ts';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import { type NfConn, ZONE_DEFAULT } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import { readQuotedTuple, Tuple } from '../conntrack/tuple.ts';

interface Data {
  readonly limit: number;
  /** True: no more than `limit`. */
  readonly upto: boolean;
  readonly length: number;
  readonly mask: number;
  readonly destination: boolean;
  readonly counts: ConnCount;
}

/** A prefix length as a number or a mask; what is neither stands for a host. */
const prefix: XtValue<number> = (text, at) => {
  const length = xtNumber(text);
  if (length !== null) return Math.min(length, 32);
  const mask = parseIpv4(text);
  if (mask === null) {
    throw new XtProblem(`${at.extension}: bad value for option "--${at.option}", neither a valid network mask nor valid CIDR (0-32).\n`);
  }
  const ones = inetMaskLen(mask);
  return ones < 0 ? 32 : ones;
};

const tuple = new Tuple();

export function connlimit(nct: NfConntrack): XtMatch {
  const limit = xtUint(0xffffffff);
  const { attach, destroy } = conntrackUser(nct);
  return defineMatch({
    name: 'connlimit',
    options: {
      'connlimit-upto': { value: limit, invert: true, excludes: ['connlimit-above'] },
      'connlimit-above': { value: limit, invert: true, excludes: ['connlimit-upto'] },
      'connlimit-mask': { value: prefix },
      'connlimit-saddr': { excludes: ['connlimit-daddr'] },
      'connlimit-daddr': { excludes: ['connlimit-saddr'] },
    },
    init(options): Data {
      const { 'connlimit-upto': upto, 'connlimit-above': above } = options;
      const given = upto ?? above;
      if (given === undefined) throw new XtProblem('You must specify "--connlimit-above" or "--connlimit-upto".');
      const length = options['connlimit-mask']?.value ?? 32;
      return {
        limit: given.value,
        upto: (upto !== undefined) !== given.invert,
        length,
        mask: inetMakeMask(length),
        destination: options['connlimit-daddr'] !== undefined,
        counts: new ConnCount(nct),
      };
    },
    save: ({ limit, upto, length, destination }) =>
      `--connlimit-${upto ? 'upto' : 'above'} ${limit} --connlimit-mask ${length} --connlimit-${destination ? 'd' : 's'}addr`,
    print: ({ limit, upto, length, destination }) => `#conn ${destination ? 'dst' : 'src'}/${length} ${upto ? '<=' : '>'} ${limit}`,
    match(skb, par, { limit, upto, mask, destination, counts }) {
      const { view } = skb.head;
      const ip = skb.networkHeader;
      const ct = skb.nfct as NfConn | null;
      // What is no connection, or none yet, is counted by its own ends, if they can be read at all.
      if (ct !== null) {
        ct.tuple(IP_CT_DIR_ORIGINAL, tuple);
        tuple.key &= 0xff;
      } else if (!readQuotedTuple(tuple, view, ip, skb.data + skb.len)) {
        par.hotdrop = true;
        return false;
      }
      const network = view.getInt32(ip + (destination ? IP_DADDR : IP_SADDR)) & mask;
      return counts.exceeds(network, tuple, ct === null ? ZONE_DEFAULT : ct.zone, limit) !== upto;
    },
    attach,
    destroy({ counts }) {
      counts.clear();
      destroy();
    },
  });
}
