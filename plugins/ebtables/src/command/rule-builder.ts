/** command/rule-builder.ts — a rule, put together option by option as it is typed. */
import { EBT_CONTINUE, type Ebtables, type EbtExtension, EbtProblem, type EbtTarget, ETH_P_802_3_MIN } from '@packetwalk/framework';
import type { Chain } from '../chain.ts';
import { type DeviceName, parseDeviceName } from '../device-name.ts';
import { etherTypeNumber } from '../ether-types.ts';
import { parseMacMask } from '../mac-mask.ts';
import { cNumber } from '../numbers.ts';
import { LENGTH, type MacOption, type RuleExtension, type RuleSpec, type RuleTarget } from '../rule.ts';
import { verdictOf } from '../standard-target.ts';
import type { FoundOption } from './option-index.ts';

export const TWICE = 'Multiple use of same option not allowed';

/** Where a rule comes from. */
export interface Source {
  readonly origin: string;
  readonly line: number;
}

interface Slot {
  readonly extension: EbtExtension<unknown>;
  readonly kind: 'match' | 'watcher' | 'target';
  readonly data: unknown;
  readonly seen: Set<string>;
}

export class RuleBuilder {
  private protocol = 0;
  private protocolInverted = false;
  private readonly devices: Partial<Record<'in' | 'logicalIn' | 'out' | 'logicalOut', DeviceName | null>> = {};
  private src: MacOption | null = null;
  private dst: MacOption | null = null;
  private jump: string | null = null;
  private packets = 0;
  private bytes = 0;
  private readonly once = new Set<string>();
  /** Matches, watchers and targets with options given, in order. */
  private readonly slots: Slot[] = [];
  /** For its warnings. */
  private readonly warn: (text: string) => void;

  constructor(warn: (text: string) => void) {
    this.warn = warn;
  }

  private single(option: string): void {
    if (this.once.has(option)) throw new EbtProblem(TWICE);
    this.once.add(option);
  }

  setProtocol(text: string, invert: boolean): void {
    this.single('p');
    this.protocolInverted = invert;
    const number = cNumber(text, 16);
    if (number !== null && number > 0xffff) throw new EbtProblem('Problem with the specified protocol');
    if (number === null && text.toUpperCase() === 'LENGTH') {
      this.protocol = LENGTH;
      return;
    }
    const type = number ?? etherTypeNumber(text);
    if (type === null) throw new EbtProblem(`Problem with the specified Ethernet protocol '${text}', perhaps /etc/ethertypes is missing`);
    if (type < ETH_P_802_3_MIN) throw new EbtProblem('Sorry, protocols have values above or equal to 0x0600');
    this.protocol = type;
  }

  setDevice(which: 'in' | 'logicalIn' | 'out' | 'logicalOut', text: string, invert: boolean): void {
    this.single(which);
    this.devices[which] = parseDeviceName(text, invert, this.warn);
  }

  setMac(which: 'source' | 'destination', text: string, invert: boolean): void {
    this.single(which);
    const mac = parseMacMask(text);
    if (mac === null) throw new EbtProblem(`Problem with specified ${which} mac '${text.split('/')[0]}'`);
    if (which === 'source') this.src = { ...mac, invert };
    else this.dst = { ...mac, invert };
  }

  setJump(name: string): void {
    this.single('j');
    this.jump = name;
  }

  setCounters(packets: string, bytes: string): void {
    this.single('c');
    const [p, b] = [packets, bytes].map((text) => cNumber(text, 10));
    if (p === null || p < 0) throw new EbtProblem(`Packet counter '${packets}' invalid`);
    if (b === null || b < 0) throw new EbtProblem(`Packet counter '${bytes}' invalid`);
    this.packets = p;
    this.bytes = b;
  }

  setOption({ owner, name, option }: FoundOption, text: string, invert: boolean): void {
    const { seen, extension, data } = this.slot(owner.kind, owner.extension);
    if (extension.once === true && seen.has(name)) throw new EbtProblem(TWICE);
    seen.add(name);
    option.parse(data, text, invert);
  }

  private slot(kind: Slot['kind'], extension: EbtExtension<unknown>): Slot {
    const found = this.slots.find((s) => s.extension === extension);
    if (found !== undefined) return found;
    const slot: Slot = { kind, extension, data: extension.create(), seen: new Set() };
    this.slots.push(slot);
    return slot;
  }

  /** The rule. @param chain finds a chain to jump to */
  build({ watchers, targets }: Ebtables, chain: (name: string) => Chain | undefined, { origin, line }: Source): RuleSpec {
    const { protocol, protocolInverted, src, dst, devices } = this;
    const name = this.jump;
    const watcher = name === null || verdictOf(name) !== undefined ? undefined : watchers.get(name);
    if (watcher !== undefined) this.slot('watcher', watcher);
    const target =
      watcher === undefined ? this.target(name, targets.get(name ?? ''), chain) : ({ kind: 'verdict', verdict: EBT_CONTINUE } as const);
    const entry = {
      protocol,
      protocolInverted,
      src,
      dst,
      in: devices.in ?? null,
      logicalIn: devices.logicalIn ?? null,
      out: devices.out ?? null,
      logicalOut: devices.logicalOut ?? null,
    };
    const used = this.slots.filter((s) => s.kind !== 'target' || (target.kind === 'target' && s.extension === target.target));
    for (const { extension, data } of used) extension.finish?.(data, entry);
    const extensions = used.filter((s) => s.kind !== 'target').map(({ kind, extension, data }) => ({ kind, [kind]: extension, data }));
    return {
      entry,
      extensions: extensions as unknown as RuleExtension[],
      target,
      packets: this.packets,
      bytes: this.bytes,
      origin,
      line,
    };
  }

  private target(name: string | null, target: EbtTarget | undefined, chain: (name: string) => Chain | undefined): RuleTarget {
    const verdict = name === null ? EBT_CONTINUE : verdictOf(name);
    if (verdict !== undefined) return { kind: 'verdict', verdict };
    if (target !== undefined) return { kind: 'target', target, data: this.slot('target', target).data };
    const to = chain(name as string);
    if (to === undefined) throw new EbtProblem(`Chain '${name}' does not exist`);
    return { kind: 'jump', chain: to };
  }
}
