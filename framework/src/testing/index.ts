/** @packetwalk/framework/testing — packets as text, scenarios, and the judge of what a router sent. */
export * from './hex.ts';
export * from './judge.ts';
export { FrameCanon, type FrameContext, frameContext, type OpenedPacket, type PacketOpener } from './judge-frame.ts';
export * from './scenario.ts';
