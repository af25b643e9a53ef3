/** match/time.ts — `-m time`: dates, hours, days of the week and of the month, in UTC (cf. Linux net/netfilter/xt_time.c). */
import { defineMatch, type XtMatch } from '@packetwalk/framework';
import {
  ALL_MONTHDAYS,
  ALL_WEEKDAYS,
  clockText,
  dateText,
  LAST_SECOND,
  monthdayNames,
  monthdayNumbers,
  parseClock,
  parseDate,
  parseMonthdays,
  parseWeekdays,
  SECONDS_PER_DAY,
  weekdayNames,
} from './calendar.ts';
import { words } from './words.ts';

interface Time {
  /** Seconds since 1970. */
  readonly from: number;
  readonly until: number;
  /** Seconds of the day. */
  readonly start: number;
  readonly stop: number;
  /** Bits 1 … 7 (Monday … Sunday), and 1 … 31. */
  readonly weekdays: number;
  readonly monthdays: number;
  readonly kerneltz: boolean;
  readonly contiguous: boolean;
}

/** The end of a day, when nothing else was said. */
const DAY_END = SECONDS_PER_DAY - 1;

export const time: XtMatch = defineMatch({
  name: 'time',
  options: {
    datestart: { value: parseDate },
    datestop: { value: parseDate },
    timestart: { value: parseClock },
    timestop: { value: parseClock },
    weekdays: { value: parseWeekdays, invert: true },
    monthdays: { value: parseMonthdays, invert: true },
    localtz: { excludes: ['utc', 'kerneltz'] },
    utc: { excludes: ['localtz', 'kerneltz'] },
    kerneltz: { excludes: ['utc', 'localtz'] },
    contiguous: {},
  },
  init(o): Time {
    const { weekdays, monthdays } = o;
    return {
      from: o.datestart?.value ?? 0,
      until: o.datestop?.value ?? LAST_SECOND,
      start: o.timestart?.value ?? 0,
      stop: o.timestop?.value ?? DAY_END,
      weekdays: weekdays === undefined ? ALL_WEEKDAYS : weekdays.invert ? ALL_WEEKDAYS & ~weekdays.value : weekdays.value,
      monthdays: monthdays === undefined ? ALL_MONTHDAYS : monthdays.invert ? ALL_MONTHDAYS & ~monthdays.value : monthdays.value,
      kerneltz: o.kerneltz !== undefined,
      contiguous: o.contiguous !== undefined,
    };
  },
  save(data) {
    const hours = data.start !== 0 || data.stop !== DAY_END;
    return words(
      hours ? `--timestart ${clockText(data.start)} --timestop ${clockText(data.stop)}` : '',
      data.monthdays === ALL_MONTHDAYS ? '' : `--monthdays ${monthdayNumbers(data.monthdays)}`,
      data.weekdays === ALL_WEEKDAYS ? '' : `--weekdays ${weekdayNames(data.weekdays)}`,
      data.from === 0 ? '' : `--datestart ${dateText(data.from, 'T')}`,
      `--datestop ${dateText(data.until, 'T')}`,
      data.kerneltz ? '--kerneltz' : '',
      data.contiguous ? '--contiguous' : '',
    );
  },
  print(data) {
    const hours = data.start !== 0 || data.stop !== DAY_END;
    return words(
      'TIME',
      hours ? `from ${clockText(data.start)} to ${clockText(data.stop)}` : '',
      data.weekdays === ALL_WEEKDAYS ? '' : `on ${weekdayNames(data.weekdays)}`,
      data.monthdays === ALL_MONTHDAYS ? '' : `on ${monthdayNames(data.monthdays)}`,
      data.from === 0 ? '' : `starting from ${dateText(data.from, ' ')}`,
      data.until === LAST_SECOND ? '' : `until date ${dateText(data.until, ' ')}`,
      data.kerneltz ? '' : 'UTC',
      data.contiguous ? 'contiguous' : '',
    );
  },
  match(skb, _par, data) {
    let stamp = Math.floor(skb.net.softirq.clock.wallClock() / 1000);
    if (stamp < data.from || stamp > data.until) return false;
    const second = stamp % SECONDS_PER_DAY;
    if (data.start < data.stop) {
      if (second < data.start || second > data.stop) return false;
    } else {
      if (second < data.start && second > data.stop) return false;
      // Past midnight, and still part of the evening before.
      if (data.contiguous && second <= data.stop) stamp -= SECONDS_PER_DAY;
    }
    const day = new Date(stamp * 1000);
    if ((data.weekdays & (1 << (day.getUTCDay() || 7))) === 0) return false;
    return (data.monthdays & (1 << day.getUTCDate())) !== 0;
  },
});
