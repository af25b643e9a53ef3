/** sysctl.ts — settings by name (sysctl(8)): `net.ipv4.ip_forward`, or with slashes when a device name has dots. */
import { CommandError } from './errors.ts';

export interface SysctlDef {
  /** With dots; a device name with dots inside is written with slashes throughout. */
  readonly name: string;
  get(): number | string;
  /** Absent: read only. Throws CommandError (`Invalid argument`) for a value it refuses. */
  set?(value: string): void;
}

/** An integer setting between bounds. */
export function intSysctl(name: string, get: () => number, set: (value: number) => void, min = -0x80000000, max = 0x7fffffff): SysctlDef {
  return {
    name,
    get,
    set(text) {
      const value = Number(text.trim());
      if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max) throw new CommandError('Invalid argument');
      set(value);
    },
  };
}

const key = (name: string): string => (name.includes('/') ? name : name.replaceAll('.', '/'));

export class SysctlTree {
  private readonly defs = new Map<string, SysctlDef>();

  /** Adds a setting; returns its undo. */
  define(def: SysctlDef): () => void {
    const k = key(def.name);
    if (this.defs.has(k)) throw new Error(`sysctl ${def.name} is defined twice`);
    this.defs.set(k, def);
    return () => this.defs.delete(k);
  }

  find(name: string): SysctlDef | undefined {
    return this.defs.get(key(name));
  }

  get(name: string): string {
    return String(this.need(name).get());
  }

  set(name: string, value: string): void {
    const def = this.need(name);
    if (def.set === undefined) throw new CommandError(`sysctl: permission denied on key "${name}"`, 255);
    try {
      def.set(value);
    } catch (error) {
      if (error instanceof CommandError) throw new CommandError(`sysctl: setting key "${name}": ${error.message}`, 255);
      throw error;
    }
  }

  /** All names, sorted as `sysctl -a` does. */
  names(): string[] {
    return [...this.defs.values()].map((d) => (d.name.includes('/') ? d.name.replaceAll('/', '.') : d.name)).sort();
  }

  private need(name: string): SysctlDef {
    const def = this.find(name);
    if (def === undefined) {
      throw new CommandError(`sysctl: cannot stat /proc/sys/${key(name)}: No such file or directory`, 255);
    }
    return def;
  }
}
