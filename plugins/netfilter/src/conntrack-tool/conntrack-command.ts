/** conntrack-tool/conntrack-command.ts — the command `conntrack`: shows, makes, changes and ends tracked connections (conntrack(8)). */
import { type Command, type CommandIo, IPPROTO_ICMP } from '@packetwalk/framework';
import { type NfConn, ZONE_DEFAULT } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import { CT_STAT_CHAIN_TOO_LONG, CT_STAT_EXPECT_NEW } from '../conntrack/stat.ts';
import { showEvents, showExpectEvents } from './event-output.ts';
import { expectText, expectXml } from './expect-text.ts';
import { flowOf } from './flow.ts';
import { changeFlow, createFlow, differs, FlowExists, tuplesOf } from './flow-change.ts';
import { checkNetworks, isToBeChanged, isWanted } from './flow-filter.ts';
import { FlowPrinter } from './flow-printer.ts';
import { XML_START } from './flow-xml.ts';
import { CONNTRACK_HELP } from './help.ts';
import type { FlowRequest } from './request.ts';
import { readRequest } from './request-reader.ts';
import { failed, TOOL, wrongUse } from './tool-error.ts';

/** Names of `conntrack -S`, in the order of stat.ts. */
const STATS = [
  'found',
  'invalid',
  'insert',
  'insert_failed',
  'drop',
  'early_drop',
  'error',
  'search_restart',
  'clash_resolve',
  'chaintoolong',
];
const EXPECT_STATS = ['expect_new', 'expect_create', 'expect_delete'];

export function conntrackCommand(nct: NfConntrack): Command {
  return {
    name: 'conntrack',
    summary: 'Show and change tracked connections',
    usage: CONNTRACK_HELP,
    run: (args, io) =>
      perform(
        nct,
        readRequest(args, (text) => io.err(text)),
        io,
      ),
  };
}

function perform(nct: NfConntrack, request: FlowRequest, io: CommandIo): number | Promise<number> {
  const expectations = request.table === 'expect';
  switch (request.action) {
    case 'list':
      return expectations ? listExpectations(nct, request, io) : list(nct, request, io);
    case 'event':
      return expectations ? showExpectEvents(nct, request, io) : showEvents(nct, request, io);
    case 'create':
    case 'add':
      return create(nct, request, io);
    case 'update':
      return update(nct, request, io);
    case 'delete':
      return remove(nct, request, io);
    case 'get':
      return get(nct, request, io);
    case 'flush':
      return expectations ? flushExpectations(nct, io) : flush(nct, request, io);
    case 'count':
      io.out(`${expectations ? nct.expectations.count : nct.count}\n`);
      return 0;
    case 'stats':
      return stats(nct, io, expectations);
    case 'version':
      io.out(`${TOOL}\n`);
      return 0;
    case 'help':
      io.out(CONNTRACK_HELP);
      return 0;
  }
}

/** `3 flow entries have been shown.`; the exit status. Finding nothing is a failure unless it was only looked for. */
function summary(io: CommandIo, count: number, what: string, done: string): number {
  io.err(`${TOOL}: ${count} ${what} have been ${done}.\n`);
  return count === 0 && done !== 'shown' && done !== 'added' ? 1 : 0;
}

function list(nct: NfConntrack, request: FlowRequest, io: CommandIo): number {
  const filters = [...request.given].some((option) => !['zero', 'output', 'family'].includes(option));
  if (request.given.has('zero') && filters) throw wrongUse("Can't use -z with filtering parameters");
  checkNetworks(request);
  const printer = new FlowPrinter(nct, request.output, io);
  // Connections that end, and those not confirmed, are told of nowhere else: nothing waits there.
  if (request.table === 'conntrack') {
    nct.forEach((ct) => {
      if (!isWanted(request, ct)) return;
      printer.print(flowOf(nct, ct), ct);
      if (request.given.has('zero')) nct.acct.zero(ct.id);
    });
  }
  printer.end();
  return summary(io, printer.count, 'flow entries', 'shown');
}

