/** core/capture.ts — `capture`: copies of packets at devices or at a hook point, taken only while somebody listens. */
import type { Command, CommandIo } from '../command.ts';
import { suggestion } from '../config/did-you-mean.ts';
import { CommandError } from '../errors.ts';
import type { Net } from '../net.ts';
import type { NetDevice } from '../netdevice.ts';
import { NF_ACCEPT, NF_IP_PRI_FIRST, nfHookName, PF_INET } from '../netfilter.ts';
import { compileFilter, type PacketFilter } from '../packet-filter/filter.ts';
import type { SkBuff } from '../skbuff.ts';
import { ETH_P_IP } from '../wire/ethernet.ts';
import { type CapturePlace, type CaptureSink, PcapngSink, TextSink } from './capture-writer.ts';

export const CAPTURE_USAGE: string = `Usage: capture { -i DEV | --at HOOK } [ -c N ] [ -Q in | out | inout ] [ --json ] [ FILTER ]
Prints the packets of a device, a line each, until interrupted. FILTER is tcpdump's: icmp and host 10.0.0.1
  -i DEV     the device, or any
  --at HOOK  instead at PRE_ROUTING, LOCAL_IN, FORWARD, LOCAL_OUT or POST_ROUTING, before all hooks there;
             with -i only packets that came in or go out by DEV
  -c N       end after N packets
  -Q         only frames that come in, or go out
  --json     an object a line: time, place, direction, length, id of the packet (as in its trace), text
`;

const HOOKS = ['PRE_ROUTING', 'LOCAL_IN', 'FORWARD', 'LOCAL_OUT', 'POST_ROUTING'];
/** How often what was captured is handed over, in ms. */
const FLUSH = 100;

export interface CaptureRequest {
  readonly device: string | null;
  readonly hook: number | null;
  readonly count: number;
  readonly direction: string;
  readonly format: 'text' | 'json' | 'pcapng';
  readonly filter: PacketFilter;
}

/** Reads the arguments of `capture`. Throws CommandError with status 2. */
export function readCaptureArgs(args: readonly string[]): CaptureRequest {
  let [device, hook, count, direction, format]: [string | null, number | null, number, string, CaptureRequest['format']] = [
    null,
    null,
    Number.POSITIVE_INFINITY,
    'inout',
    'text',
  ];
  let i = 0;
  const value = (): string => args[++i] ?? wrong(`${args[i - 1]} needs a value`);
  for (; i < args.length && args[i].startsWith('-'); i++) {
    if (args[i] === '-i') device = value();
    else if (args[i] === '--at') hook = hookNumber(value());
    else if (args[i] === '-c') count = /^[1-9]\d*$/.test(value()) ? Number(args[i]) : wrong('-c needs a number from 1 on');
    else if (args[i] === '-Q') direction = ['in', 'out', 'inout'].includes(value()) ? args[i] : wrong('-Q is in, out or inout');
    else if (args[i] === '--pcapng') format = 'pcapng';
    else if (args[i] === '--json') format = 'json';
    else wrong(`unknown option ${args[i]}\n${CAPTURE_USAGE.trimEnd()}`);
  }
  if (device === null && hook === null) wrong('where? Give -i DEV, -i any or --at HOOK');
  return { device: device === 'any' ? null : device, hook, count, direction, format, filter: compileFilter(args.slice(i).join(' ')) };
}

function wrong(what: string): never {
  throw new CommandError(`capture: ${what}`, 2);
}

function hookNumber(word: string): number {
  const name = word.toUpperCase().replace(/^NF_INET_/, '');
  const number = HOOKS.indexOf(name);
  return number >= 0 ? number : wrong(`no hook point "${word}"${suggestion(name, HOOKS)}`);
}

