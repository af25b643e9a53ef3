/** iproute-json.ts — JSON as the `-j` and `-p` of iproute2 lay it out (cf. iproute2 lib/json_writer.c). */

/**
 * Text of a value: on one line, or `pretty` with members indented by 4 and arrays on the line of their brackets.
 * Members that are undefined are left out. Ends without a newline.
 */
export function iprouteJson(value: unknown, pretty: boolean): string {
  return pretty ? prettyJson(value, 0) : JSON.stringify(value);
}

function prettyJson(value: unknown, depth: number): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => prettyJson(item, depth + 1));
    return items.length === 0 ? '[ ]' : `[ ${items.join(',')} ]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  if (members.length === 0) return '{}';
  const line = `\n${'    '.repeat(depth + 1)}`;
  const text = members.map(([name, member]) => `${line}${JSON.stringify(name)}: ${prettyJson(member, depth + 1)}`);
  return `{${text.join(',')}\n${'    '.repeat(depth)}}`;
}
