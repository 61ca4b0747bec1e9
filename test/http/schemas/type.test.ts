import { Type as TypeBox } from 'typebox'
import { expect, test } from 'vitest'
import { Type } from '../../../src/http/schemas/type.ts'

type Builders = typeof Type

test('every builder makes the schema that TypeBox makes', () => {
  const uses: Record<keyof Builders, ((build: Builders) => object)[]> = {
    Array: [build => build.Array(build.String()), build => build.Array(build.Integer(), { maxItems: 3 })],
    Integer: [build => build.Integer(), build => build.Integer({ minimum: 1, format: 'int32' })],
    Literal: [build => build.Literal('*'), build => build.Literal(5, { description: 'five' })],
    Object: [
      build => build.Object({}),
      build => build.Object({ a: build.String(), b: build.Integer() }, { $id: 'AB' }),
      build => build.Object({ a: build.Optional(build.String()), b: build.Integer() }),
      build => build.Object({ a: build.Optional(build.String()) }, { additionalProperties: false }),
    ],
    Optional: [build => build.Optional(build.String({ minLength: 1 }))],
    String: [build => build.String(), build => build.String({ pattern: '^a$', examples: ['a'] })],
    Union: [build => build.Union([build.Literal('*'), build.Integer()], { description: 'either' })],
    Unsafe: [build => build.Unsafe({ type: ['string', 'null'] })],
  }
  // As texts: the order of the keys is that of the documents.
  const texts = (build: Builders): string[][] =>
    Object.values(uses).map(use => use.map(make => JSON.stringify(make(build))))
  expect(Object.keys(uses).toSorted()).toEqual(Object.keys(Type).toSorted())
  expect(texts(Type)).toEqual(texts(TypeBox))
})

test('a schema that is made optional stays as it was where it is used otherwise', () => {
  const name = Type.String()
  const schemas = [Type.Object({ name: Type.Optional(name) }), Type.Object({ name })]
  expect(schemas.map(({ required }) => required)).toEqual([undefined, ['name']])
})
