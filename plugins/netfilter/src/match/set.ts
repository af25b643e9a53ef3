/** match/set.ts — `-m set`: is the packet in a set (cf. Linux net/netfilter/xt_set.c)? */
import { defineMatch, type XtGiven, type XtMatch, XtProblem, xtUint } from '@packetwalk/framework';
import { COUNT_ANY, COUNT_EQ, COUNT_GT, COUNT_LT, COUNT_NE, type SetQuery } from '../ipset/extensions.ts';
import { SET_MATCH } from '../ipset/ip-set.ts';
import type { IpSets } from '../ipset/ip-sets.ts';
import { type NamedSet, namedSet, namedSetText, setQuery } from '../ipset/named-set.ts';
import { askSet } from '../ipset/set-question.ts';
import { words } from './words.ts';

interface CountTest {
  readonly op: number;
  readonly value: number;
}

interface SetMatch {
  readonly named: NamedSet;
  readonly invert: boolean;
  readonly returnNomatch: boolean;
  readonly skipCounters: boolean;
  readonly skipSubcounters: boolean;
  readonly packets: CountTest;
  readonly bytes: CountTest;
  readonly query: SetQuery;
}

const NO_TEST: CountTest = { op: COUNT_ANY, value: 0 };
const count = xtUint(Number.MAX_SAFE_INTEGER);

type CountGiven = XtGiven<number> | undefined;

/** One of `--packets-eq`, `-lt`, `-gt`. */
function countTest(what: string, eq: CountGiven, lt: CountGiven, gt: CountGiven): CountTest {
  const given = [eq, lt, gt].filter((one) => one !== undefined);
  if (given.length > 1) throw new XtProblem(`only one of the --${what}-[eq|lt|gt] is allowed`);
  if (eq !== undefined) return { op: eq.invert ? COUNT_NE : COUNT_EQ, value: eq.value };
  if (lt !== undefined) return { op: COUNT_LT, value: lt.value };
  return gt === undefined ? NO_TEST : { op: COUNT_GT, value: gt.value };
}

function countText(what: string, { op, value }: CountTest): string {
  if (op === COUNT_ANY) return '';
  return `${op === COUNT_NE ? '! ' : ''}${what}-${op === COUNT_LT ? 'lt' : op === COUNT_GT ? 'gt' : 'eq'} ${value}`;
}

export function set(sets: IpSets): XtMatch {
  return defineMatch({
    name: 'set',
    options: {
      'match-set': { value: namedSet(sets), words: 2, invert: true, twice: '--match-set can be specified only once' },
      set: { alias: 'match-set' },
      'return-nomatch': {},
      'update-counters': { invert: true },
      'update-subcounters': { invert: true },
      'packets-eq': { value: count, invert: true },
      'packets-lt': { value: count },
      'packets-gt': { value: count },
      'bytes-eq': { value: count, invert: true },
      'bytes-lt': { value: count },
      'bytes-gt': { value: count },
    },
    init(o): SetMatch {
      const given = o['match-set'];
      if (given === undefined) throw new XtProblem("You must specify `--match-set' with proper arguments");
      const tests = {
        packets: countTest('packets', o['packets-eq'], o['packets-lt'], o['packets-gt']),
        bytes: countTest('bytes', o['bytes-eq'], o['bytes-lt'], o['bytes-gt']),
      };
      const how = {
        returnNomatch: o['return-nomatch'] !== undefined,
        skipCounters: o['update-counters']?.invert === true,
        skipSubcounters: o['update-subcounters']?.invert === true,
      };
      const query = setQuery(given.value, {
        ...how,
        packetsOp: tests.packets.op,
        packets: tests.packets.value,
        bytesOp: tests.bytes.op,
        bytes: tests.bytes.value,
      });
      return { named: given.value, invert: given.invert, ...how, ...tests, query };
    },
    save: (data) => text(data, '--'),
    print: (data) => text(data, ''),
    match: (skb, par, { named, invert, query }) => (askSet(named.place.set, skb, par, query) === SET_MATCH) !== invert,
    attach({ named }) {
      named.place.references++;
    },
    destroy({ named }) {
      named.place.references--;
    },
  });
}

function text(data: SetMatch, hyphens: string): string {
  const flag = (name: string, on: boolean, not = ''): string => (on ? `${not}${hyphens}${name}` : '');
  const counted = (what: string, test: CountTest): string => countText(`${hyphens}${what}`, test);
  return words(
    `${data.invert ? '! ' : ''}${hyphens}match-set ${namedSetText(data.named)}`,
    flag('return-nomatch', data.returnNomatch),
    flag('update-counters', data.skipCounters, '! '),
    flag('update-subcounters', data.skipSubcounters, '! '),
    counted('packets', data.packets),
    counted('bytes', data.bytes),
  );
}
