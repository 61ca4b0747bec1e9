/** Rewrites the OpenAPI 3.1 document as 3.0.3, for API gateways that import nothing newer. */

type Json = Record<string, unknown>

/** These keywords of a schema are the same in both versions; `translate` sees to the others. */
const KEPT = new Set(
  `title description default format pattern minLength maxLength minimum maximum multipleOf minItems maxItems uniqueItems
   minProperties maxProperties required enum readOnly writeOnly deprecated discriminator externalDocs`.split(
    /\s+/,
  ),
)
/**
 * Returns the document as OpenAPI 3.0.3.
 * @throws Error where the document says what 3.0 cannot: no edition is better than one that promises less.
 */
export function toOpenApi30(document: object): object {
  const { openapi, jsonSchemaDialect: _, webhooks, ...rest } = document as Json
  if (!String(openapi).startsWith('3.1.') || webhooks) throw new Error('not a 3.1 document without webhooks')

  /** Returns the schema that a local reference leads to. */
  function follow(reference: string): Json {
    const parts = reference.slice(2).split('/')
    return parts.reduce<unknown>((node, part) => (node as Json)[part], document) as Json
  }

  function schemaOf(schema: unknown): unknown {
    if (typeof schema === 'boolean') return schema
    const { $ref, ...siblings } = schema as Json
    if ($ref === undefined) return Object.assign({}, ...Object.entries(siblings).map(translate)) as Json
    // OpenAPI 3.0 ignores whatever stands beside a reference.
    if (Object.keys(siblings).length === 0) return { $ref }
    return { ...(schemaOf(siblings) as Json), allOf: [{ $ref }] }
  }

  function translate([keyword, value]: [string, unknown]): Json {
    switch (keyword) {
      case 'type': {
        const types = [value].flat()
        const [type, ...others] = types.filter(one => one !== 'null')
        if (type === undefined || others.length > 0) throw new Error(`3.0 knows no type ${String(value)}`)
        return types.length > 1 ? { type, nullable: true } : { type }
      }
      case 'examples':
        return { example: (value as unknown[])[0] }
      case 'const':
        return { enum: [value] }
      case 'exclusiveMinimum':
        return { minimum: value, exclusiveMinimum: true }
      case 'exclusiveMaximum':
        return { maximum: value, exclusiveMaximum: true }
      case 'properties':
        return { properties: mapValues(value as Json, schemaOf) }
      case 'items':
      case 'additionalProperties':
      case 'not':
        return { [keyword]: schemaOf(value) }
      case 'anyOf':
      case 'oneOf': {
        const choices = value as Json[]
        const [choice, ...others] = choices.filter(({ type }) => type !== 'null')
        if (others.length + 1 === choices.length) return { [keyword]: choices.map(schemaOf) }
        if (choice === undefined || others.length > 0) throw new Error(`3.0 has no ${keyword} with null`)
        // `nullable` counts only beside a `type`, so what is referred to is repeated here.
        const { $ref } = choice
        return { ...(schemaOf(typeof $ref === 'string' ? follow($ref) : choice) as Json), nullable: true }
      }
      case 'allOf':
        return { allOf: (value as Json[]).map(schemaOf) }
      default:
        if (!KEPT.has(keyword)) throw new Error(`3.0 has no keyword ${keyword}`)
        return { [keyword]: value }
    }
  }

  function partOf(part: unknown): unknown {
    if (Array.isArray(part)) return part.map(partOf)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(
      Object.entries(part).map(([name, child]) => [
        name,
        // Examples may have any shape, also that of a part of a document.
        name === 'example' || name === 'examples'
          ? child
          : name === 'schema'
            ? schemaOf(child)
            : name === 'schemas'
              ? mapValues(child as Json, schemaOf)
              : partOf(child),
      ]),
    )
  }

  const { info, ...parts } = rest as { info: { license?: { name: string; identifier?: string } } }
  const { identifier, ...license } = info.license ?? { name: '' }
  return {
    openapi: '3.0.3',
    info: {
      ...info,
      ...(info.license && {
        license: { ...license, ...(identifier && { url: `https://spdx.org/licenses/${identifier}.html` }) },
      }),
    },
    ...(partOf(parts) as Json),
  }
}

function mapValues(object: Json, map: (value: unknown) => unknown): Json {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]))
}
