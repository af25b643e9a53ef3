/** subjects.ts — the implementations in JavaScript that the benchmark knows, each with the loops that it is timed in. */
import { BlockList } from 'node:net';
import { fibDir24 } from '@packetwalk/fib-dir24';
import { fibHash } from '@packetwalk/fib-hash';
import { fibTrie } from '@packetwalk/fib-trie';
import { type FibBackend, type FibBackendFactory, formatIpv4, LocalFibStorage } from '@packetwalk/framework';
import { coversOf, type RouteSet } from '@packetwalk/framework/testing';

export interface Subject {
  build(): void;
  /** Bytes of the lookup structure; 0: it does not say. */
  bytes(): number;
  one(trace: Int32Array, count: number): number;
  batch?(trace: Int32Array, count: number): number;
  alone?(trace: Int32Array, count: number): number;
  readonly churn?: { remove(): void; add(): void; readonly count: number };
  depth?(): { average: number; most: number };
}

const BATCH = 64;
const CHURN_STRIDE = 16;

const BACKENDS: Readonly<Record<string, FibBackendFactory>> = { 'fib-trie': fibTrie, 'fib-hash': fibHash, 'fib-dir24': fibDir24 };

/** An implementation over a table of prefix, length, value triples; not built yet. */
export async function createSubject(name: string, table: Int32Array): Promise<Subject> {
  const routes = unpack(table);
  if (name === 'longest-prefix-match') return longestPrefixMatch(routes);
  if (name === 'net.BlockList') return blockList(routes);
  return backendSubject(BACKENDS[name], routes);
}

function unpack(table: Int32Array): RouteSet {
  const count = table.length / 3;
  const column = (at: number): Int32Array => Int32Array.from({ length: count }, (_, i) => table[i * 3 + at]);
  return { count, prefixes: column(0), lengths: Uint8Array.from(column(1)), values: column(2) };
}

function backendSubject(factory: FibBackendFactory, routes: RouteSet): Subject {
  const backend = factory.create({ table: 254, storage: new LocalFibStorage() });
  const { count, prefixes, lengths, values } = routes;
  const out = new Int32Array(BATCH);
  const subject: Subject = {
    build: () => {
      for (let i = 0; i < count; i++) backend.insert(prefixes[i], lengths[i], values[i]);
    },
    bytes: () => backend.memory(),
    one: (trace, lookups) => {
      let sum = 0;
      for (let i = 0; i < lookups; i++) sum = (sum + backend.lookup(trace[i])) | 0;
      return sum >>> 0;
    },
    alone: (trace, lookups) => {
      const none = trace.length >>> 31;
      let sum = 0;
      let last = 0;
      for (let i = 0; i < lookups; i++) {
        last = backend.lookup(trace[i] ^ (last & none));
        sum = (sum + last) | 0;
      }
      return sum >>> 0;
    },
    churn: churnOf(backend, routes),
  };
  const { lookupBatch } = backend;
  if (lookupBatch !== undefined) {
    subject.batch = (trace, lookups) => {
      let sum = 0;
      for (let i = 0; i < lookups; i += BATCH) {
        backend.lookupBatch!(trace.subarray(i, i + BATCH), out, BATCH);
        for (let j = 0; j < BATCH; j++) sum = (sum + out[j]) | 0;
      }
      return sum >>> 0;
    };
  }
  if ('depth' in backend) {
    const depthOf = backend as FibBackend & { depth(address: number): number };
    subject.depth = () => {
      // Once for each address, as fib_triestat counts leaves.
      const depths = prefixes.filter((prefix, i) => i === 0 || prefix !== prefixes[i - 1]).map((prefix) => depthOf.depth(prefix));
      const average = depths.reduce((sum, depth) => sum + depth, 0) / depths.length;
      return { average, most: depths.reduce((most, depth) => Math.max(most, depth), 0) };
    };
  }
  return subject;
}

/** Every 16th prefix in no order: removed from the longest on, so that covers are there, and added the other way round. */
function churnOf(backend: FibBackend, routes: RouteSet): NonNullable<Subject['churn']> {
  const { count, prefixes, lengths, values } = routes;
  const covers = coversOf(routes);
  const chosen = Uint32Array.from({ length: Math.ceil(count / CHURN_STRIDE) }, (_, i) => i * CHURN_STRIDE);
  const scatter = (index: number): number => Math.imul(index, 0x9e3779b1) >>> 0;
  chosen.sort((a, b) => lengths[b] - lengths[a] || scatter(a) - scatter(b));
  return {
    remove: () => {
      for (const i of chosen) {
        const cover = covers[i];
        backend.remove(prefixes[i], lengths[i], cover < 0 ? -1 : lengths[cover], cover < 0 ? -1 : values[cover]);
      }
    },
    add: () => {
      for (let j = chosen.length - 1; j >= 0; j--) backend.insert(prefixes[chosen[j]], lengths[chosen[j]], values[chosen[j]]);
    },
    count: chosen.length,
  };
}

/** Addresses as the text that a peer wants, made before the time is taken. */
function asTexts(suffix: string): (trace: Int32Array, count: number) => string[] {
  const made = new Map<Int32Array, string[]>();
  return (trace, count) => {
    const texts = made.get(trace) ?? Array.from(trace.subarray(0, count), (address) => formatIpv4(address) + suffix);
    made.set(trace, texts);
    return texts;
  };
}

interface LongestPrefixMatch {
  addPrefix(prefix: string, data: number): void;
  getMatch(prefix: string): number[];
}

/** The npm package of that name, if it is installed. */
async function longestPrefixMatch({ count, prefixes, lengths, values }: RouteSet): Promise<Subject> {
  const specifier = 'longest-prefix-match';
  const module = (await import(specifier)) as { default: new () => LongestPrefixMatch };
  const matcher = new module.default();
  const texts = asTexts('/32');
  return {
    build: () => {
      for (let i = 0; i < count; i++) matcher.addPrefix(`${formatIpv4(prefixes[i])}/${lengths[i]}`, values[i]);
    },
    bytes: () => 0,
    one: (trace, lookups) => texts(trace, lookups).reduce((sum, text) => (sum + (matcher.getMatch(text)[0] ?? -1)) | 0, 0) >>> 0,
  };
}

/** Node's own: it says only whether a prefix holds an address, so the sum is that of ones. */
function blockList({ count, prefixes, lengths }: RouteSet): Subject {
  const list = new BlockList();
  const texts = asTexts('');
  return {
    build: () => {
      for (let i = 0; i < count; i++) list.addSubnet(formatIpv4(prefixes[i]), lengths[i], 'ipv4');
    },
    bytes: () => 0,
    one: (trace, lookups) => texts(trace, lookups).filter((text) => list.check(text, 'ipv4')).length,
  };
}
