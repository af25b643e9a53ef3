/** ipset/named-set.ts — a set as rules name it: `--match-set NAME src,dst` (cf. iptables' libxt_set.h). */
import { XtProblem, type XtValue } from '@packetwalk/framework';
import { COUNT_ANY, type SetQuery } from './extensions.ts';
import type { IpSets, SetPlace } from './ip-sets.ts';

const MAX_NAME = 31;
const MAX_PARTS = 6;

export interface NamedSet {
  readonly place: SetPlace;
  /** `src` or `dst` for each part. */
  readonly sides: readonly string[];
}

/** Reads the two words; the set must be there. */
export function namedSet(sets: IpSets): XtValue<NamedSet> {
  return (name, { option, second }) => {
    if (second === undefined || second.startsWith('-')) throw new XtProblem(`--${option} requires two args.`);
    if (name.length > MAX_NAME) throw new XtProblem(`setname \`${name}' too long, max ${MAX_NAME} characters.`);
    const place = sets.find(name);
    if (place === undefined) throw new XtProblem(`Set ${name} doesn't exist.\n`);
    const sides = second.split(',');
    if (sides.length > MAX_PARTS) throw new XtProblem(`Can't be more src/dst options than ${MAX_PARTS}.`);
    if (sides.some((side) => side !== 'src' && side !== 'dst')) {
      throw new XtProblem("You must spefify (the comma separated list of) 'src' or 'dst'.");
    }
    return { place, sides };
  };
}

export function namedSetText({ place, sides }: NamedSet): string {
  return `${place.name} ${sides.join(',')}`;
}

/** What a rule asks of the set that it names; counters are kept unless told. */
export function setQuery({ sides }: NamedSet, how: Partial<SetQuery> = {}): SetQuery {
  const query: SetQuery = {
    sources: sides.reduce((bits, side, i) => (side === 'src' ? bits | (1 << i) : bits), 0),
    dimension: sides.length,
    returnNomatch: false,
    skipCounters: false,
    skipSubcounters: false,
    packetsOp: COUNT_ANY,
    packets: 0,
    bytesOp: COUNT_ANY,
    bytes: 0,
    members: null,
    info: null,
    ...how,
  };
  const { skipCounters, skipSubcounters } = query;
  const members: SetQuery = { ...query, skipCounters: skipCounters || skipSubcounters, packetsOp: COUNT_ANY, bytesOp: COUNT_ANY };
  return { ...query, members };
}
