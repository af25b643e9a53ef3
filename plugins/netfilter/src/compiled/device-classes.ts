/** compiled/device-classes.ts — from the device of a packet to the rules that may match it. */
import type { NetDevice } from '@packetwalk/framework';
import { ifaceMatches } from '../ip-entry.ts';
import { RuleRows, setBit } from './rule-rows.ts';

/** What a rule asks of the device; an empty pattern asks for nothing. */
export interface DeviceBound {
  readonly pattern: string;
  readonly inverted: boolean;
}

export class DeviceClasses {
  readonly rows: RuleRows;
  readonly trivial: boolean;
  private readonly bounds: readonly DeviceBound[];
  private readonly byName = new Map<string, number>();
  /** By ifindex: the name that the device had when its row was looked up, and the row. */
  private readonly names: string[] = [];
  private readonly byIndex: number[] = [];

  constructor(bounds: readonly DeviceBound[]) {
    this.bounds = bounds;
    this.rows = new RuleRows(bounds.length);
    this.trivial = bounds.every((b) => b.pattern === '');
    this.byName.set('', this.addRow(''));
  }

  /** The row for a device; null where packets have none. Without rules that ask, row 0 is right for all. */
  find(dev: NetDevice | null): number {
    if (this.trivial || dev === null) return 0;
    const { ifindex, name } = dev;
    if (this.names[ifindex] === name) return this.byIndex[ifindex];
    let row = this.byName.get(name);
    if (row === undefined) {
      row = this.addRow(name);
      this.byName.set(name, row);
    }
    this.names[ifindex] = name;
    this.byIndex[ifindex] = row;
    return row;
  }

  private addRow(name: string): number {
    const row = new Int32Array(this.rows.width);
    for (const [rule, { pattern, inverted }] of this.bounds.entries()) {
      if (pattern === '' || ifaceMatches(pattern, name) !== inverted) setBit(row, rule);
    }
    return this.rows.add(row);
  }
}
