/** Swagger UI at `/docs`, from local files: in the dark as in the light, on a phone, with keys that nobody else can read. */

import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { securityHeaders } from '../headers.ts'

/** The page may load what it needs from the gateway, and nothing from anywhere else. */
const DOCS_HEADERS = securityHeaders({
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  // Swagger UI sets style attributes; scripts stay strict.
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
})

/** Swagger UI has colours for the dark and no way to choose them by the setting of the system; its page has no viewport. */
const SCRIPT = `'use strict'
const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', follow)
follow()

const viewport = document.createElement('meta')
viewport.name = 'viewport'
viewport.content = 'width=device-width, initial-scale=1'
document.head.append(viewport)

// A key is not for those who look over a shoulder, nor for the browser to remember.
new MutationObserver(() => {
  for (const input of document.querySelectorAll('.auth-container input[type="text"]')) {
    input.type = 'password'
    input.autocomplete = 'off'
  }
}).observe(document.body, { childList: true, subtree: true })
`

const STYLE = `
html { color-scheme: light; }
@media (prefers-color-scheme: dark) {
  html { color-scheme: dark; background: #1c2022; }
  .swagger-ui .response-col_description .headers td { color: #d5d8da; }
}
@media (max-width: 640px) {
  .swagger-ui .wrapper, .swagger-ui .information-container.wrapper { padding: 0 12px; }
  .swagger-ui .info .title { font-size: 24px; overflow-wrap: anywhere; }
  .swagger-ui .opblock .opblock-summary-control { flex-wrap: wrap; row-gap: 4px; }
  .swagger-ui .opblock .opblock-summary-path { max-width: calc(100vw - 150px); overflow-wrap: anywhere; }
  .swagger-ui .opblock .opblock-summary-description { flex-basis: 100%; }
  .swagger-ui .opblock-section-header { flex-wrap: wrap; }
  .swagger-ui .auth-wrapper, .swagger-ui .scheme-container .schemes { flex-wrap: wrap; }
  .swagger-ui table, .swagger-ui tbody, .swagger-ui tr, .swagger-ui td { display: block; width: auto; max-width: 100%; min-width: 0; }
  .swagger-ui table thead { display: none; }
  .swagger-ui table tbody tr td:first-of-type { max-width: 100%; min-width: 0; padding: 8px 0 0; }
  .swagger-ui .parameters-col_description { width: auto; margin-bottom: 8px; }
  .swagger-ui input, .swagger-ui select, .swagger-ui textarea { box-sizing: border-box; max-width: 100% !important; min-width: 0 !important; }
  .swagger-ui .parameters-col_description input, .swagger-ui .parameters-col_description select { width: 100%; }
  .swagger-ui pre, .swagger-ui .microlight, .swagger-ui .markdown code { white-space: pre-wrap; overflow-wrap: anywhere; }
  .swagger-ui .response-controls { flex-wrap: wrap; }
  .swagger-ui .dialog-ux .modal-ux { min-width: 0; width: calc(100vw - 16px); }
  .swagger-ui .dialog-ux .modal-ux-content { padding: 12px; }
}
`

/** Registers the page; `basePath` stands before the addresses of its files. */
export async function registerSwaggerUi(docs: FastifyInstance, basePath: string): Promise<void> {
  docs.addHook('onRoute', route => {
    route.config = { securityHeaders: DOCS_HEADERS, ...route.config, access: 'public' }
  })
  await docs.register(swaggerUi, {
    routePrefix: '/docs',
    // The browser finds the files of the page under this; without it, they are looked for past the base path.
    indexPrefix: basePath,
    staticCSP: false,
    uiConfig: {
      layout: 'BaseLayout',
      deepLinking: true,
      displayRequestDuration: true,
      persistAuthorization: false,
      tryItOutEnabled: true,
      validatorUrl: null,
    },
    theme: {
      title: 'HOSTKEY VM gateway',
      js: [{ filename: 'gateway.js', content: SCRIPT }],
      css: [{ filename: 'gateway.css', content: STYLE }],
    },
  })
}
