/**
 * Tracing by OpenTelemetry's SDK. Where it sends to, what the service is called and which traces are kept say the
 * standard variables (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import {
  defaultTextMapGetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from '../config/config.ts'
import type { CallOutcome, CheckOutcome, Hostkey, Task } from '../operations/hostkey.ts'
import type { Ended, Operation, Subject } from '../operations/operation.ts'
import type { OperationTracing } from '../operations/tracing.ts'
import { intercept } from './intercept.ts'
import type { Tracing } from './tracing.ts'
import type { Send } from '../upstream/session.ts'
import type { Exchange } from '../upstream/transport.ts'
import { VERSION } from '../config/version.ts'
import { realWorld } from '../world.ts'
import { within } from '../operations/within.ts'

type TracingConfig = NonNullable<Config['tracing']>

/** How long the end of the process waits for the receiver. */
const CLOSE_MS = 2_000

declare module 'fastify' {
  interface FastifyRequest {
    span: Span | null
  }
}

export function startTracing(config: TracingConfig): Tracing {
  return new OtelTracing(config)
}

class OtelTracing implements Tracing {
  readonly operations: OperationTracing
  readonly #ids = new Ids()
  readonly #provider: TracerProvider
  readonly #tracer: Tracer
  readonly #propagator = new W3CTraceContextPropagator()
  /** What goes on now is part of this. It is ours alone: the API's global one belongs to whoever embeds the gateway. */
  readonly #here = new AsyncLocalStorage<Context>()

  constructor(config: TracingConfig) {
    this.#provider = providerOf(config, this.#ids)
    this.#tracer = this.#provider.getTracer('hostkey-vm-gateway', VERSION)
    this.operations = {
      begin: () => this.#begin(),
      step: (operation, make) => this.#step(operation, make),
      apart: make => this.#here.exit(make),
      end: operation => this.#end(operation),
    }
  }

  requests(app: FastifyInstance): void {
    app.decorateRequest('span', null)
    app.addHook('onRequest', (request, _reply, done) => {
      // Probes and scrapes would be most of what there is.
      if (request.routeOptions.config.bucket === 'none') return done()
      request.span = this.#startRequest(request)
      request.log = request.log.child({ trace_id: request.span.spanContext().traceId })
      this.#enter(request, done)
    })
    // What reads the body calls back from outside.
    app.addHook('preValidation', (request, _reply, done) => this.#enter(request, done))
    app.addHook('onResponse', (request, reply, done) => {
      endRequest(request, reply.statusCode)
      done()
    })
    app.addHook('onRequestAbort', (request, done) => {
      endRequest(request, 499)
      done()
    })
  }

  hostkey(hostkey: Hostkey): Hostkey {
    return intercept(hostkey, ({ method, args: [task] }, next) => {
      if (method !== 'call' && method !== 'check') return next()
      const action = method === 'call' ? (task as Task).action : method
      return this.#call(action, next as () => ReturnType<Hostkey['call']>)
    })
  }

  login(send: Send): Send {
    return fields => this.#call('login', () => send(fields))
  }

  async close(): Promise<void> {
    await within(
      realWorld,
      this.#provider.shutdown().catch(() => {}),
      CLOSE_MS,
    )
  }

  #startRequest({ method, routeOptions, id, headers }: FastifyRequest): Span {
    const route = routeOptions.url
    return this.#tracer.startSpan(
      route === undefined ? method : `${method} ${route}`,
      {
        kind: SpanKind.SERVER,
        attributes: {
          'http.request.method': method,
          ...(route === undefined ? {} : { 'http.route': route }),
          'gateway.request.id': id,
        },
      },
      this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter),
    )
  }

  #enter({ span }: FastifyRequest, done: () => void): void {
    const isKept = span && (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0
    if (isKept) this.#here.run(trace.setSpan(ROOT_CONTEXT, span), done)
    else this.#here.exit(done)
  }

  /** A call to HOSTKEY; only as part of something, else every poll of an operation from before would be a trace. */
  async #call<T extends CallOutcome | CheckOutcome | Exchange>(
    action: string,
    make: () => Promise<T>,
  ): Promise<T> {
    const parent = this.#here.getStore()
    if (!parent) return make()
    const attributes = { 'hostkey.action': action }
    const span = this.#tracer.startSpan(`HOSTKEY ${action}`, { kind: SpanKind.CLIENT, attributes }, parent)
    try {
      const outcome = await this.#here.run(trace.setSpan(parent, span), make)
      span.setAttribute('hostkey.outcome', outcome.kind)
      // A refusal is an answer, and what was done is done; the rest is trouble on the way.
      if (['lost', 'unsent', 'unauthorized'].includes(outcome.kind))
        span.setStatus({ code: SpanStatusCode.ERROR, message: outcome.kind })
      return outcome
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  }

  #begin(): Pick<Subject, 'trace'> {
    const context = this.#here.getStore()
    const parent = context && trace.getSpanContext(context)
    if (!parent) return {}
    return { trace: { id: parent.traceId, span: this.#ids.newSpanId(), parent: parent.spanId } }
  }

  #step<T>(operation: Operation, make: () => T): T {
    const context = operation.trace && contextOf(operation.trace.id, operation.trace.span)
    return context ? this.#here.run(context, make) : make()
  }

  /** The span of an operation is made when it ended, by whoever ended it, with the id that its steps already named as their parent. */
  #end(operation: Ended): void {
    if (!operation.trace) return
    const { id, span: spanId, parent } = operation.trace
    this.#ids.next = spanId
    const span = this.#tracer.startSpan(
      `operation ${operation.kind}`,
      { startTime: operation.createdAtMs, attributes: attributesOf(operation) },
      contextOf(id, parent),
    )
    if (operation.failure) span.setStatus({ code: SpanStatusCode.ERROR, message: operation.failure.reason })
    span.end(operation.updatedAtMs)
  }
}

