/**
 * packet-payload.ts — payload in the packet notation: strings, hexadecimal bytes and ramps, each with an optional
 * number of times: `"text"`, `0x00ff`, `"x"*1400`, `ramp 0..2000` (byte i is i modulo 251).
 */
import { toHex } from './hex.ts';
import type { WordReader } from './packet-words.ts';

/** A prime, so that a fragment put in the wrong place is seen whatever its offset. */
const RAMP_PERIOD = 251;
/** No payload is longer than this: what an IPv4 packet can carry, with room for those that claim too much. */
const MAX_PAYLOAD = 0x20000;

/** True when a payload starts here. */
export function atPayload(words: WordReader): boolean {
  return /^("|0x|ramp$)/.test(words.peek);
}

export function readPayload(words: WordReader): Uint8Array {
  const parts: Uint8Array[] = [];
  let total = 0;
  do {
    const column = words.column;
    const part = readPart(words);
    total += part.length;
    if (total > MAX_PAYLOAD) words.fail(`the payload is longer than ${MAX_PAYLOAD} bytes`, column);
    parts.push(part);
  } while (!words.layerDone);
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function readPart(words: WordReader): Uint8Array {
  if (words.take('ramp')) return readRamp(words);
  const column = words.column;
  const unit = words.quoted() ?? words.hex('payload');
  if (!words.take('*')) return unit;
  const times = words.number('how often', 0xffff);
  if (unit.length * times > MAX_PAYLOAD) words.fail(`the payload is longer than ${MAX_PAYLOAD} bytes`, column);
  const bytes = new Uint8Array(unit.length * times);
  for (let i = 0; i < times; i++) bytes.set(unit, i * unit.length);
  return bytes;
}

function readRamp(words: WordReader): Uint8Array {
  const { column } = words;
  const range = /^(\d{1,6})\.\.(\d{1,6})$/.exec(words.word('a range like 0..100'));
  const [from, to] = range === null ? [0, -1] : [Number(range[1]), Number(range[2])];
  if (to < from || to - from > MAX_PAYLOAD) words.fail('a ramp has a rising range like 0..100', column);
  return Uint8Array.from({ length: to - from }, (_, i) => (from + i) % RAMP_PERIOD);
}

/** Room for options in an IPv4 or TCP header. */
const MAX_OPTIONS = 40;

/** Options of a header: hexadecimal parts like a payload's, filled up with zeros to a multiple of four bytes. */
export function readOptions(words: WordReader): Uint8Array {
  const { column } = words;
  const parts = [readPart(words)];
  while (words.peek.startsWith('0x')) parts.push(readPart(words));
  const given = parts.flatMap((part) => [...part]);
  if (given.length > MAX_OPTIONS) words.fail(`there is room for ${MAX_OPTIONS} bytes of options`, column);
  const options = new Uint8Array(Math.ceil(given.length / 4) * 4);
  options.set(given);
  return options;
}

/** A few letters among other bytes are chance, not text. */
const SHORTEST_TEXT = 6;

const isPrintable = (byte: number): boolean => byte >= 0x20 && byte < 0x7f;

/** Payload in print; of no bytes `0x`. */
export function formatPayload(bytes: Uint8Array): string {
  if (bytes.length === 0) return '0x';
  const parts: string[] = [];
  const shortest = bytes.every(isPrintable) ? 1 : SHORTEST_TEXT;
  for (let at = 0; at < bytes.length; ) {
    const [text, taken] = formatPart(bytes, at, shortest);
    parts.push(text);
    at += taken;
  }
  return parts.join(' ');
}

/** The next part of a payload and how many bytes it says: a repetition, a ramp, text, or hexadecimal. */
function formatPart(bytes: Uint8Array, at: number, shortest: number): [string, number] {
  for (const period of [1, 2, 3, 4, 8]) {
    const times = repetitions(bytes, at, period);
    if (times * period >= 12 && times >= 3) return [`${unit(bytes.subarray(at, at + period))}*${times}`, times * period];
  }
  const ramp = rampLength(bytes, at);
  if (ramp >= 16) return [`ramp ${bytes[at]}..${bytes[at] + ramp}`, ramp];
  const long = longPeriod(bytes, at);
  if (long > 0) {
    const times = repetitions(bytes, at, long);
    return [`${unit(bytes.subarray(at, at + long))}*${times}`, times * long];
  }
  const text = textLength(bytes, at, shortest);
  if (text > 0) return [unit(bytes.subarray(at, at + text)), text];
  let end = at + 1;
  while (end < bytes.length && textLength(bytes, end, shortest) === 0 && !startsRun(bytes, end)) end++;
  return [unit(bytes.subarray(at, end)), end - at];
}

/** A string when all is printable, else hexadecimal. */
function unit(bytes: Uint8Array): string {
  if (!bytes.every(isPrintable)) return `0x${toHex(bytes)}`;
  return `"${String.fromCharCode(...bytes).replaceAll(/["\\]/g, '\\$&')}"`;
}

/** How many times the `period` bytes at `at` stand there one behind the other. */
function repetitions(bytes: Uint8Array, at: number, period: number): number {
  let end = at + period;
  while (end < bytes.length && bytes[end] === bytes[end - period]) end++;
  return Math.min(Math.floor((end - at) / period), 0xffff);
}

/** A period of 5 to 64 bytes of which the rest of the payload mostly consists; 0 when there is none. */
function longPeriod(bytes: Uint8Array, at: number): number {
  for (let period = 5; period <= 64 && at + 2 * period <= bytes.length; period++) {
    if (repetitions(bytes, at, period) * period > (bytes.length - at) / 2) return period;
  }
  return 0;
}

function rampLength(bytes: Uint8Array, at: number): number {
  if (bytes[at] >= RAMP_PERIOD) return 0;
  let end = at + 1;
  while (end < bytes.length && bytes[end] === (bytes[end - 1] + 1) % RAMP_PERIOD) end++;
  return end - at;
}

/** Length of the text at `at`; 0 when it is shorter than `shortest`. */
function textLength(bytes: Uint8Array, at: number, shortest: number): number {
  let end = at;
  while (end < bytes.length && isPrintable(bytes[end]) && !(end > at && startsRun(bytes, end))) end++;
  return end - at >= shortest ? end - at : 0;
}

/** True where a byte repeats so often that it is said as a repetition. */
function startsRun(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === bytes[at + 1] && bytes[at] === bytes[at + 11] && repetitions(bytes, at, 1) >= 12;
}
