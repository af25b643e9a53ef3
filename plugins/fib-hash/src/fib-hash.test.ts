import { describeFibBackend } from '@packetwalk/framework/testing';
import { fibHash } from './plugin.ts';

describeFibBackend(fibHash, { full: process.env.FIB_FULL === '1' });
