// Loaded with --import in front of every script, and first by the package's command: says clearly which Node is missing
// instead of failing on the first .ts file, and keeps what Node makes of the sources, so that only a first start strips and
// compiles them.
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(
    `This project runs on Node 24.15 or newer, this is Node ${process.versions.node}. ` +
      'On Linux x64 and arm64 npm brings the right one: in a clone run `npm ci` and use the npm scripts; of a package run ' +
      '`npx hostkey-vm-gateway`. Elsewhere install Node 24.\n',
  )
  process.exit(1)
}

// Beside the packages, which are as much ours to trust as this file; where it cannot be written, nothing is kept.
module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/node-compile', import.meta.url)))
