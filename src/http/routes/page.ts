/** The frame of the pages for people: one inline style, no script, readable on a phone and in the dark. */

import { createHash } from 'node:crypto'
import { securityHeaders } from '../headers.ts'

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 44rem; padding: 1rem 1rem 3rem; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .25rem 0 1rem; }
h2 { font-size: 1rem; margin: 1.75rem 0 .25rem; }
p { margin: 0; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { border: 1px solid #8886; border-radius: .5rem; background: #8881; margin: .5rem 0; padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; }
ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: .5rem 0; padding: 0; }
a { color: light-dark(#0b57d0, #a8c7fa); display: inline-block; padding: .25rem 0; }
[aria-current] { font-weight: bold; }
.state { border: 1px solid #8886; border-left: .5rem solid light-dark(#b3261e, #f2b8b5); border-radius: .5rem; padding: .75rem 1rem; }
.ready { border-left-color: light-dark(#146c2e, #6dd58c); }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .25rem 1rem; align-items: baseline; margin: 1.5rem 0 0; }
dd { margin: 0; }
`

/** The style by its digest, and nothing else from anywhere. */
export const PAGE_HEADERS = securityHeaders({
  'default-src': ["'none'"],
  'style-src': [`'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
})

/** A page; the title is text, the body HTML. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, character => ENTITIES[character]!)
}
