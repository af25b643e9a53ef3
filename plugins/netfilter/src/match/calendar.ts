/** match/calendar.ts — dates, hours and days as `-m time` reads and writes them (cf. iptables' libxt_time.c). */
import { XtProblem, type XtValue } from '@packetwalk/framework';

export const SECONDS_PER_DAY = 86400;
/** Last second that a date can stand for: 2038-01-19T03:14:07. */
export const LAST_SECOND = 0x7fffffff;

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
/** Bits 1 … 7. */
export const ALL_WEEKDAYS = 0xfe;
/** Bits 1 … 31. */
export const ALL_MONTHDAYS: number = 0xfffffffe | 0;

/** `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]` in UTC, as seconds since 1970. */
export const parseDate: XtValue<number> = (text) => {
  const m = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:T(\d{1,2})(?::(\d{1,2})(?::(\d{1,2}))?)?)?)?)?$/.exec(text);
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((i) => Number(m?.[i] ?? (i === 2 || i === 3 ? 1 : 0)));
  const valid = m !== null && month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour <= 23 && minute <= 59 && second <= 59;
  if (!valid || year < 1970 || year > 2038) {
    throw new XtProblem(`Invalid date "${text}" specified. Should be YYYY[-MM[-DD[Thh[:mm[:ss]]]]]`);
  }
  return Math.min(Date.UTC(year, month - 1, day, hour, minute, second) / 1000, LAST_SECOND);
};

/** `hh:mm[:ss]` as seconds of the day. */
export const parseClock: XtValue<number> = (text) => {
  const m = /^(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?$/.exec(text);
  const [hour, minute, second] = m === null ? [24, 0, 0] : [Number(m[1]), Number(m[2]), Number(m[3] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) {
    throw new XtProblem(`invalid time "${text}" specified, should be hh:mm[:ss] format and within the boundaries`);
  }
  return hour * 3600 + minute * 60 + second;
};

/** `Mon,Tu,7` as bits. */
export const parseWeekdays: XtValue<number> = (text) => {
  let days = 0;
  for (const word of text.split(',')) {
    if (word === '') continue;
    const number = /^[1-7]$/.test(word)
      ? Number(word)
      : WEEKDAYS.findIndex((d) => d.slice(0, 2).toLowerCase() === word.slice(0, 2).toLowerCase()) + 1;
    if (number === 0) throw new XtProblem(`${word} is not a valid day specifier`);
    days |= 1 << number;
  }
  return days;
};

/** `1,15,31` as bits. */
export const parseMonthdays: XtValue<number> = (text) => {
  let days = 0;
  for (const word of text.split(',')) {
    const day = /^\d+$/.test(word) ? Number(word) : 0;
    if (day < 1 || day > 31) throw new XtProblem(`${word} is not a valid day for --monthdays`);
    days |= 1 << day;
  }
  return days;
};

const two = (n: number): string => String(n).padStart(2, '0');

/** `08:00:00` */
export function clockText(seconds: number): string {
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** `2020-01-01T00:00:00` with any sign between date and time. */
export function dateText(seconds: number, between: string): string {
  const [date, clock] = new Date(seconds * 1000).toISOString().split('T');
  return `${date}${between}${clock.slice(0, 8)}`;
}

export function weekdayNames(days: number): string {
  return WEEKDAYS.filter((_, i) => (days & (1 << (i + 1))) !== 0).join(',');
}

function monthdays(days: number): number[] {
  return Array.from({ length: 31 }, (_, i) => i + 1).filter((day) => (days & (1 << day)) !== 0);
}

export function monthdayNumbers(days: number): string {
  return monthdays(days).join(',');
}

/** `3rd,11st`: the last digit alone decides, as iptables has it. */
export function monthdayNames(days: number): string {
  return monthdays(days)
    .map((day) => `${day}${['th', 'st', 'nd', 'rd'][day % 10] ?? 'th'}`)
    .join(',');
}
