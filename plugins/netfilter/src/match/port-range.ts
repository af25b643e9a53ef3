/** match/port-range.ts — ports of TCP, UDP and their like, as options and listings have them. */
import { serviceName, type XtGiven, XtProblem, type XtValue, xtParsePort } from '@packetwalk/framework';

export const MAX_PORT = 0xffff;

export interface PortRange {
  readonly min: number;
  readonly max: number;
  readonly invert: boolean;
}

/** `22`, `ssh`, `1:5`, `:5`, `5:`. */
export function portRange(protocol: string, ascending: boolean): XtValue<readonly [number, number]> {
  return (text) => {
    const colon = text.indexOf(':');
    if (colon < 0) {
      const port = xtParsePort(text, protocol);
      return [port, port];
    }
    const min = colon === 0 ? 0 : xtParsePort(text.slice(0, colon), protocol);
    const max = colon === text.length - 1 ? MAX_PORT : xtParsePort(text.slice(colon + 1), protocol);
    if (ascending && min > max) throw new XtProblem('invalid portrange (min > max)');
    return [min, max];
  };
}

/** The range of an option; one that begins with port 0 and is turned round becomes what it leaves over. */
export function givenRange(option: XtGiven<readonly [number, number]> | undefined): PortRange | null {
  if (option === undefined) return null;
  const [min, max] = option.value;
  if (option.invert && min === 0 && max !== 0 && max < MAX_PORT) return { min: max + 1, max: MAX_PORT, invert: false };
  return { min, max, invert: option.invert };
}

/** All ports: no range at all. */
function isAll({ min, max, invert }: PortRange): boolean {
  return min === 0 && max === MAX_PORT && !invert;
}

export function inRange(range: PortRange, port: number): boolean {
  return (port >= range.min && port <= range.max) !== range.invert;
}

/** `! --dport 1:5`; empty when all ports are meant. */
export function saveRange(option: string, range: PortRange | null): string {
  if (range === null || isAll(range)) return '';
  const { min, max, invert } = range;
  return `${invert ? '! ' : ''}--${option} ${min === max ? min : `${min}:${max}`}`;
}

export function portText(port: number, protocol: string, numeric: boolean): string {
  return (numeric ? null : serviceName(port, protocol)) ?? String(port);
}

/** `dpt:!ssh`, `dpts:1:5`; empty when all ports are meant. */
export function printRange(label: string, range: PortRange | null, protocol: string, numeric: boolean): string {
  if (range === null || isAll(range)) return '';
  const { min, max, invert } = range;
  const text = min === max ? '' : `:${portText(max, protocol, numeric)}`;
  return `${label}${min === max ? '' : 's'}:${invert ? '!' : ''}${portText(min, protocol, numeric)}${text}`;
}

/** The ports of a range, for a compiled chain. */
export function rangeBounds(range: PortRange | null): readonly number[] | null {
  if (range === null) return null;
  const { min, max, invert } = range;
  if (!invert) return [min, max];
  const outside: number[] = [];
  if (min > 0) outside.push(0, min - 1);
  if (max < MAX_PORT) outside.push(max + 1, MAX_PORT);
  return outside;
}
