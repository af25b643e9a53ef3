/** watcher/log.ts — `--log`: a line about the frame in the log (cf. Linux ebt_log.c). */
import { defineEbtWatcher, type EbtOption, EbtProblem, type EbtWatcher } from '@packetwalk/framework';
import { cNumber, words } from '../numbers.ts';
import type { FrameLog } from './frame-log.ts';
import { frameText } from './frame-text.ts';

const LEVELS = ['emerg', 'alert', 'crit', 'error', 'warning', 'notice', 'info', 'debug'];
const NOTICE = 5;
/** Longest prefix, in characters. */
const MAX_PREFIX = 29;

interface LogData {
  level: number;
  prefix: string;
  ip: boolean;
  arp: boolean;
  ip6: boolean;
}

function flag(set: (d: LogData) => void): EbtOption<LogData> {
  return {
    flag: true,
    parse(d, _text, invert) {
      refuseNot(invert);
      set(d);
    },
  };
}

export function refuseNot(invert: boolean): void {
  if (invert) throw new EbtProblem("The use of '!' makes no sense for the nflog watcher");
}

export function logWatcher(frames: FrameLog): EbtWatcher {
  return defineEbtWatcher<LogData>({
    name: 'log',
    options: {
      log: flag(() => {}),
      'log-level': {
        parse(d, text, invert) {
          refuseNot(invert);
          const named = LEVELS.indexOf(text.toLowerCase());
          const level = named < 0 ? cNumber(text, 10) : named;
          if (level === null || level < 0 || level > 7) throw new EbtProblem('Problem with the log-level');
          d.level = level;
        },
      },
      'log-prefix': {
        parse(d, text, invert) {
          refuseNot(invert);
          if (text.length > MAX_PREFIX) throw new EbtProblem('Prefix too long');
          d.prefix = text;
        },
      },
      'log-ip': flag((d) => {
        d.ip = true;
      }),
      'log-arp': flag((d) => {
        d.arp = true;
      }),
      'log-ip6': flag((d) => {
        d.ip6 = true;
      }),
    },
    create: () => ({ level: NOTICE, prefix: '', ip: false, arp: false, ip6: false }),
    save: ({ level, prefix, ip, arp, ip6 }) =>
      words(
        `--log-level ${LEVELS[level]}`,
        prefix === '' ? '' : `--log-prefix "${prefix}"`,
        ip ? '--log-ip' : '',
        arp ? '--log-arp' : '',
        ip6 ? '--log-ip6' : '',
      ),
    watch(skb, par, data) {
      if (frames.allow()) frames.write(data.level, frameText(data.prefix, skb, par, data));
    },
  });
}
