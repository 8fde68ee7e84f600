# shellcheck shell=bash disable=SC2034
# What pipelines/serve and tests/run share: which Debian packages this project needs, and how they are
# installed and the tree is built without doing anything twice. Sourced from the root of the tree.

# To build, and to run: GStreamer with WebRTC, an encoder, a Vulkan driver that needs no GPU, and campaign-load's
# WebRTC and decoders.
run_packages=(
  meson ninja-build ccache pkgconf g++ glslc libvulkan-dev mesa-vulkan-drivers
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstreamer-plugins-bad1.0-dev
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  gstreamer1.0-plugins-ugly gstreamer1.0-nice
  libsoup-3.0-dev nlohmann-json3-dev libhwy-dev libzstd-dev
  libhiredis-dev
  libnice-dev libssl-dev libsrtp2-dev libavcodec-dev libavutil-dev
)

# The tests further need these: a browser and what drives it, a display and windows on it, decoders, the Vulkan
# validation layers, servers that are real.
test_packages=(
  libgtest-dev libgmock-dev libbenchmark-dev gstreamer1.0-libav vulkan-validationlayers
  chromium chromium-driver python3-selenium python3-pytest python3-websockets python3-zstandard python3-jsonschema curl nodejs procps iproute2
  xvfb xauth gstreamer1.0-x redis-server coturn
)

say() { printf '%s\n' "$*"; }
fail() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  shift
  (($# == 0)) || printf '  %s\n' "$@" >&2
  exit 1
}

# One dpkg-query tells what is not there; apt is only woken when something is missing.
install_missing() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "This is not Debian or Ubuntu, so nothing is installed here. Needed, by their Debian names:"
    printf '%s ' "$@" | fold -s -w 100 | sed 's/^/  /'
    printf '\nTrying with what is there.\n'
    return
  fi

  local installed package missing=()
  # shellcheck disable=SC2016  # the format is dpkg-query's
  installed=" $(dpkg-query --show --showformat '${db:Status-Status}:${Package} ' "$@" 2>/dev/null || true)"
  for package in "$@"; do
    [[ $installed == *" installed:$package "* ]] || missing+=("$package")
  done
  ((${#missing[@]} > 0)) || return 0

  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      fail "packages are missing, and installing them needs root or sudo. As root, run:" \
        "apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${#missing[@]} missing packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq ||
    fail "apt-get update failed (see above); is the network up, and /etc/apt/sources.list right?"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get install failed (see above)." \
      "Debian 12 or newer and current Ubuntu have all of these; on others install them another way:" \
      "${missing[*]}"
}

# build_in <folder> [meson options]: configures once, then compiles what changed.
build_in() {
  local folder=$1 log tool
  shift
  for tool in meson ninja; do
    command -v "$tool" >/dev/null || fail "$tool is not installed, and nothing can be built without it."
  done

  if [[ ! -f $folder/build.ninja ]]; then
    say "Configuring $folder"
    log=$(mktemp)
    if ! meson setup "$folder" "$@" >"$log" 2>&1; then
      tail -n 30 "$log" >&2
      rm -f "$log"
      fail "the build could not be configured; the last lines above name what is missing."
    fi
    rm -f "$log"
  fi

  [[ $(ninja -C "$folder" -n 2>/dev/null) != *"no work to do"* ]] || return 0
  say "Building in $folder (the first time takes some minutes)"
  local quiet=(--quiet)
  [[ ! -t 1 ]] || quiet=() # on a terminal ninja's own line shows the progress
  ninja -C "$folder" "${quiet[@]}" ||
    fail "the build failed (see above). If the tree was moved or a package changed: rm -r $folder, then again."
}
