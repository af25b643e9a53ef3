/** template.ts — a FIB backend: one hash table for each prefix length, asked from the longest on. */
import { definePlugin, type FibBackend } from '@packetwalk/framework';

const maskOf = (length: number): number => (length === 0 ? 0 : -1 << (32 - length));

class Backend implements FibBackend {
  private readonly tables = Array.from({ length: 33 }, () => new Map<number, number>());

  /** The value of the longest prefix that holds `address` (int32), or -1. On the path of every packet: no new objects. */
  lookup(address: number): number {
    for (let length = 32; length >= 0; length--) {
      const value = this.tables[length].get(address & maskOf(length));
      if (value !== undefined) return value;
    }
    return -1;
  }

  /** Adds a prefix or gives it another value. */
  insert(prefix: number, length: number, value: number): void {
    this.tables[length].set(prefix, value);
  }

  /** Takes a prefix out. The next shorter one that covers it is told, for structures that store answers: not needed here. */
  remove(prefix: number, length: number, _coverLength: number, _coverValue: number): void {
    this.tables[length].delete(prefix);
  }

  clear(): void {
    for (const table of this.tables) table.clear();
  }

  /** Bytes that the structure takes; an estimate here, exact where typed arrays are used. */
  memory(): number {
    return this.tables.reduce((sum, table) => sum + table.size * 40, 0);
  }
}

export default definePlugin({
  name: 'template',
  setup(ctx) {
    ctx.fibBackend({ name: 'template', create: () => new Backend() });
  },
});
