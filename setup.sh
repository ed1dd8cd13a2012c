#!/bin/sh
# Makes this machine ready for dipp: Deno and the npm packages, which need no root.
# With --tests also a WebGPU adapter where there is none, for the tests of WebGPU:
# dipp itself computes on the processor's cores where there is no GPU.
#
# Run it as often as you like: what is there is left alone. It never asks. What
# it may not install it names, with the command, and then exits non-zero.
set -u

DENO_VERSION=2.9.6 # what is installed where there is none
DENO_MINOR=9       # 2.9 is the oldest that runs dipp

TESTS=
for argument in "$@"; do
  case "$argument" in
    --tests) TESTS=1 ;;
    *)
      echo "setup: unknown argument $argument, expected --tests or none" >&2
      exit 1
      ;;
  esac
done

cd "$(dirname "$0")" || exit 1
ROOT=$(pwd)

say() { printf 'setup: %s\n' "$*"; }
problem() { printf 'setup: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
on_path() { case ":$PATH:" in *":$1:"*) true ;; *) false ;; esac }
writable() { mkdir -p "$1" 2>/dev/null && [ -w "$1" ]; }

# A home that is unset, empty or read-only: tools that cache there get a folder
# of the project instead.
if [ -z "${HOME:-}" ]; then
  HOME=$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6)
  export HOME
fi
if [ -z "${HOME:-}" ] || ! writable "$HOME"; then
  HOME="$ROOT/.cache/home"
  mkdir -p "$HOME" || { problem "cannot write to $ROOT"; exit 1; }
  say "no usable home directory: using $HOME"
fi

# Prefixes a command with what makes it root, where that is possible unasked.
if [ "$(id -u)" -eq 0 ]; then
  as_root() { "$@"; }
elif have sudo && sudo -n true 2>/dev/null; then
  as_root() { sudo -n "$@"; }
else
  as_root() { return 1; }
fi

# --- Deno -------------------------------------------------------------------

deno_fits() { # VERSION, like 2.9.6
  major=${1%%.*}
  rest=${1#*.}
  minor=${rest%%.*}
  [ "$major" -gt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -ge "$DENO_MINOR" ]; }
}

deno_version() { "$1" --version 2>/dev/null | sed -n 's/^deno \([0-9.]*\).*/\1/p'; }

# npm may be told not to run install scripts; deno's puts the binary in place.
finish_npm_deno() { # PREFIX
  package="$1/lib/node_modules/deno"
  if [ ! -x "$package/deno" ]; then
    (cd "$package" && node install.cjs) || return 1
  fi
  if [ "$(readlink "$1/bin/deno")" != ../lib/node_modules/deno/deno ]; then
    ln -sf ../lib/node_modules/deno/deno "$1/bin/deno" || return 1
  fi
}

npm_deno() { # PREFIX
  say "installing Deno $DENO_VERSION with npm into $1"
  npm install --global --prefix "$1" --no-audit --no-fund --fetch-retries=1 --loglevel=error \
    "deno@$DENO_VERSION" >/dev/null && finish_npm_deno "$1"
}

script_deno() { # PREFIX
  say "installing Deno $DENO_VERSION with the script from deno.land into $1"
  curl -fsSL --max-time 60 https://deno.land/install.sh |
    DENO_INSTALL="$1" sh -s -- "v$DENO_VERSION" -y --no-modify-path >/dev/null
}

# Makes `deno` a command of the shell that called us, which has its own PATH.
reach_deno() { # DIR
  if on_path "$1"; then return 0; fi
  OLD_IFS=$IFS
  IFS=:
  for dir in $PATH; do
    if [ -d "$dir" ] && [ -w "$dir" ] && [ ! -e "$dir/deno" ]; then
      IFS=$OLD_IFS
      ln -s "$1/deno" "$dir/deno" && say "linked $dir/deno to $1/deno" && return 0
    fi
  done
  IFS=$OLD_IFS
  problem "Deno is in $1, which is not on your PATH. Run this, then setup.sh again:"
  problem "  export PATH=\"$1:\$PATH\""
  return 1
}

install_deno() {
  if ! have npm && ! have curl && have apt-get && as_root true; then
    say "neither npm nor curl is here: installing npm with apt-get"
    as_root apt-get update -q >/dev/null &&
      as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends npm >/dev/null
  fi
  for prefix in "$(have npm && npm prefix --global 2>/dev/null)" "$HOME/.local" "$ROOT/.cache/deno"; do
    [ -n "$prefix" ] || continue
    writable "$prefix/bin" && writable "$prefix/lib/node_modules" || continue
    { have npm && npm_deno "$prefix"; } || { have curl && script_deno "$prefix"; } ||
      return 1
    DENO="$prefix/bin/deno"
    [ -n "$(deno_version "$DENO")" ] && reach_deno "$prefix/bin"
    return
  done
  return 1
}

