/** definitions.ts — schemas that refer to themselves, as parts of a larger one. */
import type { SchemaObject } from '../plugin.ts';

const LOCAL_REF = '"$ref":"#';

/** The `definitions` of a schema under construction. */
export class Definitions {
  readonly all: Record<string, SchemaObject> = {};
  private readonly references = new Map<SchemaObject, SchemaObject>();

  /**
   * A schema as a part of the whole. One with `$ref: '#/…'` inside means itself by `#`, and not the whole: it moves
   * below `definitions`, its references with it.
   */
  part(schema: SchemaObject): SchemaObject {
    const known = this.references.get(schema);
    if (known !== undefined) return known;
    // As text: a quote inside a string is written \" there, so that only the keyword itself can match.
    const text = JSON.stringify({ ...schema, $id: undefined });
    if (!text.includes(LOCAL_REF)) return schema;
    const name = `part${this.references.size + 1}`;
    const reference = { $ref: `#/definitions/${name}` };
    this.references.set(schema, reference);
    this.all[name] = JSON.parse(text.replaceAll(LOCAL_REF, `${LOCAL_REF}/definitions/${name}`));
    return reference;
  }
}
