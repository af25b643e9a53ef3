/**
 * control-protocol.ts — what goes over a control socket: one JSON object a line. The client sends one request; the server
 * answers with any number of output messages and one status, and closes.
 */

/** A command line for a router, or the question which routers there are. */
export interface ControlRequest {
  readonly argv: readonly string[];
  /** Router of a lab; absent when the instance has one. */
  readonly router?: string;
  /** Standard input of the command. */
  readonly input?: string;
}

/** `bytes` is binary output in base64. */
export type ControlMessage = { readonly out: string } | { readonly bytes: string } | { readonly err: string } | { readonly status: number };

/** Cuts a stream of text into lines; what is behind the last newline waits for more. */
export class LineReader {
  private rest = '';
  private readonly each: (line: string) => void;

  constructor(each: (line: string) => void) {
    this.each = each;
  }

  push(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() as string;
    for (const line of lines) this.each(line);
  }
}
