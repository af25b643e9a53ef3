/** target/nat.ts — what snat, dnat and arpreply share: an address, and where they may stand. */
import { type EbtPlace, EbtProblem, NF_BR_BROUTING, NF_IP_LOCAL_OUT, NF_IP_POST_ROUTING, NF_IP_PRE_ROUTING } from '@packetwalk/framework';
import { formatEther, parseEther } from '../mac-mask.ts';

export interface Ether {
  readonly hi: number;
  readonly lo: number;
}

/** @param option `to-source`, for the message */
export function etherArgument(text: string, option: string): Ether {
  const mac = parseEther(text);
  if (mac === null) throw new EbtProblem(`Problem with specified --${option} mac`);
  return mac;
}

export function etherText({ hi, lo }: Ether): string {
  return formatEther(hi, lo);
}

export const NAT_PREROUTING: number = 1 << NF_IP_PRE_ROUTING;
export const NAT_OUTPUT: number = 1 << NF_IP_LOCAL_OUT;
export const NAT_POSTROUTING: number = 1 << NF_IP_POST_ROUTING;
const BROUTING = 1 << NF_BR_BROUTING;

/** Is the rule in nat, and reached from these hooks only; or in broute, when that is allowed? */
export function natPlace({ table, hooks }: EbtPlace, allowed: number, broute: boolean): boolean {
  if (table === 'nat') return (hooks & ~allowed) === 0;
  return broute && table === 'broute' && (hooks & ~BROUTING) === 0;
}
