/** lab.ts — the routers of one config in one process: one clock and one loop for all, cables between them. */
import type { Clock, Random } from './clock.ts';
import { ConfigError, type ConfigIssue, type ConfigPath } from './errors.ts';
import type { Log } from './log.ts';
import type { NetDevice } from './netdevice.ts';
import type { Plan, RouterPlan } from './plan.ts';
import type { Cables } from './registries.ts';
import { Router, type SecretReader } from './router.ts';
import { Softirq } from './softirq.ts';
import { Tracer } from './trace.ts';

export interface LabOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly secret?: SecretReader;
  /** Check only: open nothing. */
  readonly dry?: boolean;
}

export class Lab {
  readonly softirq: Softirq;
  readonly tracer: Tracer = new Tracer();
  readonly routers: ReadonlyMap<string, Router>;
  private readonly links: Plan['links'];

  /** Builds all routers. Throws ConfigError with what is wrong in any of them, and leaves nothing behind. */
  constructor(plan: Plan, options: LabOptions) {
    this.softirq = new Softirq(options.clock, options.random, options.log);
    const routers = new Map<string, Router>();
    this.routers = routers;
    this.links = plan.links;
    const cables = linkCables(plan, routers);
    const issues: ConfigIssue[] = [];
    for (const r of plan.routers) {
      try {
        routers.set(r.name, this.build(plan, r, cables, options));
      } catch (error) {
        if (!(error instanceof ConfigError)) {
          this.disposeAll();
          throw error;
        }
        issues.push(...error.issues.map((i) => ({ ...i, path: [...r.path, ...i.path] })));
      }
    }
    if (issues.length > 0) {
      this.disposeAll();
      throw new ConfigError(issues);
    }
  }

  /** The router of that name; undefined when there is none. */
  router(name: string): Router | undefined {
    return this.routers.get(name);
  }

  async start(): Promise<void> {
    try {
      for (const router of this.routers.values()) await router.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const router of [...this.routers.values()].reverse()) await router.stop();
  }

  /** The config that makes the routers as they are now. */
  save(): object {
    const routers = [...this.routers].map(([name, router]) => [name, { ...router.save(), hostname: undefined }]);
    return { routers: Object.fromEntries(routers), links: this.links };
  }

  private build(plan: Plan, router: RouterPlan, cables: Cables, options: LabOptions): Router {
    return new Router({
      name: router.name,
      softirq: this.softirq,
      tracer: this.tracer,
      log: options.log,
      plugins: router.plugins,
      config: router.config,
      baseDir: plan.baseDir,
      dry: options.dry === true,
      ...(options.secret === undefined ? {} : { secret: options.secret }),
      cables,
      position: (path: ConfigPath, line?: number) => plan.doc.position([...router.path, ...path], line),
    });
  }

  private disposeAll(): void {
    for (const router of this.routers.values()) router.dispose();
  }
}

/** The cables that `links:` lays, by their ends. */
function linkCables(plan: Plan, routers: ReadonlyMap<string, Router>): Cables {
  const other = new Map<string, string>();
  for (const [a, b] of plan.links) {
    other.set(a, b);
    other.set(b, a);
  }
  return {
    peer(dev: NetDevice): NetDevice | null {
      const end = other.get(`${dev.net.name}.${dev.name}`);
      if (end === undefined) return null;
      const dot = end.indexOf('.');
      return routers.get(end.slice(0, dot))?.net.device(end.slice(dot + 1)) ?? null;
    },
  };
}

/** Checks a plan by building all of it without opening anything. Throws ConfigError. */
export function checkPlan(plan: Plan, options: LabOptions): void {
  const lab = new Lab(plan, { ...options, dry: true });
  for (const router of lab.routers.values()) router.dispose();
}
