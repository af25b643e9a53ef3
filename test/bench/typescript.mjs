// typescript.mjs — lets Node 20 run the TypeScript of benchmarks: `node --import ./test/bench/typescript.mjs FILE.ts`.
// Newer Nodes do it themselves. The packages under test are the built ones.
import { register } from 'node:module';

if (!process.features.typescript) register('../../cli/dist/plugin-hooks.js', import.meta.url, { data: { host: {}, stripTypes: true } });