DENO=$(command -v deno || true)
if [ -n "$DENO" ]; then
  version=$(deno_version "$DENO")
  if [ -z "$version" ] || ! deno_fits "$version"; then
    problem "$DENO is Deno ${version:-of an unknown version}; dipp needs 2.$DENO_MINOR or newer. It is yours, so it was left alone. Run one of:"
    problem "  deno upgrade --version $DENO_VERSION"
    problem "  npm install --global deno@$DENO_VERSION"
    exit 1
  fi
  say "Deno $version is here: $DENO"
else
  if ! install_deno; then
    if [ -z "$DENO" ]; then
      problem "Deno could not be installed. Install version $DENO_VERSION by one of:"
      problem "  npm install --global deno@$DENO_VERSION"
      problem "  curl -fsSL https://deno.land/install.sh | sh -s v$DENO_VERSION"
      have npm || problem "npm comes with Node.js (Debian: apt-get install npm)."
    fi
    exit 1
  fi
  say "Deno $(deno_version "$DENO") is installed: $DENO"
fi

# --- npm packages -----------------------------------------------------------

say "installing the npm packages of deno.lock"
if ! "$DENO" install --frozen --quiet; then
  problem "the npm packages could not be installed. With a network, run:"
  problem "  deno install --frozen"
  exit 1
fi

# --- WebGPU adapter ---------------------------------------------------------

# On Linux only Vulkan counts: the OpenGL adapter that the runtime falls back to
# has too few storage buffers per kernel.
[ "$(uname -s)" != Linux ] ||
  export DENO_WEBGPU_BACKEND="${DENO_WEBGPU_BACKEND:-vulkan}"
adapter() { "$DENO" run --quiet --no-prompt --no-config tools/adapter.ts 2>/dev/null; }

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "$@" >/dev/null
}

# Debian 12's own Mesa is half as fast as the one in its backports.
add_backports() {
  list=/etc/apt/sources.list.d/dipp-bookworm-backports.list
  if apt-cache policy 2>/dev/null | grep -q 'n=bookworm-backports'; then
    return 0
  fi
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' \
    'Created-By: Packages' 2>/dev/null | head -n 1)
  # From the mirror that the machine takes Debian from, or not at all
  [ -n "$uri" ] || return 1
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -e "$key" ] && option="[signed-by=$key] " || option=
  say "adding Debian's bookworm-backports in $list, for a faster software driver"
  echo "deb $option$uri bookworm-backports main" |
    as_root tee "$list" >/dev/null
  if ! as_root apt-get update -q >/dev/null; then
    say "bookworm-backports is out of reach: taking it out again"
    as_root rm -f "$list"
    as_root apt-get update -q >/dev/null
    return 1
  fi
}

install_driver() {
  have apt-get && as_root true || return 1
  say "no Vulkan adapter: installing Mesa's software driver with apt-get"
  as_root apt-get update -q >/dev/null
  if grep -qs 'VERSION_CODENAME=bookworm' /etc/os-release && add_backports; then
    apt_install -t bookworm-backports libvulkan1 mesa-vulkan-drivers && return
  fi
  apt_install libvulkan1 mesa-vulkan-drivers
}

explain_driver() {
  problem "there is no WebGPU adapter. Install a Vulkan driver (your GPU's own, or Mesa's software one):"
  if [ -e /etc/alpine-release ]; then
    problem "  Alpine: apk add deno vulkan-loader mesa-vulkan-swrast"
  elif have apt-get; then
    problem "  sudo apt-get install libvulkan1 mesa-vulkan-drivers"
  elif have dnf; then
    problem "  sudo dnf install vulkan-loader mesa-vulkan-drivers"
  elif have pacman; then
    problem "  sudo pacman -S vulkan-icd-loader vulkan-swrast"
  elif have zypper; then
    problem "  sudo zypper install libvulkan1 libvulkan_lvp"
  elif [ "$(uname -s)" = Darwin ]; then
    problem "  macOS: Metal comes with the system; it needs a Mac of 2015 or later and a session that may use the GPU"
  else
    problem "  Windows: the DirectX 12 or Vulkan driver of the GPU's maker (WARP works too, slowly)"
    problem "  elsewhere: a Vulkan loader and Mesa's lavapipe (mesa-vulkan-swrast)"
  fi
  problem "Then run setup.sh --tests again."
}

name=$(adapter)
if [ -z "$name" ] && [ -n "$TESTS" ]; then
  install_driver
  name=$(adapter)
  if [ -z "$name" ]; then
    explain_driver
    exit 1
  fi
fi
if [ -n "$name" ]; then
  say "WebGPU adapter: $name"
else
  say "no WebGPU adapter: dipp computes on the processor's cores (its tests of WebGPU need ./setup.sh --tests)"
fi
say "ready. Next: deno task train, or deno task test"
