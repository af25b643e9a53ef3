/** rule.ts — one rule: what it asks of a frame, and what becomes of a frame that has it all. */
import type { EbtMatch, EbtRuleHead, EbtTarget, EbtWatcher } from '@packetwalk/framework';
import type { Chain } from './chain.ts';
import { type DeviceName, deviceNameText } from './device-name.ts';
import { etherTypeName } from './ether-types.ts';
import { type MacMask, macMaskText } from './mac-mask.ts';
import { hex, words } from './numbers.ts';
import { verdictName } from './standard-target.ts';

/** `-p LENGTH`: frames with a length in place of a type. */
export const LENGTH = -1;

export interface MacOption extends MacMask {
  readonly invert: boolean;
}

/** What a rule asks before its matches do. */
export interface RuleEntry extends EbtRuleHead {
  readonly in: DeviceName | null;
  readonly logicalIn: DeviceName | null;
  readonly out: DeviceName | null;
  readonly logicalOut: DeviceName | null;
  readonly src: MacOption | null;
  readonly dst: MacOption | null;
}

/** A match or watcher with what it keeps for this rule. */
export type RuleExtension =
  | { readonly kind: 'match'; readonly match: EbtMatch; readonly data: unknown }
  | { readonly kind: 'watcher'; readonly watcher: EbtWatcher; readonly data: unknown };

export type RuleTarget =
  | { readonly kind: 'verdict'; readonly verdict: number }
  | { readonly kind: 'jump'; readonly chain: Chain }
  | { readonly kind: 'target'; readonly target: EbtTarget; readonly data: unknown };

export interface RuleSpec {
  readonly entry: RuleEntry;
  /** In the order in which they were named. */
  readonly extensions: readonly RuleExtension[];
  readonly target: RuleTarget;
  /** Packets and bytes it starts with. */
  readonly packets: number;
  readonly bytes: number;
  /** Where it was written: `router.yaml:12:5`, or empty for one that was typed. */
  readonly origin: string;
  /** Line of the text it was restored from; 0 for one that was typed. */
  readonly line: number;
}

/** A rule of a chain; only its counters change. */
export class Rule {
  readonly spec: RuleSpec;
  readonly chain: Chain;
  readonly matches: readonly { readonly match: EbtMatch; readonly data: unknown }[];
  readonly watchers: readonly { readonly watcher: EbtWatcher; readonly data: unknown }[];
  readonly target: RuleTarget;
  /** Packets, bytes. */
  readonly counters: Float64Array;

  constructor(spec: RuleSpec, chain: Chain) {
    this.spec = spec;
    this.chain = chain;
    this.target = spec.target;
    this.matches = spec.extensions.flatMap((e) => (e.kind === 'match' ? [e] : []));
    this.watchers = spec.extensions.flatMap((e) => (e.kind === 'watcher' ? [e] : []));
    this.counters = Float64Array.of(spec.packets, spec.bytes);
  }

  /** As walks show it: `filter FORWARD rule 3 (router.yaml:12:5: -p ARP -j DROP)`. */
  toString(): string {
    const { chain, spec } = this;
    const where = spec.origin === '' ? '' : `${spec.origin}: `;
    return `${chain.table} ${chain.name} rule ${chain.rules.indexOf(this) + 1} (${where}${ruleText(spec)})`;
  }
}

/** A rule as listings have it. */
export function ruleText({ entry, extensions, target }: RuleSpec): string {
  return words(
    entry.protocol === 0 ? '' : `-p ${entry.protocolInverted ? '! ' : ''}${protocolText(entry.protocol)}`,
    macText('-s', entry.src),
    macText('-d', entry.dst),
    deviceText('-i', entry.in),
    deviceText('--logical-in', entry.logicalIn),
    deviceText('-o', entry.out),
    deviceText('--logical-out', entry.logicalOut),
    ...extensions.map((e) => (e.kind === 'match' ? e.match.save(e.data) : e.watcher.save(e.data))),
    `-j ${targetText(target)}`,
  );
}

function protocolText(protocol: number): string {
  return protocol === LENGTH ? 'Length' : (etherTypeName(protocol) ?? hex(protocol));
}

function macText(option: string, mac: MacOption | null): string {
  return mac === null ? '' : `${option} ${mac.invert ? '! ' : ''}${macMaskText(mac)}`;
}

function deviceText(option: string, device: DeviceName | null): string {
  return device === null ? '' : `${option} ${device.invert ? '! ' : ''}${deviceNameText(device)}`;
}

function targetText(target: RuleTarget): string {
  if (target.kind === 'verdict') return verdictName(target.verdict);
  if (target.kind === 'jump') return target.chain.name;
  return `${target.target.name} ${target.target.save(target.data)}`;
}