function providerOf(config: TracingConfig, ids: Ids): TracerProvider {
  const Exporter = config.protocol === 'http/json' ? JsonExporter : ProtobufExporter
  return new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'hostkey-vm-gateway',
      'service.version': VERSION,
    }).merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(config),
    idGenerator: ids,
    spanProcessors: [
      new BatchSpanProcessor({ exporter: new Exporter(), scheduledDelayMillis: config.delayMs }),
    ],
  })
}

/** Random ids, but for a span whose id was given away before it is made. */
class Ids {
  next: string | undefined

  generateTraceId(): string {
    return randomBytes(16).toString('hex')
  }

  generateSpanId(): string {
    const { next } = this
    this.next = undefined
    return next ?? this.newSpanId()
  }

  newSpanId(): string {
    return randomBytes(8).toString('hex')
  }
}

function contextOf(traceId: string, spanId: string): Context {
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  })
}

function samplerOf({ sampler, ratio }: TracingConfig): Sampler {
  const name = sampler.replace('parentbased_', '')
  const root =
    name === 'always_off'
      ? new AlwaysOffSampler()
      : name === 'traceidratio'
        ? new TraceIdRatioBasedSampler(ratio)
        : new AlwaysOnSampler()
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root
}

function attributesOf({ id, kind, vmId, status, createdBy }: Ended): Record<string, string | number> {
  return {
    'gateway.operation.id': id,
    'gateway.operation.kind': kind,
    'gateway.operation.status': status,
    'gateway.vm.id': vmId,
    'gateway.caller': createdBy,
  }
}

function endRequest({ span, caller, url }: FastifyRequest, status: number): void {
  if (!span) return
  if (caller) span.setAttribute('gateway.caller', caller.id)
  // Not the query, nor the path of a request that was not let in: who does it wrong puts a key there.
  if (caller && status !== 400) span.setAttribute('url.path', url.split('?', 1)[0]!)
  span.setAttribute('http.response.status_code', status)
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}
