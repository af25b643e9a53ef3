/** @packetwalk/framework/testing — packets as text, scenarios, and the judge of what a router sent. */
export { describeFibBackend, type FibConformanceOptions } from './fib-backend.ts';
export * from './hex.ts';
export * from './judge.ts';
export { type FrameContext, frameContext, type OpenedPacket, type PacketOpener } from './judge-context.ts';
export { FrameCanon } from './judge-frame.ts';
export { reportDifferences, scenarioNames } from './judge-report.ts';
export * from './linear-fib.ts';
export * from './marked.ts';
export { describeNeighTable, type NeighTableBench } from './neighbour.ts';
export * from './packet-notation.ts';
export { type PacketNames, PacketSyntaxError } from './packet-words.ts';
export { PaintedFib } from './painted-fib.ts';
export { describePlugin, type PluginConformanceOptions } from './plugin.ts';
export * from './scenario.ts';
export * from './synthetic-routes.ts';
export { TEST_PORT, TestRouter, type TestRouterOptions } from './test-router.ts';
