#!/usr/bin/env node
// The command: starts the built program, or says why it cannot.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
const major = Number.parseInt(process.versions.node, 10);

if (major < 20) {
  console.error(`packetwalk: needs Node 20 or newer, this is ${process.version}`);
  process.exit(1);
} else if (existsSync(main)) {
  await import(main.href);
} else {
  console.error(
    'packetwalk: not built yet: run "npm run build" (or, without a build, Node 22.18 or newer: node --conditions=source cli/src/main.ts)',
  );
  process.exit(1);
}
