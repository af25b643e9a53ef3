/** match/state.ts — `-m state`: what `-m conntrack --ctstate` was called before it could do more (cf. iptables' libxt_conntrack.c). */
import { defineMatch, type XtMatch, XtProblem, type XtValue } from '@packetwalk/framework';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import { formatNames, parseNames, STATE_NAMES, stateOf } from './ct-state.ts';

const states: XtValue<number> = (text) => {
  if (text === '') throw new XtProblem('"--state" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED');
  const bits = parseNames(text, STATE_NAMES);
  if (typeof bits !== 'number') throw new XtProblem(`Bad state "${bits.unknown}"`);
  return bits;
};

export function state(nct: NfConntrack): XtMatch {
  return defineMatch({
    name: 'state',
    pure: true,
    options: { state: { value: states, invert: true, mandatory: true } },
    init: ({ state: { value, invert } }) => ({ bits: value, invert }),
    save: ({ bits, invert }) => `${invert ? '! ' : ''}--state ${formatNames(bits, STATE_NAMES)}`,
    print: ({ bits, invert }) => `${invert ? '! ' : ''}state ${formatNames(bits, STATE_NAMES)}`,
    match: (skb, _par, { bits, invert }) => ((stateOf(skb) & bits) !== 0) !== invert,
    ...conntrackUser(nct),
  });
}
