/** json-lines.ts — what `--json` prints: one object a line. */

/** Writes one object to standard output. */
export function jsonLine(object: object): void {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

/** Messages as the configs' checker writes them, `file:line:column: text`, as objects. */
export function issueObjects(messages: string): { file?: string; line?: number; column?: number; message: string }[] {
  return messages.split('\n').map((text) => {
    const [, file, line, column, message] = /^(.+?):(\d+):(\d+): (.*)$/.exec(text) ?? [];
    return message === undefined ? { message: text } : { file, line: Number(line), column: Number(column), message };
  });
}
