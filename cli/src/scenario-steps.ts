/**
 * scenario-steps.ts — the `steps:` of a scenario file: what happens to the router and what must come of it, a line each.
 *
 *     send PORT PACKET       a frame arrives; the clock moves by the gap then
 *     expect PORT PACKET     a frame leaves: per port, in this order
 *     wait 30ms              the clock moves
 *     gap 1ms                spacing of the frames from here on
 *     run COMMAND            a command is typed
 *     refuse COMMAND         … and must be refused
 *     dump NAME COMMAND      its output is kept; compared when lines of it follow:
 *     | line                 in this order
 *     ~ line                 in any order
 *
 * PACKET is in the packet notation (docs/packets.md), or `pcap FILE` for all frames of a capture. A line that starts
 * with "/" goes on with the one before; "#" starts a line that is for people.
 */
import type { ConfigIssue } from '@packetwalk/framework';
import {
  type DumpRecord,
  formatPacket,
  type PacketNames,
  PacketSyntaxError,
  parsePacket,
  type RunRecord,
  type ScenarioEvent,
} from '@packetwalk/framework/testing';

/** What the lines mean. */
export interface Steps {
  readonly events: readonly ScenarioEvent[];
  readonly expect: readonly RunRecord[];
  /** Dumps to be compared. */
  readonly dumps: Readonly<Record<string, 'exact' | 'sorted'>>;
  /** Where the clock stands behind the last step, in ms. */
  readonly end: number;
  readonly issues: readonly ConfigIssue[];
}

export interface StepContext {
  readonly names: PacketNames;
  readonly ports: readonly string[];
  /** Milliseconds between frames until a `gap` says otherwise. */
  readonly gap: number;
  /** All frames of a capture file; throws what is wrong with it. */
  capture(file: string): Uint8Array[];
}

/** Lines of the text that belong together: a step with those that go on with it, or lines that are for people. */
interface Block {
  /** Of the first line, from 0. */
  readonly number: number;
  readonly lines: string[];
  /** The step in one line; empty when there is none. */
  step: string;
}

/** A line is not a step; the message says why. */
class StepError extends Error {}

const DUMP_MARKS = '|~';

function readBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  for (const [number, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    const last = blocks.at(-1);
    if (trimmed.startsWith('/') && last !== undefined && last.step !== '') {
      last.lines.push(line);
      last.step += ` ${trimmed}`;
    } else {
      blocks.push({ number, lines: [line], step: trimmed.startsWith('#') ? '' : trimmed });
    }
  }
  return blocks;
}

/** Reads the lines. What is wrong with them is in `issues`, all of it. */
export function readSteps(text: string, context: StepContext): Steps {
  const reader = new StepReader(context);
  const issues: ConfigIssue[] = [];
  for (const { step, number } of readBlocks(text)) {
    try {
      if (step !== '') reader.read(step);
    } catch (error) {
      if (!(error instanceof StepError || error instanceof PacketSyntaxError)) throw error;
      issues.push({ code: 'bad-step', path: ['steps'], line: number, message: error.message });
    }
  }
  return { events: reader.events, expect: reader.expect, dumps: reader.dumps, end: reader.clock, issues };
}

class StepReader {
  readonly events: ScenarioEvent[] = [];
  readonly expect: RunRecord[] = [];
  readonly dumps: Record<string, 'exact' | 'sorted'> = {};
  clock = 0;
  /** When what is expected next is thought to come: with the last event, or in the last wait. */
  private at = 0;
  private gap: number;
  private readonly context: StepContext;

  constructor(context: StepContext) {
    this.context = context;
    this.gap = context.gap;
  }

  read(line: string): void {
    if (DUMP_MARKS.includes(line[0])) {
      this.dumpLine(line[0] === '|' ? 'exact' : 'sorted', line.slice(1).trim());
      return;
    }
    const [word, rest] = cut(line);
    switch (word) {
      case 'send':
        this.send(rest);
        break;
      case 'expect': {
        const [port, packet] = this.port(rest);
        const at = { t: this.at, after: this.events.length - 1 };
        for (const frame of this.frames(packet)) this.expect.push({ ...at, port, frame });
        break;
      }
      case 'wait':
        this.clock += milliseconds(rest);
        this.at = this.clock;
        break;
      case 'gap':
        this.gap = milliseconds(rest);
        break;
      case 'run':
      case 'refuse':
        if (rest === '') throw new StepError(`${word} is followed by a command`);
        this.events.push({ t: this.clock, cmd: rest, ...(word === 'refuse' ? { fails: true } : {}) });
        break;
      case 'dump':
        this.dump(rest);
        break;
      default:
        throw new StepError(`"${word}" is no step (there are send, expect, wait, gap, run, refuse, dump, | and ~)`);
    }
  }

