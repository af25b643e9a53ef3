/** @packetwalk/framework/runtime — the host, for those who may touch it: NIC drivers and the command. */
export * from './engine.ts';
export * from './host-clock.ts';
export * from './host-loop.ts';
export * from './host-random.ts';
export * from './host-secret.ts';
export * from './ifreq.ts';
export * from './libc.ts';
export * from './readiness.ts';
