import { describeFibBackend } from '@packetwalk/framework/testing';
import { fibDir24 } from './plugin.ts';

// A /0 is 2^24 entries to write: few sequences, or the suite takes minutes.
describeFibBackend(fibDir24, { runs: 4, full: process.env.FIB_FULL === '1' });
