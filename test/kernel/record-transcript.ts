/**
 * record-transcript.ts NAME… — types the lines of transcripts/NAME.txt at the tools of this machine, and writes the answers
 * into the files; those of GUEST at a kernel guest's. Needs root; run it with Deno, or a Node that reads TypeScript.
 */
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { typeAtGuest } from '../interop/type-at-guest.ts';
import { typeAtKernel } from './side-by-side.ts';
import { GUEST, PORTS, readEntries, transcriptPath, typeAll } from './transcripts.ts';

for (const name of process.argv.slice(2)) {
  const file = `${name}.txt`;
  const typist = GUEST.has(file) ? await typeAtGuest() : await typeAtKernel(PORTS);
  try {
    writeFileSync(transcriptPath(file), await typeAll(typist, readEntries(file)));
  } finally {
    await typist.close();
  }
}