  private send(rest: string): void {
    const [port, packet] = this.port(rest);
    for (const frame of this.frames(packet)) {
      this.at = this.clock;
      this.events.push({ t: this.clock, port, frame });
      this.clock += this.gap;
    }
  }

  private port(rest: string): [port: string, packet: string] {
    const [port, packet] = cut(rest);
    const { ports } = this.context;
    if (!ports.includes(port)) throw new StepError(`"${port}" is no port (there are ${ports.join(', ')})`);
    return [port, packet];
  }

  private frames(packet: string): Uint8Array[] {
    const [word, file] = cut(packet);
    if (word !== 'pcap') return [parsePacket(packet, this.context.names)];
    try {
      return this.context.capture(file);
    } catch (error) {
      throw new StepError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private dump(rest: string): void {
    const [name, command] = cut(rest);
    if (command === '') throw new StepError('dump is followed by a name and a command');
    if (this.events.some((event) => 'dump' in event && event.as === name)) throw new StepError(`a second dump named "${name}"`);
    this.events.push({ t: this.clock, dump: command, as: name });
  }

  private dumpLine(how: 'exact' | 'sorted', text: string): void {
    const event = this.events.at(-1);
    if (event === undefined || !('dump' in event)) throw new StepError('lines of output follow a dump');
    const last = this.expect.at(-1);
    if (this.dumps[event.as] === undefined) {
      this.dumps[event.as] = how;
      this.expect.push({ t: event.t, after: this.events.length - 1, dump: event.as, text: `${text}\n` });
    } else if (last === undefined || !('dump' in last) || last.dump !== event.as || this.dumps[event.as] !== how) {
      throw new StepError('the lines of one output stand together, with the same mark');
    } else {
      this.expect[this.expect.length - 1] = { ...last, text: `${last.text}${text}\n` };
    }
  }
}

/** The first word of a text, and the rest. */
function cut(text: string): [word: string, rest: string] {
  const blank = text.search(/\s/);
  return blank < 0 ? [text, ''] : [text.slice(0, blank), text.slice(blank).trim()];
}

function milliseconds(text: string): number {
  const duration = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text);
  if (duration === null) throw new StepError(`"${text}" is no duration like 30ms or 1.5s`);
  return Number(duration[1]) * (duration[2] === 's' ? 1000 : 1);
}

/**
 * The steps with `records` in place of what was expected before, each behind the event or the wait that it came of; all
 * other lines stay as they are.
 */
export function rewriteSteps(text: string, context: StepContext, records: readonly RunRecord[]): string {
  const { dumps } = readSteps(text, context);
  const reader = new StepReader(context);
  const waiting = [...records];
  const written: string[] = [];
  const flush = (clock: number): void => {
    const event = reader.events.length - 1;
    while (waiting.length > 0 && (waiting[0].after < event || (waiting[0].after === event && waiting[0].t <= clock))) {
      written.push(...printRecord(waiting.shift() as RunRecord, context.names, dumps));
    }
  };
  for (const { step, lines } of readBlocks(text)) {
    if (step.startsWith('expect ') || DUMP_MARKS.includes(step[0])) continue;
    if (step !== '') reader.read(step);
    // Blank lines at the end stay behind everything.
    written.push(...lines);
    if (step !== '') flush(step.startsWith('dump ') ? Number.POSITIVE_INFINITY : reader.clock);
  }
  const blank = written.length - (written.findLastIndex((line) => line.trim() !== '') + 1);
  const tail = written.splice(written.length - blank);
  flush(Number.POSITIVE_INFINITY);
  return [...written, ...tail].join('\n');
}

function printRecord(record: RunRecord, names: PacketNames, dumps: Steps['dumps']): string[] {
  if ('frame' in record) return [`  expect ${record.port} ${formatPacket(record.frame, { names })}`];
  const how = dumps[record.dump];
  return how === undefined ? [] : printDump(record, how === 'exact' ? '|' : '~');
}

function printDump({ text }: DumpRecord, mark: string): string[] {
  const lines = text.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
  const kept = lines.filter((line) => line !== '');
  return (kept.length === 0 ? [''] : kept).map((line) => `  ${mark} ${line}`.trimEnd());
}
