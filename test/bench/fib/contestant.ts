/**
 * contestant.ts — one implementation in a process of its own, so that it has the compiler and the heap to itself. Takes
 * a command a line on stdin and answers each with a line of JSON; dpdk-fib.c speaks the same.
 *
 *   contestant.ts NAME TABLE TRACE…    int32 files in host order: prefix, length, value triples; addresses
 *   build                              builds the table: {ns, bytes}
 *   one I N      looks the first N addresses of trace I up one by one: {ns, cpuNs, sum}, the sum of all answers as uint32
 *   batch I N    the same in batches of 64
 *   alone I N    the same, each lookup waiting for the answer before it
 *   churn        removes and adds every 16th prefix: {removeNs, addNs, n}
 *   garbage I N  bytes of heap that the lookups took: {bytes}
 *   depth        steps to a leaf over all prefixes: {average, most}
 *
 * What an implementation cannot do is answered with {}.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createSubject, type Subject } from './subjects.ts';

const [name, tablePath, ...tracePaths] = process.argv.slice(2);
const table = readInt32(tablePath);
const traces = tracePaths.map(readInt32);
let subject = await createSubject(name, table);

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, trace, count] = line.split(' ');
  console.log(JSON.stringify(await answer(verb, traces[Number(trace)], Number(count))));
}

async function answer(verb: string, trace: Int32Array, count: number): Promise<object> {
  if (verb === 'build') {
    subject = await createSubject(name, table);
    const { ns } = timed(() => subject.build());
    return { ns, bytes: subject.bytes() };
  }
  if (verb === 'churn') return subject.churn === undefined ? {} : churn(subject.churn);
  if (verb === 'depth') return subject.depth?.() ?? {};
  if (verb === 'garbage') {
    const before = process.memoryUsage().heapUsed;
    subject.one(trace, count);
    return { bytes: process.memoryUsage().heapUsed - before };
  }
  const lookups = subject[verb as 'one' | 'batch' | 'alone'];
  return lookups === undefined ? {} : timed(() => lookups(trace, count));
}

function churn({ remove, add, count }: NonNullable<Subject['churn']>): object {
  return { removeNs: timed(remove).ns, addNs: timed(add).ns, n: count };
}

/** Wall and CPU nanoseconds of some work, and what it returns. */
function timed(work: () => number | void): { ns: number; cpuNs: number; sum: number | void } {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const sum = work();
  const ns = (performance.now() - start) * 1e6;
  const used = process.cpuUsage(cpu);
  return { ns, cpuNs: (used.user + used.system) * 1e3, sum };
}

function readInt32(path: string): Int32Array {
  const bytes = readFileSync(path);
  const words = new Int32Array(bytes.length / 4);
  new Uint8Array(words.buffer).set(bytes);
  return words;
}
