/** Rewrites the OpenAPI 3.1 document as 3.0.3, for API gateways that import nothing newer. */

type Json = Record<string, unknown>

/** These keywords of a schema are the same in both versions; `Translation` sees to the others. */
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
  const { openapi, jsonSchemaDialect: _, webhooks, info, ...parts } = document as Json & Described
  if (!String(openapi).startsWith('3.1.')) throw new Error('not a 3.1 document')
  return {
    openapi: '3.0.3',
    info: infoOf(info, webhooks !== undefined),
    ...(new Translation(parts.components?.schemas).part(webhooks ? withoutUnused(parts) : parts) as Json),
  }
}

interface Described {
  info: Info
  components?: { schemas?: Json }
}

/** OpenAPI 3.0 has no webhooks, so nothing refers any more to what only they referred to. */
function withoutUnused(parts: Omit<Described, 'info'>): object {
  const isUsed = ([name]: [string, unknown]): boolean =>
    JSON.stringify(parts).includes(`"#/components/schemas/${name}"`)
  const schemas = Object.fromEntries(Object.entries(parts.components?.schemas ?? {}).filter(isUsed))
  return { ...parts, components: { ...parts.components, schemas } }
}

interface Info {
  description?: string
  license?: { name: string; identifier?: string }
}

const NO_WEBHOOKS =
  'OpenAPI 3.0 cannot describe webhooks: what the gateway sends when an operation has ended is in the 3.1 edition alone.'

/** OpenAPI 3.0 knows licences by their URL, and not by their SPDX identifier. */
function infoOf(info: Info, hasWebhooks: boolean): Info {
  const told = hasWebhooks ? { ...info, description: `${info.description ?? ''}\n\n${NO_WEBHOOKS}` } : info
  if (!info.license) return told
  const { identifier, ...license } = info.license
  return {
    ...told,
    license: { ...license, ...(identifier && { url: `https://spdx.org/licenses/${identifier}.html` }) },
  }
}

/**
 * Null in a choice, in a form that generators know. It has no `type`, with which it would have to be `nullable` itself: readers
 * that add null to the values of what is nullable, as Prism does, would have it twice, which is no schema.
 */
const NULL = { enum: [null] }

/** The translation of one document. */
class Translation {
  readonly #schemas: Json

  /** @param schemas what its references lead to */
  constructor(schemas: Json = {}) {
    this.#schemas = schemas
  }

  /** Translates a part of the document with all that it contains. */
  part(part: unknown): unknown {
    if (Array.isArray(part)) return part.map(one => this.part(one))
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([name, child]) => [name, this.#member(name, child)]))
  }

  #member(name: string, child: unknown): unknown {
    switch (name) {
      // Examples may have any shape, also that of a part of a document.
      case 'example':
      case 'examples':
        return child
      case 'schema':
        return this.#schema(child)
      case 'schemas':
        return this.#each(child)
      default:
        return this.part(child)
    }
  }

  #schema(schema: unknown): unknown {
    if (typeof schema === 'boolean') return schema
    const { $ref, ...siblings } = schema as Json
    if ($ref === undefined)
      return Object.assign({}, ...Object.entries(siblings).map(one => this.#keyword(...one))) as Json
    // OpenAPI 3.0 ignores whatever stands beside a reference.
    if (Object.keys(siblings).length === 0) return { $ref }
    return { ...(this.#schema(siblings) as Json), allOf: [{ $ref }] }
  }

  #each(schemas: unknown): Json {
    return Object.fromEntries(
      Object.entries(schemas as Json).map(([name, schema]) => [name, this.#schema(schema)]),
    )
  }

  #keyword(keyword: string, value: unknown): Json {
    switch (keyword) {
      case 'type':
        return typeOf([value].flat())
      case 'examples':
        return { example: (value as unknown[])[0] }
      case 'const':
        return { enum: [value] }
      // 3.0 has no words for what is in a text: there they are an extension, which leaves the type of the content its place.
      case 'contentMediaType':
        return { 'x-content-media-type': value }
      case 'contentSchema':
        return { 'x-content-schema': this.#schema(value) }
      case 'exclusiveMinimum':
        return { minimum: value, exclusiveMinimum: true }
      case 'exclusiveMaximum':
        return { maximum: value, exclusiveMaximum: true }
      case 'properties':
        return { properties: this.#each(value) }
      case 'items':
      case 'additionalProperties':
      case 'not':
        return { [keyword]: this.#schema(value) }
      case 'anyOf':
      case 'oneOf':
        return this.#choice(keyword, value as Json[])
      case 'allOf':
        return { allOf: (value as Json[]).map(one => this.#schema(one)) }
      default:
        if (!KEPT.has(keyword)) throw new Error(`3.0 has no keyword ${keyword}`)
        return { [keyword]: value }
    }
  }

  /** A choice between one schema and null is that schema, and nullable. 3.0 has no type `null` for other choices. */
  #choice(keyword: string, choices: readonly Json[]): Json {
    const [choice, ...others] = choices.filter(({ type }) => type !== 'null')
    if (others.length + 1 === choices.length) return { [keyword]: choices.map(one => this.#schema(one)) }
    if (choice === undefined || others.length > 0) throw new Error(`3.0 has no ${keyword} with null`)
    if (!('$ref' in choice)) return { ...(this.#schema(choice) as Json), nullable: true }
    // `nullable` beside a reference would let nothing in: it counts only beside a `type`, and the choice must have null as
    // well. A repetition of what is referred to would be a class of its own in generated clients.
    const { type } = (this.#schemas[String(choice.$ref).split('/').at(-1)!] ?? {}) as { type?: unknown }
    if (typeof type !== 'string') throw new Error(`3.0 has no ${keyword} of null and ${String(choice.$ref)}`)
    return { type, nullable: true, [keyword]: [this.#schema(choice), NULL] }
  }
}

function typeOf(all: readonly unknown[]): Json {
  const [type, ...others] = all.filter(one => one !== 'null')
  if (type === undefined || others.length > 0) throw new Error(`3.0 knows no type ${String(all)}`)
  return all.length > 1 ? { type, nullable: true } : { type }
}
