#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Gets the headers of DPDK that drivers outside of its tree need and libdpdk-dev lacks, from Debian's source package of the version
# that is installed. apt checks the package against its signed index; nothing outside of OUT changes.
#
# usage: headers.sh ROOT OUT
#   OUT    the folder for the headers; nothing is done if it has those of the installed version
#   ROOT   the repository: another build folder in it that has them saves the download
set -eu
root=$1 out=$2
headers='lib/ethdev/ethdev_driver.h lib/ethdev/ethdev_vdev.h lib/ethdev/ethdev_pci.h lib/eal/include/bus_driver.h
lib/eal/include/dev_driver.h drivers/bus/vdev/bus_vdev_driver.h drivers/bus/pci/bus_pci_driver.h'
fail() {
    echo "$1; or build without the DPDK driver: meson setup -Dpmd=disabled" >&2
    exit 1
}
version=$(dpkg-query -W -f '${source:Version}' libdpdk-dev 2>/dev/null) || version=
[ -n "$version" ] || fail 'the DPDK driver needs the package libdpdk-dev; ./dev build installs it'
has() { [ "$(cat "$1/version" 2>/dev/null)" = "$version" ]; }
if has "$out"; then
    exit 0
fi
rm -rf "$out"
mkdir -p "$out"
for other in "$root"/build*/dpdk; do
    if has "$other"; then
        cp "$other"/*.h "$out"
        echo "$version" >"$out/version"
        exit 0
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
chmod 755 "$work" # apt may read it as a user of its own
mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial"
for f in /etc/apt/sources.list.d/*.sources; do
    [ ! -e "$f" ] || sed 's/^Types:.*/Types: deb-src/' "$f" >"$work/sources/${f##*/}"
done
for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ ! -e "$f" ] || sed -n 's/^deb[[:space:]]/deb-src /p' "$f" >"$work/sources/${f##*/}.list"
done
apt() {
    apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/sources" -o Dir::State::Lists="$work/lists" \
        -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@" >>"$work/log" 2>&1
}
cd "$work"
apt update && apt source --download-only "dpdk=$version" || {
    tail -20 "$work/log" >&2
    fail "Debian's source package dpdk $version, which has the headers that the DPDK driver needs, can't be had (above, the end of what apt says)"
}
set -- "$work"/dpdk_*.orig.tar.*
[ -e "$1" ] || fail "Debian's source package dpdk $version has no dpdk_*.orig.tar"
for h in $headers; do
    echo "*/$h"
done >"$work/names"
tar -xf "$1" --strip-components=1 --wildcards --no-anchored -T "$work/names" || fail "the headers are not in ${1##*/}"
for h in $headers; do
    cp "$work/$h" "$out"
done
echo "$version" >"$out/version"
