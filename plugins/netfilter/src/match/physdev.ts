/** match/physdev.ts — `-m physdev`: the bridge ports of a bridged packet (cf. Linux net/netfilter/xt_physdev.c). */
import { defineMatch, type NetDevice, nfBridgeInfo, type XtGiven, type XtMatch, XtProblem, type XtValue } from '@packetwalk/framework';
import { ifaceMatches } from '../ip-entry.ts';
import { words } from './words.ts';

const IFNAMSIZ = 15;

const iface: XtValue<string> = (text, { extension, option }) => {
  if (text.length > IFNAMSIZ)
    throw new XtProblem(`${extension}: Argument to "--${option}" must have a maximum length of ${IFNAMSIZ} characters\n`);
  return text;
};

type Flag = XtGiven<true> | null;
type Name = XtGiven<string> | null;

interface Physdev {
  readonly in: Name;
  readonly out: Name;
  readonly isIn: Flag;
  readonly isOut: Flag;
  readonly isBridged: Flag;
}

export const physdev: XtMatch = defineMatch({
  name: 'physdev',
  pure: true,
  options: {
    'physdev-in': { value: iface, invert: true },
    'physdev-out': { value: iface, invert: true },
    'physdev-is-in': { invert: true },
    'physdev-is-out': { invert: true },
    'physdev-is-bridged': { invert: true },
  },
  init(o): Physdev {
    if (Object.keys(o).length === 0) throw new XtProblem('PHYSDEV: no physdev option specified');
    return {
      in: o['physdev-in'] ?? null,
      out: o['physdev-out'] ?? null,
      isIn: o['physdev-is-in'] ?? null,
      isOut: o['physdev-is-out'] ?? null,
      isBridged: o['physdev-is-bridged'] ?? null,
    };
  },
  save: optionsText,
  print: (data) => `PHYSDEV match ${optionsText(data)}`,
  match(skb, _par, data) {
    const bridge = nfBridgeInfo(skb);
    if (bridge === null) {
      // Nothing is known, or it is not bridged: only what asks for "not" is so.
      return [data.isBridged, data.isIn, data.isOut, data.in, data.out].every((given) => given === null || given.invert);
    }
    const { physindev, physoutdev } = bridge;
    if (data.isBridged !== null && (physoutdev !== null) === data.isBridged.invert) return false;
    if (data.isIn !== null && (physindev !== null) === data.isIn.invert) return false;
    if (data.isOut !== null && (physoutdev !== null) === data.isOut.invert) return false;
    if (data.in !== null && physindev !== null && !named(data.in, physindev)) return false;
    if (data.out === null) return true;
    return physoutdev !== null && named(data.out, physoutdev);
  },
});

function named({ value, invert }: XtGiven<string>, dev: NetDevice): boolean {
  return ifaceMatches(value, dev.name) !== invert;
}

function optionsText(data: Physdev): string {
  const flag = (name: string, given: Flag): string => (given === null ? '' : `${given.invert ? '! ' : ''}--physdev-${name}`);
  const name = (option: string, given: Name): string =>
    given === null ? '' : `${given.invert ? '! ' : ''}--physdev-${option} ${given.value}`;
  return words(
    flag('is-in', data.isIn),
    name('in', data.in),
    flag('is-out', data.isOut),
    name('out', data.out),
    flag('is-bridged', data.isBridged),
  );
}
