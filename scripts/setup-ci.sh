#!/usr/bin/env bash
# Installs what the end-to-end tests need beside npm packages: haproxy, the load balancer in front of nodes, nginx (of the
# package nginx-light), which exported maps are loaded into, openssl for the certificates of preflight's tests, chromium,
# which reads the dashboard as people do, and promtool (of the package prometheus; nothing of it is started), which judges
# metrics and alert rules. Debian and Ubuntu only, by apt-get (Ubuntu's chromium package is a snap: there bring a Chromium
# of your own and name it in CHROMIUM); installs nothing that is there already.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin" # haproxy lives there on Debian, and not every shell looks

missing=()
command -v haproxy >/dev/null || missing+=(haproxy)
command -v nginx >/dev/null || missing+=(nginx-light)
command -v openssl >/dev/null || missing+=(openssl)
command -v promtool >/dev/null || missing+=(prometheus)
[ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)

if [ ${#missing[@]} -eq 0 ]; then
  echo "setup-ci: haproxy, nginx, openssl, promtool and chromium are installed, nothing to do"
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "setup-ci: ${missing[*]} missing and there is no apt-get here" >&2
  echo "  Install ${missing[*]} by hand, then try again." >&2
  exit 1
fi

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
echo "setup-ci: installing ${missing[*]} with apt-get"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}"
echo "setup-ci: installed ${missing[*]}"
