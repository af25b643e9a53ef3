/** core/trace.ts — `trace`: the walks of packets through this router while they pass, until somebody interrupts. */
import type { Command } from '../command.ts';
import { CommandError } from '../errors.ts';
import type { Net } from '../net.ts';
import { compileFilter, type PacketFilter } from '../packet-filter/filter.ts';
import { type WalkFormat, WalkPrinter } from '../walk/walk-printer.ts';

export const TRACE_USAGE: string = `Usage: trace [ -n N ] [ --json | --changed ] [ --paths ] [ FILTER ]
Prints the walk of each packet that the filter takes where it comes in by a device or is made here; the walk goes on
through answers it causes and through the other routers of a lab. FILTER is tcpdump's: icmp and host 10.0.0.1
  -n N       end after N walks
  --json     one JSON object for each step, as it happens
  --changed  only the steps that changed the packet
  --paths    at the end, each distinct walk and how many packets took it
`;

/** How often ended walks are looked for, in ms. */
const LOOK = 50;

export interface TraceRequest extends WalkFormat {
  /** How many walks; Infinity for all. */
  readonly count: number;
  readonly filter: PacketFilter;
}

/** Reads the arguments of `trace`. Throws CommandError with status 2. */
export function readTraceArgs(args: readonly string[]): TraceRequest {
  const format = { json: false, paths: false, changed: false };
  let count = Number.POSITIVE_INFINITY;
  let i = 0;
  for (; i < args.length && args[i].startsWith('-'); i++) {
    const option = args[i];
    if (option === '--json' || option === '--paths' || option === '--changed') format[option.slice(2) as keyof typeof format] = true;
    else if (option !== '-n') throw new CommandError(`trace: unknown option ${option}\n${TRACE_USAGE.trimEnd()}`, 2);
    else if (/^[1-9]\d*$/.test(args[++i] ?? '')) count = Number(args[i]);
    else throw new CommandError('trace: -n needs a number from 1 on', 2);
  }
  return { ...format, count, filter: compileFilter(args.slice(i).join(' ')) };
}

export function traceCommand(net: Net): Command {
  return {
    name: 'trace',
    summary: 'print the walks of packets',
    usage: TRACE_USAGE,
    run(args, io) {
      if (args[0] === '-h' || args[0] === '--help') {
        io.out(TRACE_USAGE);
        return 0;
      }
      const request = readTraceArgs(args);
      const printer = new WalkPrinter((text) => io.out(text), request);
      const { softirq, tracer } = net;
      let taken = 0;
      const unwatch = tracer.watch(
        (skb) => {
          if (skb.net !== net || taken >= request.count || !request.filter.skb(skb)) return false;
          taken++;
          return true;
        },
        (record) => printer.push(record),
      );
      return new Promise((resolve) => {
        const end = (): void => {
          io.signal.removeEventListener('abort', end);
          softirq.delTimer(timer);
          unwatch();
          printer.finish();
          resolve(0);
        };
        const look = (): void => {
          printer.settle(softirq.jiffies);
          if (taken >= request.count && printer.open === 0) end();
          else softirq.modTimer(timer, LOOK);
        };
        const timer = softirq.setTimer('trace', LOOK, look);
        if (io.signal.aborted) end();
        else io.signal.addEventListener('abort', end);
      });
    },
  };
}
