/** device-name.ts — names of devices in rules: exact, or with `+` for all that begin so. */
import { EbtProblem, type NetDevice } from '@packetwalk/framework';

/** Longest name (IFNAMSIZ - 1). */
const MAX_NAME = 15;

export interface DeviceName {
  /** Without the `+`. */
  readonly name: string;
  readonly prefix: boolean;
  readonly invert: boolean;
}

/** Null stands for every device. */
export function parseDeviceName(text: string, invert: boolean, warn: (text: string) => void): DeviceName | null {
  if (text.length > MAX_NAME) throw new EbtProblem(`interface name \`${text}' must be shorter than IFNAMSIZ (15)`);
  if (/[/ ]/.test(text)) warn(`Warning: weird character in interface \`${text}' ('/' and ' ' are not allowed by the kernel).\n`);
  if (text === '' || text === '+') return null;
  const prefix = text.endsWith('+');
  return { name: prefix ? text.slice(0, -1) : text, prefix, invert };
}

export function deviceNameText({ name, prefix }: DeviceName): string {
  return prefix ? `${name}+` : name;
}

/** Is it the device of the rule? No device has the empty name. */
export function deviceMatches({ name, prefix, invert }: DeviceName, dev: NetDevice | null): boolean {
  const found = dev === null ? false : prefix ? dev.name.startsWith(name) : dev.name === name;
  return found !== invert;
}
