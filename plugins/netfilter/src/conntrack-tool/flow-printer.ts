/** conntrack-tool/flow-printer.ts — writes connections in the form that `-o` asks for, one a line. */
import { type CommandIo, IPPROTO_SCTP } from '@packetwalk/framework';
import type { NfConn } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import { SCTP_VTAG } from '../conntrack/proto-sctp.ts';
import type { Flow } from './flow.ts';
import { flowSave } from './flow-save.ts';
import { flowText } from './flow-text.ts';
import { flowXml, XML_START } from './flow-xml.ts';
import type { EventWord, OutputWord } from './request.ts';

const SAVED: Readonly<Record<EventWord, string>> = { new: '-A', update: '-U', destroy: '-D' };
const PREFIX: Readonly<Record<EventWord, string>> = { new: '    [NEW] ', update: ' [UPDATE] ', destroy: '[DESTROY] ' };

function vtags(ct: NfConn): readonly number[] {
  return ct.protocol === IPPROTO_SCTP ? [0, 1].map((dir) => ct.words[ct.base + SCTP_VTAG + dir] >>> 0) : [];
}

export class FlowPrinter {
  /** Lines written. */
  count = 0;
  private readonly nct: NfConntrack;
  private readonly output: ReadonlySet<OutputWord>;
  private readonly io: CommandIo;
  private readonly saved: string;

  /** @param saved the command that `-o save` writes */
  constructor(nct: NfConntrack, output: ReadonlySet<OutputWord>, io: CommandIo, saved = '-A') {
    this.nct = nct;
    this.output = output;
    this.io = io;
    this.saved = saved;
  }

  print(flow: Flow, ct: NfConn): void {
    this.line(this.text(flow, ct, null));
  }

  /** The same for what has happened to a connection. */
  printEvent(what: EventWord, flow: Flow, ct: NfConn): void {
    const isPlain = !this.output.has('xml') && !this.output.has('save');
    const time = this.output.has('timestamp') && !this.output.has('xml') ? `[${clockText(this.nct)}]\t` : '';
    this.line(`${time}${isPlain ? PREFIX[what] : ''}${this.text(flow, ct, what)}`);
  }

  /** Nothing more comes. */
  end(): void {
    if (this.output.has('xml') && this.count > 0) this.io.out('</conntrack>\n');
  }

  private text(flow: Flow, ct: NfConn, what: EventWord | null): string {
    const { output } = this;
    if (output.has('save')) return flowSave(flow, what === null ? this.saved : SAVED[what], vtags(ct));
    if (output.has('xml')) return flowXml(flow, what ?? '', output.has('ktimestamp'));
    return flowText(flow, { extended: output.has('extended'), id: output.has('id'), ktimestamp: output.has('ktimestamp') });
  }

  private line(text: string): void {
    if (this.count++ === 0 && this.output.has('xml')) this.io.out(`${XML_START}<conntrack>\n`);
    this.io.out(`${text}\n`);
  }
}

/** `1795350102.034684`: seconds since 1970. */
function clockText(nct: NfConntrack): string {
  return (nct.net.softirq.clock.wallClock() / 1000).toFixed(6);
}
