/**
 * The builders of TypeBox that the schemas use, with TypeBox's types and its schemas, but not its 700 modules: these took
 * 150 ms of every start and 24 MB (bench/results.md).
 */

import type { Type as TypeBox } from 'typebox'

type Builders = Pick<
  typeof TypeBox,
  'Array' | 'Integer' | 'Literal' | 'Object' | 'Optional' | 'String' | 'Union' | 'Unsafe'
>
type Schema = object

/** The mark of a property that may be left out; not enumerable, so that it is in no document. */
const OPTIONAL = '~optional'

const builders = {
  Array: (items: Schema, options?: object): Schema => ({ type: 'array', items, ...options }),
  Integer: (options?: object): Schema => ({ type: 'integer', ...options }),
  Literal: (value: string | number, options?: object): Schema => ({
    type: typeof value,
    const: value,
    ...options,
  }),
  Object(properties: Record<string, Schema>, options?: object): Schema {
    const required = Object.keys(properties).filter(name => !(OPTIONAL in properties[name]!))
    return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...options }
  },
  Optional: (schema: Schema): Schema => Object.defineProperty({ ...schema }, OPTIONAL, { value: true }),
  String: (options?: object): Schema => ({ type: 'string', ...options }),
  Union: (anyOf: Schema[], options?: object): Schema => ({ anyOf, ...options }),
  Unsafe: (schema: Schema): Schema => ({ ...schema }),
}

export const Type = builders as unknown as Builders
