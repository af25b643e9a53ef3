/** conntrack-tool/event-output.ts — `conntrack -E`: what happens to connections, as it happens, until the person has seen enough. */
import type { CommandIo, Connection, NetEvents } from '@packetwalk/framework';
import type { Expectation } from '../conntrack/expectation.ts';
import type { NfConn } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import { expectText, expectXml } from './expect-text.ts';
import { flowOfEvent } from './flow.ts';
import { checkNetworks, isWanted } from './flow-filter.ts';
import { FlowPrinter } from './flow-printer.ts';
import { XML_START } from './flow-xml.ts';
import type { EventWord, FlowRequest } from './request.ts';
import { TOOL } from './tool-error.ts';

/** Listens until the command is interrupted, then ends with 0. */
async function listen<E extends keyof NetEvents>(
  nct: NfConntrack,
  event: E,
  listener: (...args: Parameters<NetEvents[E]>) => void,
  io: CommandIo,
): Promise<void> {
  const { notifier } = nct.net;
  const heard = listener as never;
  if (io.signal.aborted) return;
  notifier.on(event, heard);
  await new Promise<void>((resolve) => io.signal.addEventListener('abort', () => resolve(), { once: true }));
  notifier.off(event, heard);
}

export async function showEvents(nct: NfConntrack, request: FlowRequest, io: CommandIo): Promise<number> {
  checkNetworks(request);
  const printer = new FlowPrinter(nct, request.output, io);
  const isAsked = (what: EventWord): boolean => request.events.size === 0 || request.events.has(what);
  const heard = (what: EventWord, connection: Connection, changed: number): void => {
    const ct = connection as NfConn;
    if (isAsked(what) && isWanted(request, ct)) printer.printEvent(what, flowOfEvent(nct, ct, what, changed), ct);
  };
  await listen(nct, 'conntrack:event', heard, io);
  printer.end();
  io.err(`${TOOL}: ${printer.count} flow events have been shown.\n`);
  return 0;
}

export async function showExpectEvents(nct: NfConntrack, { output }: FlowRequest, io: CommandIo): Promise<number> {
  let count = 0;
  const isXml = output.has('xml');
  const heard = (what: 'new' | 'destroy', told: object): void => {
    const expectation = told as Expectation;
    const { jiffies } = nct.net.softirq;
    if (count++ === 0 && isXml) io.out(`${XML_START}<expect>\n`);
    const prefix = what === 'new' ? '    [NEW] ' : '[DESTROY] ';
    io.out(`${isXml ? expectXml(expectation, jiffies, what) : prefix + expectText(expectation, jiffies)}\n`);
  };
  await listen(nct, 'conntrack:expect', heard, io);
  if (isXml && count > 0) io.out('</expect>\n');
  io.err(`${TOOL}: ${count} expectation events have been shown.\n`);
  return 0;
}
