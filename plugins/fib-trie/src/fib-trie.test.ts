import { describeFibBackend } from '@packetwalk/framework/testing';
import { fibTrie } from './plugin.ts';

describeFibBackend(fibTrie);
