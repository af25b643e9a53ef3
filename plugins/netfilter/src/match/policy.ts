/** match/policy.ts — `-m policy`: the IPsec transforms of a packet (cf. Linux net/netfilter/xt_policy.c). */
import {
  defineMatch,
  formatIpv4,
  IPPROTO_AH,
  IPPROTO_COMP,
  IPPROTO_ESP,
  NF_IP_LOCAL_IN,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  NF_IP_PRE_ROUTING,
  type Slot,
  type XfrmPath,
  type XfrmTransform,
  type XtGiven,
  type XtHostMask,
  type XtMatch,
  XtProblem,
  type XtValue,
  xtFormatMask,
  xtParseHostMask,
  xtUint,
} from '@packetwalk/framework';
import { words } from './words.ts';

const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['esp', IPPROTO_ESP],
  ['ah', IPPROTO_AH],
  ['ipcomp', IPPROTO_COMP],
]);
/** Transforms that one match can ask for. */
const MAX_ELEMENTS = 4;

function oneOf<T extends string>(what: string, ...names: T[]): XtValue<T> {
  return (text) => {
    const found = names.find((name) => name === text);
    if (found === undefined) throw new XtProblem(`policy_match: invalid ${what} "${text}"`);
    return found;
  };
}

const direction = oneOf('dir', 'in', 'out');
const transformMode = oneOf('mode', 'transport', 'tunnel');
const policyKind = oneOf('policy', 'none', 'ipsec');
const hostMask: XtValue<XtHostMask> = (text) => xtParseHostMask(text);

const protocol: XtValue<number> = (text, at) => {
  const number = PROTOCOLS.get(text);
  if (number === undefined) throw at.bad();
  return number;
};

/** What one transform must be like. */
interface Element {
  readonly reqid: XtGiven<number> | undefined;
  readonly spi: XtGiven<number> | undefined;
  readonly proto: XtGiven<number> | undefined;
  readonly mode: XtGiven<'transport' | 'tunnel'> | undefined;
  readonly dst: XtGiven<XtHostMask> | undefined;
  readonly src: XtGiven<XtHostMask> | undefined;
}

interface Policy {
  readonly dir: 'in' | 'out';
  readonly none: boolean;
  readonly strict: boolean;
  readonly elements: readonly Element[];
}

/** @param path knows the transforms of packets; without it none has any */
export function policy(path: Slot<XfrmPath>): XtMatch {
  const each = { invert: true, multiple: true } as const;
  return defineMatch({
    name: 'policy',
    pure: true,
    options: {
      dir: { value: direction },
      mode: { ...each, value: transformMode },
      next: { multiple: true },
      pol: { value: policyKind },
      proto: { ...each, value: protocol },
      reqid: { ...each, value: xtUint(0xffffffff) },
      spi: { ...each, value: xtUint(0xffffffff) },
      strict: {},
      'tunnel-dst': { ...each, value: hostMask },
      'tunnel-src': { ...each, value: hostMask },
    },
    init(o): Policy {
      if (o.dir === undefined) throw new XtProblem('policy match: neither --dir in nor --dir out specified');
      const none = o.pol?.value === 'none';
      const strict = o.strict !== undefined;
      const nexts = o.next ?? [];
      if (nexts.length >= MAX_ELEMENTS) throw new XtProblem('policy match: maximum policy depth reached');
      if (nexts.length > 0 && !strict) throw new XtProblem("policy match: --next can't be used without --strict");
      const at = <T>(given: readonly XtGiven<T>[] | undefined, i: number): XtGiven<T> | undefined =>
        given?.find((g) => nexts.filter((next) => next.order < g.order).length === i);
      const elements = Array.from({ length: nexts.length + 1 }, (_, i) => ({
        reqid: at(o.reqid, i),
        spi: at(o.spi, i),
        proto: at(o.proto, i),
        mode: at(o.mode, i),
        dst: at(o['tunnel-dst'], i),
        src: at(o['tunnel-src'], i),
      }));
      const empty = elements.every((e) => Object.values(e).every((v) => v === undefined));
      if (none && (strict || !empty)) throw new XtProblem('policy match: policy none but --strict or other options given');
      return { dir: o.dir.value, none, strict, elements: empty ? [] : elements };
    },
    save: (data) => policyText(data, '--', false),
    print: (data, numeric) => `policy match ${policyText(data, '', numeric)}`,
    check({ dir }, { hooks }) {
      if (dir === 'out' && (hooks & ((1 << NF_IP_PRE_ROUTING) | (1 << NF_IP_LOCAL_IN))) !== 0)
        return 'output policy not valid in this chain';
      const outgoing = (1 << NF_IP_POST_ROUTING) | (1 << NF_IP_LOCAL_OUT);
      return dir === 'in' && (hooks & outgoing) !== 0 ? 'input policy not valid in this chain' : null;
    },
    match(skb, _par, { dir, none, strict, elements }) {
      const transforms = (dir === 'in' ? path.value?.received(skb) : path.value?.toCome(skb)) ?? [];
      if (transforms.length === 0) return none;
      if (none) return false;
      if (strict) return transforms.length === elements.length && elements.every((e, i) => fits(e, transforms[place(dir, i, transforms)]));
      return elements.length === 0 || transforms.some((t) => fits(elements[0], t));
    },
  });
}

/** Elements of incoming packets are written from the outermost transform inwards. */
function place(dir: 'in' | 'out', i: number, transforms: readonly XfrmTransform[]): number {
  return dir === 'in' ? i : transforms.length - 1 - i;
}

function fits(e: Element, t: XfrmTransform): boolean {
  const under = (given: XtGiven<XtHostMask> | undefined, address: number): boolean =>
    given === undefined || ((address & given.value.mask) === given.value.address) !== given.invert;
  const same = <T>(given: XtGiven<T> | undefined, value: T): boolean => given === undefined || (value === given.value) !== given.invert;
  return (
    under(e.src, t.saddr) &&
    under(e.dst, t.daddr) &&
    same(e.proto, t.protocol) &&
    same(e.mode, t.mode) &&
    same(e.spi, t.spi) &&
    same(e.reqid, t.reqid)
  );
}

function policyText({ dir, none, strict, elements }: Policy, dashes: string, numeric: boolean): string {
  const option = (name: string, given: XtGiven<unknown> | undefined, value: string): string =>
    given === undefined ? '' : `${given.invert ? '! ' : ''}${dashes}${name} ${value}`;
  const address = (given: XtGiven<XtHostMask> | undefined): string =>
    given === undefined ? '' : formatIpv4(given.value.address) + xtFormatMask(given.value.mask);
  const texts = elements.map((e) =>
    words(
      option('reqid', e.reqid, String(e.reqid?.value)),
      option('spi', e.spi, `0x${e.spi?.value.toString(16)}`),
      option('proto', e.proto, protocolText(e.proto?.value ?? 0, numeric)),
      option('mode', e.mode, String(e.mode?.value)),
      option('tunnel-dst', e.dst, address(e.dst)),
      option('tunnel-src', e.src, address(e.src)),
    ),
  );
  return words(
    `${dashes}dir ${dir} ${dashes}pol ${none ? 'none' : 'ipsec'}`,
    strict ? `${dashes}strict` : '',
    texts.join(` ${dashes}next `),
  );
}

function protocolText(number: number, numeric: boolean): string {
  const name = [...PROTOCOLS].find(([, n]) => n === number)?.[0];
  return numeric || name === undefined ? String(number) : name;
}
