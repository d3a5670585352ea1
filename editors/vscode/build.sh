#!/usr/bin/env bash
# Build editors/vscode/build/graphspec.vsix: with the packages that package-lock.json names, and no script of theirs run.
# With a folder as its argument, build there and leave this one as it is.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
build="${1:-$here/build}"
mkdir -p "$build"
cp -r "$here"/{source,package.json,package-lock.json,language-configuration.json,grammar.json,README.md,.vscodeignore} "$build/"
cp "$here/../../LICENSE" "$build/LICENSE.txt"
cd "$build"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
# VS Code gives `vscode`; all else becomes one file, which starts faster than hundreds.
node_modules/.bin/esbuild source/extension.js --bundle --minify --platform=node --target=node18 --external:vscode \
  --outfile=extension.js --log-level=warning
node_modules/.bin/vsce package --no-dependencies --allow-missing-repository --skip-license --out graphspec.vsix