export function captureCommand(net: Net): Command {
  return {
    name: 'capture',
    summary: 'print or save the packets of devices and hook points',
    usage: CAPTURE_USAGE,
    run(args, io) {
      if (args[0] === '-h' || args[0] === '--help') {
        io.out(CAPTURE_USAGE);
        return 0;
      }
      const request = readCaptureArgs(args);
      const device = request.device === null ? null : net.needDevice(request.device);
      const sink = sinkOf(net, request, io);
      let captured = 0;
      return new Promise((resolve) => {
        const end = (): void => {
          io.signal.removeEventListener('abort', end);
          net.softirq.delTimer(timer);
          stop();
          sink.flush();
          const lost = sink.lost === 0 ? '' : `, ${sink.lost} of them lost: the reader was too slow`;
          io.err(`${captured} packet${captured === 1 ? '' : 's'} captured${lost}\n`);
          resolve(0);
        };
        const take = (skb: SkBuff, place: CapturePlace, bare: boolean): void => {
          if (captured >= request.count) return;
          captured++;
          // Its id tells that packets at several places are one.
          if (skb.trace === 0) skb.trace = net.tracer.id();
          sink.take(skb, place, bare);
          // Not from in here: the listeners are being gone through.
          if (captured >= request.count) net.softirq.modTimer(timer, 0);
        };
        const stop = request.hook === null ? tapDevices(net, device, request, take) : hookIn(net, request.hook, device, request, take);
        const timer = net.softirq.setTimer('capture', FLUSH, () => {
          if (captured >= request.count) return end();
          sink.flush();
          net.softirq.modTimer(timer, FLUSH);
        });
        sink.flush();
        if (io.signal.aborted) end();
        else io.signal.addEventListener('abort', end);
      });
    },
  };
}

function sinkOf(net: Net, { format }: CaptureRequest, io: CommandIo): CaptureSink {
  if (format !== 'pcapng') return new TextSink(net, (text) => io.out(text), format === 'json');
  if (io.outBytes === undefined) return wrong('binary output cannot be shown here');
  return new PcapngSink(net, (bytes, must) => io.outBytes?.(bytes, must) === true);
}

type Take = (skb: SkBuff, place: CapturePlace, bare: boolean) => void;

/** Listens at a device, or at all there are; returns its undo. */
function tapDevices(net: Net, only: NetDevice | null, { filter, direction }: CaptureRequest, take: Take): () => void {
  const undo = (only === null ? net.devices() : [only]).map((dev) => {
    const bare = dev.hardHeaderLen === 0;
    const places: CapturePlace[] = [false, true].map((outgoing) => ({ name: dev.name, dev, outgoing, comment: '' }));
    const tap = (skb: SkBuff, outgoing: boolean): void => {
      if (direction !== 'inout' && (direction === 'out') !== outgoing) return;
      const { view } = skb.head;
      const matches = bare ? filter.network(view, skb.data, skb.len, ETH_P_IP) : filter.frame(view, skb.data, skb.len);
      if (matches) take(skb, places[outgoing ? 1 : 0], bare);
    };
    dev.taps.push(tap);
    return () => {
      const i = dev.taps.indexOf(tap);
      if (i >= 0) dev.taps.splice(i, 1);
    };
  });
  return () => {
    for (const each of undo) each();
  };
}

/** Listens at a hook point of IPv4, in front of all hooks; returns its undo. */
function hookIn(net: Net, hooknum: number, only: NetDevice | null, { filter }: CaptureRequest, take: Take): () => void {
  const name = nfHookName(PF_INET, hooknum);
  return net.nf.register({
    name: 'capture',
    pf: PF_INET,
    hooknum,
    priority: NF_IP_PRI_FIRST,
    hook(skb, state) {
      if (only !== null && state.in !== only && state.out !== only) return NF_ACCEPT;
      if (!filter.network(skb.head.view, skb.networkHeader, skb.len, ETH_P_IP)) return NF_ACCEPT;
      const comment = [state.in === null ? '' : `in ${state.in.name}`, state.out === null ? '' : `out ${state.out.name}`];
      take(skb, { name, dev: null, outgoing: null, comment: comment.filter((part) => part !== '').join(', ') }, true);
      return NF_ACCEPT;
    },
  });
}
