/** compiled/protocol-classes.ts — from the IP protocol of a packet to the rules that may match it. */
import type { Rule } from '../rule.ts';
import { allowsProtocol } from './rule-bounds.ts';
import { RuleRows, setBit } from './rule-rows.ts';

/** A protocol that no rule names stands for all such. */
const OTHERS = -1;

export class ProtocolClasses {
  readonly rows: RuleRows;
  readonly trivial: boolean;
  /** Row by protocol. */
  private readonly byProtocol = new Uint16Array(256);

  constructor(rules: readonly Rule[]) {
    this.rows = new RuleRows(rules.length);
    const named = new Set(rules.map(({ entry }) => entry.protocol));
    named.delete(0);
    this.trivial = named.size === 0;
    this.byProtocol.fill(this.addRow(rules, OTHERS));
    for (const protocol of named) this.byProtocol[protocol] = this.addRow(rules, protocol);
  }

  find(protocol: number): number {
    return this.byProtocol[protocol];
  }

  private addRow(rules: readonly Rule[], protocol: number): number {
    const row = new Int32Array(this.rows.width);
    for (const [i, rule] of rules.entries()) if (allowsProtocol(rule, protocol)) setBit(row, i);
    return this.rows.add(row);
  }
}
