/** target/nat-ports.ts — ports that NAT targets may choose from, as they are written: `80`, `http`, `1000-2000`, `1000-2000/3000`. */
import {
  IPPROTO_DCCP,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  servicePort,
  XtProblem,
  type XtRule,
  xtNumeral,
} from '@packetwalk/framework';

const PORT_MAX = 0xffff;

export interface NatPorts {
  readonly min: number;
  readonly max: number;
  /** Ports are shifted by as much as they lie behind this one; null: they are not. */
  readonly base: number | null;
}

/** Reads ports for a rule; throws XtProblem in iptables' words. */
export function parseNatPorts(text: string, rule: XtRule): NatPorts {
  if (![IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_ICMP].includes(rule.protocol)) {
    throw new XtProblem('Need TCP, UDP, SCTP or DCCP with port specification');
  }
  const first = port(text, 0);
  if (first.rest === '') return { min: first.value, max: first.value, base: null };
  if (first.rest.startsWith(':')) throw new XtProblem('Invalid port:port syntax - use dash');
  if (!first.rest.startsWith('-')) throw new XtProblem(`Garbage after port value: \`${first.rest}'`);
  const lastText = first.rest.slice(1);
  const last = port(lastText, 0);
  if (last.value < first.value) throw new XtProblem(`Port range \`${lastText}' funky`);
  if (last.rest === '') return { min: first.value, max: last.value, base: null };
  if (!last.rest.startsWith('/')) throw new XtProblem(`Garbage after port range: \`${last.rest}'`);
  return { min: first.value, max: last.value, base: port(last.rest.slice(1), 1).value };
}

/** A number with whatever follows, or the name of a service and nothing else. */
function port(text: string, min: number): { value: number; rest: string } {
  const number = xtNumeral(text, min, PORT_MAX);
  if (number !== null) return number;
  const named = servicePort(text, 'tcp') ?? servicePort(text, 'udp');
  if (named === null) throw new XtProblem(`Port \`${text}' not valid`);
  return { value: named, rest: '' };
}

/** As iptables-save writes them. */
export function formatNatPorts({ min, max, base }: NatPorts): string {
  return `${min}${max === min ? '' : `-${max}`}${base === null ? '' : `/${base}`}`;
}
