/** target/nat-how.ts — options of NAT targets that say how a port or address is chosen. */
import { NAT_PERSISTENT, NAT_PROTO_RANDOM, NAT_PROTO_RANDOM_FULLY } from '../nat/nat-range.ts';

export interface NatHow {
  /** NAT_* */
  readonly flags: number;
  /** As iptables-save writes them, and as listings do: a blank in front of each. */
  readonly save: string;
  readonly print: string;
}

const FLAGS: Readonly<Record<string, number>> = {
  random: NAT_PROTO_RANDOM,
  'random-fully': NAT_PROTO_RANDOM_FULLY,
  persistent: NAT_PERSISTENT,
};

/** Reads those of a target's options that are among them. */
export function natHow(options: Readonly<Record<string, unknown>>): NatHow {
  const given = Object.keys(FLAGS).filter((name) => options[name] !== undefined);
  return {
    flags: given.reduce((flags, name) => flags | FLAGS[name], 0),
    save: given.map((name) => ` --${name}`).join(''),
    print: given.map((name) => ` ${name}`).join(''),
  };
}
