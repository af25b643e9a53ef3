import { describeFibBackend } from '@packetwalk/framework/testing';
import { fibTrie } from './plugin.ts';

describeFibBackend(fibTrie, { full: process.env.FIB_FULL === '1' });
