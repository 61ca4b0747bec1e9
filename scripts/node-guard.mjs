// Loaded with --import in front of every script: says clearly which Node is missing instead of failing on the first .ts file.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(
    `This project runs on Node 24.15 or newer, this is Node ${process.versions.node}. ` +
      '`npm ci` installs the right one beside the project on Linux x64 and arm64; run the npm scripts after it, or install Node 24.\n',
  )
  process.exit(1)
}
