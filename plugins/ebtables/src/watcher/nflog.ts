/** watcher/nflog.ts — `--nflog`: the frame to whoever listens to a group; to the log when nobody does (cf. Linux ebt_nflog.c). */
import { defineEbtWatcher, type EbtOption, EbtProblem, type EbtWatcher, type NfLog } from '@packetwalk/framework';
import { cNumber, words } from '../numbers.ts';
import type { FrameLog } from './frame-log.ts';
import { frameText } from './frame-text.ts';
import { refuseNot } from './log.ts';

const NOTICE = 5;
const MAX_PREFIX = 63;
const EVERYTHING = { ip: true, arp: true, ip6: true };

interface Nflog {
  group: number;
  prefix: string;
  range: number;
  threshold: number;
}

function number(name: 'group' | 'range' | 'threshold', bits: 16 | 32): EbtOption<Nflog> {
  return {
    parse(d, text, invert) {
      refuseNot(invert);
      const value = cNumber(text, 0);
      if (value === null) throw new EbtProblem(`--nflog-${name} must be a number!`);
      d[name] = bits === 16 ? value & 0xffff : value >>> 0;
    },
  };
}

/** @param nfLog gives the listeners; null when there is no netfilter */
export function nflogWatcher(frames: FrameLog, nfLog: () => NfLog | null): EbtWatcher {
  return defineEbtWatcher<Nflog>({
    name: 'nflog',
    once: true,
    options: {
      nflog: {
        flag: true,
        parse(_d, _text, invert) {
          refuseNot(invert);
        },
      },
      'nflog-group': number('group', 16),
      'nflog-prefix': {
        parse(d, text, invert) {
          refuseNot(invert);
          if (text.length > MAX_PREFIX) throw new EbtProblem('Prefix too long for nflog-prefix');
          d.prefix = text;
        },
      },
      'nflog-range': number('range', 32),
      'nflog-threshold': number('threshold', 16),
    },
    create: () => ({ group: 1, prefix: '', range: 0, threshold: 0 }),
    save: ({ group, prefix, range, threshold }) =>
      words(
        prefix === '' ? '' : `--nflog-prefix "${prefix}"`,
        `--nflog-group ${group}`,
        range === 0 ? '' : `--nflog-range ${range}`,
        threshold === 0 ? '' : `--nflog-threshold ${threshold}`,
      ),
    watch(skb, par, { group, prefix, range }) {
      const { state } = par;
      const entry = { skb, hooknum: state.hooknum, in: state.in, out: state.out, prefix, size: range };
      if (nfLog()?.deliver(group, entry) === true || !frames.allow()) return;
      frames.write(NOTICE, frameText(prefix, skb, par, EVERYTHING));
    },
  });
}
