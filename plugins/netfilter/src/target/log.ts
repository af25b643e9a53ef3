/** target/log.ts — `-j LOG`: a line about the packet in the log (cf. Linux net/netfilter/xt_LOG.c). */
import { defineTarget, XT_CONTINUE, XtProblem, type XtTarget, type XtValue, xtNumber } from '@packetwalk/framework';
import { quoted } from '../match/quoted.ts';
import { words } from '../match/words.ts';
import type { NfLogs } from '../nf-log.ts';
import { logPrefix } from './log-prefix.ts';

/** syslog(3) levels by number; other names for some. */
const LEVELS = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug'];
const ALIASES: ReadonlyMap<string, number> = new Map([
  ['panic', 0],
  ['warning', 4],
]);
const WARNING = 4;

/** Longest prefix, in characters. */
const MAX_PREFIX = 29;

const level: XtValue<number> = (text) => {
  const wanted = text.toLowerCase();
  const named = LEVELS.findIndex((name) => wanted !== '' && name.startsWith(wanted));
  const found = xtNumber(text, 0, 7) ?? ALIASES.get(wanted) ?? (named < 0 ? null : named);
  if (found === null) throw new XtProblem(`log level "${text}" unknown\n`);
  return found;
};

/** What else the line has, by the bits that `iptables -L` shows. */
const FLAGS: readonly (readonly [string, number])[] = [
  ['tcp-sequence', 0x01],
  ['tcp-options', 0x02],
  ['ip-options', 0x04],
  ['uid', 0x08],
  ['macdecode', 0x20],
];

interface Log {
  readonly level: number;
  readonly prefix: string;
  readonly flags: number;
}

export function log(logs: NfLogs): XtTarget {
  return defineTarget({
    name: 'LOG',
    options: {
      'log-level': { value: level },
      'log-prefix': { value: logPrefix(MAX_PREFIX) },
      'log-tcp-sequence': {},
      'log-tcp-options': {},
      'log-ip-options': {},
      'log-uid': {},
      'log-macdecode': {},
    },
    init(o): Log {
      let flags = 0;
      if (o['log-tcp-sequence'] !== undefined) flags |= 0x01;
      if (o['log-tcp-options'] !== undefined) flags |= 0x02;
      if (o['log-ip-options'] !== undefined) flags |= 0x04;
      if (o['log-uid'] !== undefined) flags |= 0x08;
      if (o['log-macdecode'] !== undefined) flags |= 0x20;
      return { level: o['log-level']?.value ?? WARNING, prefix: o['log-prefix']?.value ?? '', flags };
    },
    save: ({ level, prefix, flags }) =>
      words(
        prefix === '' ? '' : `--log-prefix ${quoted(prefix)}`,
        level === WARNING ? '' : `--log-level ${level}`,
        ...FLAGS.map(([name, bit]) => ((flags & bit) === 0 ? '' : `--log-${name}`)),
      ),
    print: ({ level, prefix, flags }, numeric) =>
      words(
        numeric ? `LOG flags ${flags} level ${level}` : `LOG level ${LEVELS[level]}`,
        ...FLAGS.map(([name, bit]) => (numeric || (flags & bit) === 0 ? '' : name)),
        prefix === '' ? '' : `prefix "${prefix}"`,
      ),
    target(skb, par, { level, prefix, flags }) {
      const { state } = par;
      const entry = { skb, hooknum: state.hooknum, in: state.in, out: state.out, prefix, size: 0 };
      logs.write(entry, level, {
        tcpSequence: (flags & 0x01) !== 0,
        tcpOptions: (flags & 0x02) !== 0,
        ipOptions: (flags & 0x04) !== 0,
        macDecode: (flags & 0x20) !== 0,
      });
      return XT_CONTINUE;
    },
  });
}