function create(nct: NfConntrack, request: FlowRequest, io: CommandIo): number {
  const isAdd = request.action === 'add';
  let made = 1;
  try {
    createFlow(nct, request);
  } catch (error) {
    if (!(error instanceof FlowExists)) throw error;
    if (!isAdd) throw failed('Such conntrack exists, try -U to update');
    made = 0;
  }
  return summary(io, made, 'flow entries', isAdd ? 'added' : 'created');
}

function update(nct: NfConntrack, request: FlowRequest, io: CommandIo): number {
  checkNetworks(request);
  const printer = new FlowPrinter(nct, request.output, io);
  nct.forEach((ct) => {
    if (!isToBeChanged(request, ct) || !differs(ct, request)) return;
    const error = changeFlow(nct, ct, request);
    if (error !== null) io.err(`Operation failed: ${error}\n`);
    printer.print(flowOf(nct, ct, 1), ct);
  });
  printer.end();
  return summary(io, printer.count, 'flow entries', 'updated');
}

function remove(nct: NfConntrack, request: FlowRequest, io: CommandIo): number {
  checkNetworks(request);
  const printer = new FlowPrinter(nct, request.output, io, '-D');
  nct.deleteWhere((ct) => {
    if (!isWanted(request, ct)) return false;
    printer.print(flowOf(nct, ct), ct);
    return true;
  });
  printer.end();
  return summary(io, printer.count, 'flow entries', 'deleted');
}

function get(nct: NfConntrack, request: FlowRequest, io: CommandIo): number {
  const ct = find(nct, request);
  if (ct === null) throw failed("such conntrack doesn't exist");
  const printer = new FlowPrinter(nct, request.output, io);
  printer.print(flowOf(nct, ct, 1), ct);
  printer.end();
  return summary(io, printer.count, 'flow entries', 'shown');
}

function find(nct: NfConntrack, request: FlowRequest): NfConn | null {
  if (request.family === 6) return null;
  const [original, reply] = tuplesOf(request);
  const ref = nct.find(request.src !== null || request.protocol === IPPROTO_ICMP ? original : reply, ZONE_DEFAULT);
  return ref === 0 ? null : nct.conn(ref);
}

function flush(nct: NfConntrack, { family }: FlowRequest, io: CommandIo): number {
  if (family !== 6) nct.deleteWhere(() => true);
  io.err(`${TOOL}: connection tracking table has been emptied.\n`);
  return 0;
}

function stats(nct: NfConntrack, io: CommandIo, expectations: boolean): number {
  const from = expectations ? CT_STAT_EXPECT_NEW : 0;
  const values = nct.stat.subarray(from, expectations ? from + EXPECT_STATS.length : CT_STAT_CHAIN_TOO_LONG + 1);
  const names = expectations ? EXPECT_STATS : STATS;
  io.out(`cpu=0   \t${names.map((name, i) => `${name}=${values[i] % 2 ** 32} `).join('')}\n`);
  return 0;
}

function listExpectations(nct: NfConntrack, { family, output }: FlowRequest, io: CommandIo): number {
  const all = family === 6 ? [] : nct.expectations.all();
  const { jiffies } = nct.net.softirq;
  if (output.has('xml') && all.length > 0) io.out(`${XML_START}<expect>\n`);
  for (const expectation of all) {
    io.out(`${output.has('xml') ? expectXml(expectation, jiffies, '') : expectText(expectation, jiffies)}\n`);
  }
  if (output.has('xml') && all.length > 0) io.out('</expect>\n');
  return summary(io, all.length, 'expectations', 'shown');
}

function flushExpectations(nct: NfConntrack, io: CommandIo): number {
  for (const expectation of nct.expectations.all()) nct.expectations.remove(expectation);
  io.err(`${TOOL}: expectation table has been emptied.\n`);
  return 0;
}
