/** definitions.ts — the `definitions` of a schema that is put together from others. */
import type { SchemaObject } from '../plugin.ts';

const LOCAL_REF = '"$ref":"#';

/** Schemas below `definitions`, each written once; those that are put there are known by their text. */
export class Definitions {
  readonly all: Record<string, SchemaObject> = {};
  private readonly references = new Map<string, SchemaObject>();

  /** A reference to the schema, which moves below `definitions` as `name1`, `name2` … */
  share(name: string, schema: SchemaObject): SchemaObject {
    const text = JSON.stringify(schema);
    return this.define(name, text, () => text);
  }

  /**
   * A plugin's schema as a part of the whole. One with `$ref: '#/…'` inside means itself by `#`, and not the whole: it
   * moves below `definitions`, its references with it.
   */
  part(schema: SchemaObject): SchemaObject {
    // As text: a quote inside a string is written \" there, so that only the keyword itself can match.
    const text = JSON.stringify({ ...schema, $id: undefined });
    if (!text.includes(LOCAL_REF)) return schema;
    return this.define('part', text, (name) => text.replaceAll(LOCAL_REF, `${LOCAL_REF}/definitions/${name}`));
  }

  private define(kind: string, text: string, write: (name: string) => string): SchemaObject {
    const known = this.references.get(text);
    if (known !== undefined) return known;
    const name = `${kind}${this.references.size + 1}`;
    const reference = { $ref: `#/definitions/${name}` };
    this.references.set(text, reference);
    this.all[name] = JSON.parse(write(name));
    return reference;
  }
}
