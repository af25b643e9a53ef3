/** @packetwalk/ebtables — ebtables: filter, NAT and routing of bridged frames. */
import { definePlugin, type Plugin } from '@packetwalk/framework';

const plugin: Plugin = definePlugin({
  name: 'ebtables',
  setup() {},
});
export default plugin;
