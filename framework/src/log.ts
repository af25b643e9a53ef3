/** log.ts — messages for the person who runs the router; never one a packet. */

export interface Log {
  error(text: string): void;
  warn(text: string): void;
  info(text: string): void;
  debug(text: string): void;
}

export const LOG_LEVELS: readonly ['error', 'warn', 'info', 'debug'] = ['error', 'warn', 'info', 'debug'];
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A log that hands each line of `level` or graver to `write`, with its level in front. */
export function lineLog(write: (line: string) => void, level: LogLevel = 'info'): Log {
  const limit = LOG_LEVELS.indexOf(level);
  const at =
    (i: number) =>
    (text: string): void => {
      if (i <= limit) write(`${LOG_LEVELS[i]}: ${text}`);
    };
  return { error: at(0), warn: at(1), info: at(2), debug: at(3) };
}

/** A log with a name in front of each text: a router's, a plugin's. */
export function namedLog(log: Log, name: string): Log {
  return {
    error: (text) => log.error(`${name}: ${text}`),
    warn: (text) => log.warn(`${name}: ${text}`),
    info: (text) => log.info(`${name}: ${text}`),
    debug: (text) => log.debug(`${name}: ${text}`),
  };
}

/** Says nothing. */
export const silentLog: Log = { error() {}, warn() {}, info() {}, debug() {} };
