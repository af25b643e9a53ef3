import type { FibBackendFactory } from '@packetwalk/framework';
import { FibBackends } from '@packetwalk/framework';
import { describeFibBackend, describePlugin, TestRouter } from '@packetwalk/framework/testing';
import plugin from './template.ts';

// What every plugin must keep: a right manifest, and nothing left behind.
describePlugin(plugin);

// The same answers as a plain list of prefixes, under random changes.
const router = new TestRouter({ plugins: [plugin] });
describeFibBackend(router.router.service(FibBackends).get('template') as FibBackendFactory);
