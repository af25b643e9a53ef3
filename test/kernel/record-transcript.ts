/**
 * record-transcript.ts NAME… — types the lines of transcripts/NAME.txt at the tools of this machine, and writes the answers
 * into the files. Needs root; run it with Deno, or a Node that reads TypeScript.
 */
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { typeAtKernel } from './side-by-side.ts';
import { PORTS, readEntries, transcriptPath, typeAll } from './transcripts.ts';

for (const name of process.argv.slice(2)) {
  const file = `${name}.txt`;
  const typist = await typeAtKernel(PORTS);
  try {
    writeFileSync(transcriptPath(file), await typeAll(typist, readEntries(file)));
  } finally {
    await typist.close();
  }
}
