/**
 * chain.ts — a chain, and its rules compiled to integers: what a rule asks before its matches lies in one typed array, so that a
 * frame passes a rule that is not for it without a look at an object.
 *
 *      flags · protocol · source: high, low, their masks · destination: the same
 */
import { EBT_ACCEPT } from '@packetwalk/framework';
import type { DeviceName } from './device-name.ts';
import { LENGTH, type MacOption, type Rule } from './rule.ts';
import { verdictName } from './standard-target.ts';

/** Cells a rule. */
export const STRIDE = 10;
export const PROTOCOL = 1;
export const SRC = 2;
export const DST = 6;

export const F_PROTOCOL = 0x01;
export const F_PROTOCOL_INV = 0x02;
export const F_LENGTH = 0x04;
export const F_SRC = 0x08;
export const F_SRC_INV = 0x10;
export const F_DST = 0x20;
export const F_DST_INV = 0x40;
/** It asks for devices: in, logical in, out, logical out, four cells of `devices`. */
export const F_DEVICES = 0x80;

export class Chain {
  readonly table: string;
  name: string;
  /** NF_BR_* of a built-in chain, -1 for others. */
  readonly hooknum: number;
  policy: number = EBT_ACCEPT;
  rules: readonly Rule[] = [];
  code: Int32Array = new Int32Array(0);
  devices: readonly (DeviceName | null)[] = [];

  constructor(table: string, name: string, hooknum: number) {
    this.table = table;
    this.name = name;
    this.hooknum = hooknum;
  }

  get builtIn(): boolean {
    return this.hooknum >= 0;
  }

  /** Gives it other rules. */
  load(rules: readonly Rule[]): void {
    this.rules = rules;
    this.code = new Int32Array(rules.length * STRIDE);
    this.devices = rules.flatMap(({ spec: { entry } }) => [entry.in, entry.logicalIn, entry.out, entry.logicalOut]);
    for (const [i, { spec }] of rules.entries()) {
      const { entry } = spec;
      const at = i * STRIDE;
      let flags = 0;
      if (entry.protocol !== 0) flags |= entry.protocol === LENGTH ? F_LENGTH : F_PROTOCOL;
      if (entry.protocolInverted) flags |= F_PROTOCOL_INV;
      if (entry.src !== null) flags |= F_SRC | (entry.src.invert ? F_SRC_INV : 0);
      if (entry.dst !== null) flags |= F_DST | (entry.dst.invert ? F_DST_INV : 0);
      if (entry.in !== null || entry.logicalIn !== null || entry.out !== null || entry.logicalOut !== null) flags |= F_DEVICES;
      this.code[at] = flags;
      this.code[at + PROTOCOL] = entry.protocol;
      this.setMac(at + SRC, entry.src);
      this.setMac(at + DST, entry.dst);
    }
  }

  private setMac(at: number, mac: MacOption | null): void {
    if (mac !== null) this.code.set([mac.hi, mac.lo, mac.maskHi, mac.maskLo], at);
  }

  /** As walks show a decision of its policy. */
  toString(): string {
    return `${this.table} ${this.name} policy ${verdictName(this.policy)}`;
  }
}
