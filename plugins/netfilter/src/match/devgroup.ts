/** match/devgroup.ts — `-m devgroup`: groups of the devices (`ip link set DEV group N`; cf. Linux net/netfilter/xt_devgroup.c). */
import {
  defineMatch,
  type NetDevice,
  NF_IP_FORWARD,
  NF_IP_LOCAL_IN,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  NF_IP_PRE_ROUTING,
  type XtGiven,
  type XtMasked,
  type XtMatch,
  XtProblem,
  type XtValue,
  xtMarkMask,
  xtNumeral,
} from '@packetwalk/framework';
import { markText } from './mark.ts';
import { words } from './words.ts';

const group: XtValue<XtMasked> = (text, at) => {
  if (xtNumeral(text) === null) {
    throw new XtProblem(`${at.extension}: could not map name ${text} to an integer value for option "--${at.option}".\n`);
  }
  return xtMarkMask(text, at);
};

type Side = XtGiven<XtMasked> | null;

function inGroup(dev: NetDevice | null, side: Side): boolean {
  if (side === null) return true;
  const { value, mask } = side.value;
  return (((dev === null ? 0 : dev.group) & mask) === (value | 0)) !== side.invert;
}

/** Hooks where packets have an incoming and an outgoing device. */
const INCOMING = (1 << NF_IP_PRE_ROUTING) | (1 << NF_IP_LOCAL_IN) | (1 << NF_IP_FORWARD);
const OUTGOING = (1 << NF_IP_FORWARD) | (1 << NF_IP_LOCAL_OUT) | (1 << NF_IP_POST_ROUTING);

export const devgroup: XtMatch = defineMatch({
  name: 'devgroup',
  pure: true,
  options: { 'src-group': { value: group, invert: true }, 'dst-group': { value: group, invert: true } },
  init(o): { src: Side; dst: Side } {
    const src = o['src-group'] ?? null;
    const dst = o['dst-group'] ?? null;
    if (src === null && dst === null) throw new XtProblem("devgroup match: You must specify either '--src-group' or '--dst-group'");
    return { src, dst };
  },
  save(data) {
    const option = (name: string, side: Side): string =>
      side === null ? '' : `${side.invert ? '! ' : ''}--${name} ${markText(side.value)}`;
    return words(option('src-group', data.src), option('dst-group', data.dst));
  },
  print(data) {
    const text = (name: string, side: Side): string => (side === null ? '' : `${side.invert ? '! ' : ''}${name} ${markText(side.value)}`);
    return words(text('src-group', data.src), text('dst-group', data.dst));
  },
  check({ src, dst }, { hooks }) {
    if (src !== null && (hooks & ~INCOMING) !== 0) return 'a packet has no source device there';
    return dst !== null && (hooks & ~OUTGOING) !== 0 ? 'a packet has no destination device there' : null;
  },
  match: (_skb, par, { src, dst }) => inGroup(par.state.in, src) && inGroup(par.state.out, dst),
});
